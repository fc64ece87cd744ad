import { assert, describe, it } from "@effect/vitest"
import { assertEquals } from "@effect/vitest/utils"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { noJobs } from "../../src/model/JobView.ts"
import * as JobSource from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { jobSourceSuite, listed } from "./JobSourceSuite.ts"

const noAction = Effect.die("the memory source supports every action")

describe("MemorySource", () => {
  jobSourceSuite(
    Effect.gen(function* () {
      const { control, source } = yield* MemorySource.make
      const queues = ["mail", "media"] as const
      for (const queue of queues) {
        yield* control.put({ id: "first", queue })
        yield* control.remove("first")
      }
      yield* control.setWorker("mailer", "mailer-1")
      let last = 0
      return {
        source,
        queues,
        worker: "mailer",
        seed: (queue, state, name) => {
          const id = name ?? `job-${++last}`
          return Effect.as(control.put({ id, queue, state }), id)
        }
      }
    })
  )

  it.effect("fails every call until it recovers, and applies nothing meanwhile", () =>
    Effect.gen(function* () {
      const { control, source } = yield* MemorySource.make
      const down = new JobSource.SourceUnavailable({ reason: "connect" })
      yield* control.put({ id: "a", state: "failed" })
      yield* control.failWith(down)
      for (const call of [
        source.counts,
        listed(source),
        source.find("a"),
        source.ping,
        source.actions.retryJob?.("a", "k") ?? noAction
      ]) {
        assertEquals<unknown>(yield* Effect.flip(call), down)
      }
      yield* control.recover
      assert.strictEqual(Option.getOrThrow(yield* source.find("a")).state, "failed")
      assert.strictEqual(yield* control.applied("k"), 0)
    })
  )

  it.effect("an action can fail after it was applied, and its key remembers the answer", () =>
    Effect.gen(function* () {
      const { control, source } = yield* MemorySource.make
      const retry = source.actions.retryJob?.("a", "k") ?? noAction
      yield* control.put({ id: "a", state: "failed" })
      yield* control.failActions(new JobSource.SourceUnavailable({ reason: "reset" }), "after")
      assert.strictEqual((yield* Effect.flip(retry))._tag, "SourceUnavailable")
      assert.strictEqual(yield* control.applied("k"), 1)
      yield* control.recover
      yield* retry
      assert.strictEqual(yield* control.applied("k"), 1)
      yield* control.setHonoursKeys(false)
      assert.strictEqual((yield* Effect.flip(retry))._tag, "ActionRejected")
      assert.strictEqual(yield* control.calls, 3)
    })
  )

  it.effect("lies about counts, runs hooks, and says how long finished jobs stay", () =>
    Effect.gen(function* () {
      const { control, source } = yield* MemorySource.make
      yield* control.lie({ ...noJobs, active: 7 })
      assert.strictEqual((yield* source.counts).active, 7)
      yield* control.lie(undefined)
      yield* control.hook("counts", control.put({ id: "hooked" }))
      assert.strictEqual((yield* source.counts).waiting, 1)
      yield* control.setFinishedKept("1 minute")
      assert.strictEqual(Duration.toMillis(source.finishedKept), 60_000)
    })
  )
})
