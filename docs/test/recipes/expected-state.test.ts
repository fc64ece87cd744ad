import type * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import {
  type Database,
  type ExpectedState,
  type Job,
  MemorySource,
  type Mithrandir,
  Reconciler
} from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, vi } from "vitest"
import {
  layerDatabase,
  layerHouse,
  layerPlatform,
  makeFile,
  query,
  service
} from "../../../packages/core/test/support/house.ts"
import { programOf } from "../support/compile.ts"
import { Page } from "../support/Page.ts"

const recipe = "docs/recipes/expected-state.md"
const page = new Page(recipe)
page.take("ts")
page.take("ts")

it("expected-state: no snippet is left over", () => page.end())

/** What the recipe leaves to its reader, under the name that it has there. */
class Dashboard extends Context.Tag("Dashboard")<
  Dashboard,
  { readonly jobs: Effect.Effect<ReadonlyMap<string, Job.Job>, Error> }
>() {}

interface Cache {
  readonly layerExpected: Layer.Layer<ExpectedState.ExpectedState, never, Dashboard>
}
interface Strict {
  readonly MithrandirLive: Layer.Layer<
    Mithrandir.Mithrandir,
    Error,
    Database.Database | HttpClient.HttpClient | Dashboard
  >
}

const { layerExpected }: Cache = await import(programOf(recipe, 1))
const memory = Effect.runSync(MemorySource.make)
const print = service(memory, { id: "print" })
// What a snippet only declares, its module finds as a global.
vi.stubGlobal("layerExpected", layerExpected)
vi.stubGlobal("source", print.source)
const { MithrandirLive }: Strict = await import(programOf(recipe, 2))
// Workers go on with other files.
afterAll(() => void vi.unstubAllGlobals())

const poster: Job.Job = { id: "poster-1", queue: "large", state: "waiting" }
const flyer: Job.Job = { id: "flyer-1", queue: "small", state: "waiting" }

/** The shop has a poster; the dashboard believes what it is told to. */
const begun = Effect.gen(function* () {
  yield* memory.control.replace([poster])
  let jobs: Effect.Effect<ReadonlyMap<string, Job.Job>, Error> = Effect.succeed(new Map())
  const dashboard = Layer.succeed(Dashboard, { jobs: Effect.suspend(() => jobs) })
  const believe = (...believed: ReadonlyArray<Job.Job>) => {
    jobs = Effect.succeed(new Map(believed.map((job) => [job.id, job])))
  }
  const fall = () => {
    jobs = Effect.fail(new Error("ECONNREFUSED"))
  }
  return { believe, dashboard, fall, file: yield* makeFile }
})

const pass = (reconciler: Context.Tag.Service<Reconciler.Reconciler>) =>
  Effect.flatMap(reconciler.run({ service: "print" }), ([update]) =>
    update === undefined ? Effect.dieMessage("no update") : Effect.succeed(update)
  )

describe("expected-state: a cache of one's own", () => {
  it.scopedLive("strict: whatever it believes and the system does not have is missing, until the two agree", () =>
    Effect.gen(function* () {
      const { believe, dashboard, fall, file } = yield* begun
      const live = Layer.provide(MithrandirLive, [dashboard, layerDatabase(file), layerPlatform])
      const reconciler = Context.get(yield* Layer.build(live), Reconciler.Reconciler)
      believe(poster)
      assert.strictEqual((yield* pass(reconciler)).status, "verified")
      believe(poster, flyer)
      const found = yield* pass(reconciler)
      assert.strictEqual(found.status, "discrepancy")
      assert.deepStrictEqual(found.discrepancyDetails?.missingJobIds, ["flyer-1"])
      // What a lifecycle would explain is not explained.
      believe({ ...poster, state: "delayed" }, flyer)
      assert.deepStrictEqual((yield* pass(reconciler)).discrepancyDetails?.changedJobs, [
        { id: "poster-1", expected: "delayed", actual: "waiting" }
      ])
      believe(poster)
      const agreed = yield* pass(reconciler)
      assert.strictEqual(agreed.status, "verified")
      assert.deepStrictEqual(new Set(agreed.discrepancyDetails?.ended?.map(({ by }) => by)), new Set(["agreement"]))
      fall()
      const stale = yield* pass(reconciler)
      assert.strictEqual(stale.status, "stale")
      assert.strictEqual(stale.message, "the expected side could not be read: the dashboard is down")
      assert.deepStrictEqual(
        query(file, "SELECT status FROM discrepancy_event ORDER BY rowid").map(({ status }) => status),
        ["discrepancy", "discrepancy", "verified"]
      )
    })
  )

  it.scopedLive("lifecycle, the default: it may lag behind, and still no job may be lost", () =>
    Effect.gen(function* () {
      const { believe, dashboard, file } = yield* begun
      const live = layerHouse(file, [print], { expected: Layer.provide(layerExpected, dashboard) })
      const reconciler = Context.get(yield* Layer.build(live), Reconciler.Reconciler)
      believe({ ...poster, state: "delayed" })
      assert.strictEqual((yield* pass(reconciler)).status, "verified")
      believe(flyer)
      assert.deepStrictEqual((yield* pass(reconciler)).discrepancyDetails?.missingJobIds, ["flyer-1"])
    })
  )
})
