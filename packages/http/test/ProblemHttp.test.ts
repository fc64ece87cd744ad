import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import { client } from "../../core/test/support/security.ts"
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

describe("an answer that does not fit", () => {
  it.scopedLive("is no fault of whoever asked, and the log says where, and nothing of what it was", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.map(Logger.stringLogger, (line) => lines.push(line))
      const filename = yield* House.database
      const house = yield* Effect.provide(House.start({ filename }), Logger.add(logger))
      const db = yield* client(filename)
      // No action has such a name, and no commit of ours writes one.
      const actionType = "canary".repeat(20)
      db.prepare(
        "INSERT INTO command_audit (id, actor, action_type, target, outcome) VALUES ('a', 'ann', ?, 'j1', 'success')"
      ).run(actionType)
      db.exec("INSERT INTO audit_position (seq, id) VALUES (1, 'a')")
      const answer = yield* ask(`${house.url}/reconciliation/audit/a`)
      assertProblem(answer, 500, "internal-error")
      assert.deepStrictEqual(Object.keys(answer.json).sort(), ["code", "id", "status", "title", "type"])
      const said = lines.filter((line) => line.includes(answer.json.id)).join("\n")
      assert.match(said, /does not fit at actionType/)
      assert.notInclude(lines.join("\n"), "canary")
      assertProblem(yield* ask(`${house.url}/reconciliation/audit?limit=0`), 400, "invalid-request", "limit")
    })
  )
})
