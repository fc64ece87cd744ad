/** A sensitive param over the wire: it goes in, and comes out nowhere. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Action, JobSource } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ask, assertProblem, command, post } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

const pin = "hush-4711"

/** An action that needs a pin, and what it was called with. */
const makeUnlock = () => {
  const given: Array<string> = []
  const unlock = Action.make({
    actionType: "unlock",
    params: Schema.Struct({
      pin: Action.Secret,
      door: Schema.optionalWith(Schema.Literal("front", "back"), { exact: true })
    }),
    snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
    execute: ({ params, target }) =>
      Effect.suspend(() => {
        given.push(Redacted.value(params.pin))
        return target === "j1"
          ? Effect.succeed("it is unlocked")
          : Effect.fail(new JobSource.ActionRejected({ problem: "wrong" }))
      })
  })
  return { given, unlock }
}

describe("a sensitive param", () => {
  it.scopedLive("comes out of no answer, no event, no record and no file, however it is asked for", () =>
    Effect.gen(function* () {
      const { given, unlock } = makeUnlock()
      const filename = yield* House.database
      const house = yield* House.start({ filename, actions: [unlock] })
      for (const id of ["j1", "j2"]) yield* house.control.put({ id })
      const stream = yield* listen(`${house.url}/reconciliation/stream`, { headers: { "last-event-id": "0" } })
      const run = (request: unknown, headers: Record<string, string> = {}) =>
        Effect.tap(post(`${house.url}/commands/run`, request, headers), ({ headers, text }) =>
          assert.notMatch(`${JSON.stringify([...headers])} ${text}`, /hush|4711/)
        )
      const order = (target: string, more: object = {}) =>
        command({ actionType: "unlock", target, params: { pin, door: "front" }, ...more })

      assert.strictEqual((yield* run(order("j1", { dryRun: true }))).status, 200)
      const done = order("j1")
      assert.strictEqual((yield* run(done, { prefer: "wait=10" })).json.outcome, "success")
      assert.strictEqual((yield* run(order("j2"), { prefer: "wait=10" })).json.outcome, "failure")
      assert.strictEqual((yield* run(done)).json.replayed, true)
      assert.deepStrictEqual(given, [pin, pin])
      assertProblem(yield* run({ ...done, params: { pin: `${pin}2` } }), 422, "command-id-taken")

      // Where it does not fit, or stands in the wrong place, it is not quoted either.
      for (const params of [{ pin: [pin] }, { pin: { pin } }, { pin, door: pin }, { pin, more: pin }, { door: pin }]) {
        assertProblem(yield* run(order("j1", { params })), 422, "command-invalid")
      }
      for (const wrong of [{ params: pin }, { params: [pin] }, { pin }, { service: { pin } }, { commandId: [pin] }]) {
        assert.strictEqual((yield* run(order("j1", wrong))).status, 400)
      }
      assert.strictEqual((yield* run(`{"params": {"pin": "${pin}" }`)).status, 400)

      const sse = yield* listen(`${house.url}/commands/run`, {
        method: "POST",
        headers: { accept: "text/event-stream", "content-type": "application/json" },
        body: JSON.stringify(order("j1"))
      })
      yield* sse.ended
      yield* stream.until((seen) => seen.filter(({ data }) => data?.phase === "success").length === 2)
      const { text: audit } = yield* ask(`${house.url}/reconciliation/audit`)
      assert.include(audit, '"pin":"[redacted]"')
      const { text: state } = yield* ask(`${house.url}/commands/${done.commandId}`)
      for (const text of [sse.text(), stream.text(), audit, state]) assert.notMatch(text, /hush|4711/)
      const directory = dirname(filename)
      for (const name of readdirSync(directory)) {
        assert.isFalse(readFileSync(join(directory, name)).includes("hush"), name)
      }
    })
  )
})
