import type * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import {
  AuditLog,
  Commands,
  type Database,
  type Job,
  type JobSource,
  type Mithrandir,
  Reconciler
} from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, vi } from "vitest"
import { layerDatabase, layerHouse, layerPlatform, makeFile } from "../../../packages/core/test/support/house.ts"
import { programOf } from "../support/compile.ts"
import { Page } from "../support/Page.ts"

const recipe = "docs/recipes/write-a-source.md"
const page = new Page(recipe)
page.take("ts")
page.take("ts")
page.take("ts")

it("write-a-source: no snippet is left over", () => page.end())

/** What the recipe leaves to its reader, under the name that it has there. */
class PrintShop extends Context.Tag("PrintShop")<
  PrintShop,
  {
    readonly jobs: Effect.Effect<ReadonlyArray<Job.Job>>
    readonly cancel: (id: string) => Effect.Effect<"cancelled" | "unknown" | "printing">
  }
>() {}

interface Sources {
  readonly layer: Layer.Layer<JobSource.JobSource, never, PrintShop>
  readonly layerCounting: Layer.Layer<JobSource.JobSource, never, PrintShop>
}
interface Registered {
  readonly MithrandirLive: Layer.Layer<
    Mithrandir.Mithrandir,
    Error,
    Database.Database | HttpClient.HttpClient | PrintShop
  >
}

const { layer, layerCounting }: Sources = await import(programOf(recipe, 1))
// What a snippet only declares, its module finds as a global.
vi.stubGlobal("layer", layer)
const { MithrandirLive }: Registered = await import(programOf(recipe, 2))
// Workers go on with other files.
afterAll(() => void vi.unstubAllGlobals())

const initial: ReadonlyArray<Job.Job> = [
  { id: "poster-1", queue: "large", state: "waiting" },
  { id: "flyer-1", queue: "small", state: "waiting" },
  { id: "flyer-2", queue: "small", state: "waiting" }
]

/** A shop that lists the poster as waiting while the press has taken it already. */
const makeShop = () => {
  const jobs = new Map(initial.map((job) => [job.id, job]))
  const shop = Layer.succeed(PrintShop, {
    jobs: Effect.sync(() => Array.from(jobs.values())),
    cancel: (id) =>
      Effect.sync(() => {
        if (id === "poster-1") return "printing"
        return jobs.delete(id) ? "cancelled" : "unknown"
      })
  })
  return { jobs, shop }
}

describe("write-a-source", () => {
  it.scopedLive("a source that only counts is observed, and accuses nobody", () =>
    Effect.gen(function* () {
      const { jobs, shop } = makeShop()
      const source = Layer.provide(layerCounting, shop)
      const definition = { id: "print", type: "print-shop", source }
      const house = yield* Layer.build(layerHouse(yield* makeFile, [definition]))
      const { run } = Context.get(house, Reconciler.Reconciler)
      yield* run({ service: "print" })
      jobs.delete("flyer-2")
      const [update] = yield* run({ service: "print" })
      assert.deepInclude(update, { status: "verified", basis: "observed" })
      assert.deepInclude(update?.counts, { waiting: 2, active: 0 })
    })
  )

  it.scopedLive("one that lists tells which job was lost, and deletes, on the record", () =>
    Effect.gen(function* () {
      const { jobs, shop } = makeShop()
      const live = Layer.provide(MithrandirLive, [shop, layerDatabase(yield* makeFile), layerPlatform])
      const house = yield* Layer.build(live)
      const { run } = Context.get(house, Reconciler.Reconciler)
      const commands = Context.get(house, Commands.Commands)
      const audit = Context.get(house, AuditLog.AuditLog)
      const carryOut = (commandId: string, actionType: string, target: string) =>
        commands
          .submit({ commandId, service: "print", actionType, target }, "somebody")
          .pipe(
            Effect.zipRight(Stream.runDrain(commands.follow(commandId))),
            Effect.zipRight(Effect.all([commands.get(commandId), audit.get(commandId)]))
          )

      const [adopted] = yield* run({ service: "print" })
      assert.deepInclude(adopted, { status: "verified", rebaselined: true })

      const [deleted, entry] = yield* carryOut("delete-1", "delete-job", "flyer-1")
      assert.deepInclude(deleted, { outcome: "success", verified: true })
      assert.isFalse(jobs.has("flyer-1"))
      assert.deepInclude(entry, { actor: "somebody", actionType: "delete-job", target: "flyer-1", outcome: "success" })
      assert.deepInclude(entry.beforeState, { id: "flyer-1", queue: "small", state: "waiting" })
      // It was us: nobody is accused.
      const [after] = yield* run({ service: "print" })
      assert.strictEqual(after?.status, "verified")

      const [refused] = yield* carryOut("delete-2", "delete-job", "poster-1")
      assert.strictEqual(refused.outcome, "failure")
      assert.include(refused.logs, "upstream refused: it is being printed")
      assert.isTrue(jobs.has("poster-1"))
      const unsupported = yield* Effect.flip(carryOut("retry-1", "retry-job", "poster-1"))
      assert.strictEqual(unsupported._tag, "ActionNotSupported")

      jobs.delete("flyer-2")
      const [found] = yield* run({ service: "print" })
      assert.strictEqual(found?.status, "discrepancy")
      assert.deepStrictEqual(found?.discrepancyDetails?.missingJobIds, ["flyer-2"])
    })
  )
})
