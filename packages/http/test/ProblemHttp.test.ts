import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { ask, assertProblem, command, post } from "./support/ask.ts"
import * as House from "./support/house.ts"

/** A queue that was shut down interrupts whoever takes from it. */
const closed = Effect.flatMap(Queue.unbounded<never>(), (queue) =>
  Effect.zipRight(Queue.shutdown(queue), Queue.take(queue))
)

describe("what interrupts itself within a request", () => {
  it.scopedLive("is answered: whoever asked is still there", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ stuck: () => closed })
      assertProblem(yield* ask(`${house.url}/api/jobs/stuck`), 500, "internal-error")

      yield* house.control.put({ id: "j1" })
      yield* house.control.hook("find", closed)
      assertProblem(yield* post(`${house.url}/commands/run`, command({ dryRun: true })), 500, "internal-error")
      const ran = yield* post(`${house.url}/commands/run`, command(), { prefer: "wait=10" })
      assert.deepStrictEqual([ran.status, ran.json.phase, ran.json.outcome], [200, "error", "failure"])

      yield* house.control.hook("counts", Effect.interrupt)
      const { json, status } = yield* post(`${house.url}/reconciliation/run`, {})
      assert.deepStrictEqual(
        [status, json.data.map((update: { status: string }) => update.status)],
        [200, ["stale", "verified"]]
      )
    })
  )
})
