import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Commands } from "../../src/commands/Commands.ts"
import { JobSource } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import { layerHouse, makeFile, query } from "../support/house.ts"
import * as MemoryPalantir from "../support/MemoryPalantir.ts"
import { jobSourceSuite, listed } from "./JobSourceSuite.ts"

const served = Effect.gen(function* () {
  const memory = yield* MemorySource.make
  const url = yield* MemoryPalantir.serve(memory)
  const context = yield* Layer.build(Layer.provide(Palantir.layer({ url }), NodeHttpClient.layer))
  return { source: Context.get(context, JobSource), control: memory.control, url }
})

describe("Palantir", () => {
  jobSourceSuite(
    Effect.gen(function* () {
      const { control, source } = yield* served
      const queues = ["mail", "media/large"] as const
      for (const queue of queues) {
        yield* control.put({ id: "first", queue })
        yield* control.remove("first")
      }
      yield* control.setWorker("mail/er", "mailer-1")
      let last = 0
      return {
        source,
        queues,
        worker: "mail/er",
        seed: (queue, state, name) => {
          const id = name ?? `job-${++last}`
          return Effect.as(control.put({ id, queue, state }), id)
        }
      }
    })
  )

  it.scopedLive("finds a job whose id is as long as ids may be", () =>
    Effect.gen(function* () {
      const { control, source } = yield* served
      const id = "/é".repeat(256)
      yield* control.put({ id, attempts: 3 })
      assert.strictEqual(Option.getOrThrow(yield* source.find(id)).attempts, 3)
    })
  )

  it.scopedLive("an id that no URL can carry is not there", () =>
    Effect.gen(function* () {
      const { control, source } = yield* served
      for (const id of ["\ud800", ".", "..", "stuck", "counts"]) {
        yield* control.put({ id })
        assert.deepStrictEqual(yield* source.find(id), Option.none())
      }
    })
  )

  it.scopedLive("is sent no command for what is a route there, and can be no job", () =>
    Effect.gen(function* () {
      // Nobody listens there: what is sent would fail otherwise.
      const source = Layer.orDie(Layer.provide(Palantir.layer({ url: "http://127.0.0.1:1" }), NodeHttpClient.layer))
      const palantir = { id: "palantir", type: "palantir", healthEndpoint: "http://127.0.0.1:1", source }
      const file = yield* makeFile
      const { preview, submit } = yield* Effect.provide(Commands, yield* Layer.build(layerHouse(file, [palantir])))
      for (const target of ["stuck", "counts"]) {
        for (const actionType of ["delete-job", "retry-job"]) {
          const request = { commandId: "c", service: "palantir", actionType, target }
          const doors: ReadonlyArray<Effect.Effect<unknown, unknown>> = [submit(request, "tester"), preview(request)]
          for (const door of doors) {
            assert.deepInclude(yield* Effect.flip(door), { _tag: "CommandInvalid", path: "target" })
          }
        }
      }
      assert.deepStrictEqual(query(file, "SELECT * FROM command"), [])
      // A queue may be called so.
      const queue = { commandId: "c", service: "palantir", actionType: "purge-queue", target: "stuck" }
      assert.strictEqual((yield* submit(queue, "tester")).state.phase, "queued")
    })
  )

  it.scopedLive("lists over many pages", () =>
    Effect.gen(function* () {
      const { control, source } = yield* served
      const ids = Array.from({ length: 20 }, (_, i) => `job ${String(i).padStart(2, "0")}&?`)
      yield* control.replace(ids.map((id) => ({ id })))
      assert.deepStrictEqual(
        (yield* listed(source)).map((job) => job.id),
        ids
      )
    })
  )

  it.scopedLive("works under a base path", () =>
    Effect.gen(function* () {
      const { url } = yield* served
      const context = yield* Layer.build(Layer.provide(Palantir.layer({ url: `${url}/base/` }), NodeHttpClient.layer))
      const error = yield* Effect.flip(Context.get(context, JobSource).counts)
      assert.deepInclude(error, { _tag: "SourceUnavailable", reason: "status", status: 404 })
    })
  )
})
