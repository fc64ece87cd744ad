import { assert, describe, it } from "@effect/vitest"
import { Action } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ask, assertProblem, command, post } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

/** Nothing that comes out may have it in it. */
const pin = "hush-4711"

/** An embedder's own action, for `alpha` alone, and what it was carried out with. */
const makeRelease = () => {
  const released: Array<readonly [target: string, copies: number, pin: string]> = []
  const action = Action.make({
    actionType: "release-job",
    params: Schema.Struct({ pin: Action.Secret, copies: Schema.optionalWith(Schema.Int, { default: () => 1 }) }),
    isSupported: ({ id }) => id === "alpha",
    touches: "job",
    snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
    refusal: (before, { target }) => (before === null ? Option.some(`there is no job "${target}"`) : Option.none()),
    execute: ({ params, target }) =>
      Effect.sync(() => {
        released.push([target, params.copies, Redacted.value(params.pin)])
        return `released, ${params.copies} copies`
      }),
    verify: (before) => Effect.succeed({ after: before, verified: Option.some(true) })
  })
  return { action, released }
}

const release = (more: Record<string, unknown> = {}) =>
  command({ actionType: "release-job", params: { pin, copies: 2 }, ...more })

/** A house that has the action and a job to release. */
const open = Effect.gen(function* () {
  const { action, released } = makeRelease()
  const house = yield* House.fresh({ actions: [action] })
  yield* house.control.put({ id: "j1" })
  const run = (request: object, headers: Record<string, string> = {}) =>
    Effect.tap(post(`${house.url}/commands/run`, request, headers), ({ text }) => assert.notInclude(text, pin))
  return { house, released, run }
})

describe("an embedder's own action, over HTTP", () => {
  it.scopedLive("runs, says what became of it, and is on the record without its secret", () =>
    Effect.gen(function* () {
      const { house, released, run } = yield* open
      const request = release()
      const ran = yield* run(request, { prefer: "wait=20" })
      assert.deepStrictEqual([ran.status, ran.json.outcome, ran.json.verified], [200, "success", true])
      assert.include(ran.json.logs, "released, 2 copies")
      assert.deepStrictEqual(released, [["j1", 2, pin]])
      const { json, text } = yield* ask(`${house.url}/reconciliation/audit/${request.commandId}`)
      assert.notInclude(text, pin)
      assert.deepInclude(json, { actor: "local", actionType: "release-job", target: "j1", outcome: "success" })
      assert.deepStrictEqual(json.commandParams, { pin: "[redacted]", copies: 2 })
      assert.deepInclude(json.beforeState, { id: "j1", state: "waiting" })
      // Recognised by its secret, too, though that is kept nowhere.
      const again = yield* run(request)
      assert.deepStrictEqual([again.status, again.json.replayed], [200, true])
      const other = yield* run({ ...request, params: { pin: "hush-4712", copies: 2 } })
      assertProblem(other, 422, "command-id-taken")
      assert.strictEqual(released.length, 1)
    })
  )

  it.scopedLive("tells every phase on the stream that asked for it, and on everybody's", () =>
    Effect.gen(function* () {
      const { house } = yield* open
      const everybody = yield* listen(`${house.url}/reconciliation/stream?event=command.status`)
      yield* everybody.until((seen) => seen.some(({ event }) => event === "stream.ready"))
      const own = yield* listen(`${house.url}/commands/run`, {
        method: "POST",
        headers: { accept: "text/event-stream", "content-type": "application/json" },
        body: JSON.stringify(release())
      })
      yield* own.ended
      const phases = ["queued", "running", "success"]
      assert.deepStrictEqual(
        own.seen.map(({ data }) => data.phase),
        phases
      )
      const all = yield* everybody.until((seen) => seen.at(-1)?.data.phase === "success")
      assert.deepStrictEqual(
        all.flatMap(({ data, event }) => (event === "command.status" ? [data.phase] : [])),
        phases
      )
      assert.notInclude(own.text() + everybody.text(), pin)
    })
  )

  it.scopedLive("is tried without a trace: what it would find, and whether it may", () =>
    Effect.gen(function* () {
      const { house, released, run } = yield* open
      const request = release({ dryRun: true })
      const dry = yield* run(request)
      assert.deepStrictEqual([dry.status, dry.json.precondition], [200, { met: true }])
      assert.deepInclude(dry.json.beforeState, { id: "j1", state: "waiting" })
      const absent = yield* run(release({ dryRun: true, target: "none" }))
      assert.deepStrictEqual(absent.json.precondition, { met: false, problem: 'there is no job "none"' })
      assert.strictEqual((yield* ask(`${house.url}/commands/${request.commandId}`)).status, 404)
      assert.deepStrictEqual(released, [])
    })
  )

  it.scopedLive("is refused by the path of what does not fit its Schema, and where it is not supported", () =>
    Effect.gen(function* () {
      const { house, released, run } = yield* open
      const wrong: ReadonlyArray<readonly [params: object | undefined, path: string]> = [
        [{ pin, copies: "two" }, "params.copies"],
        [{ copies: 2 }, "params.pin"],
        [{ pin: "", copies: 2 }, "params.pin"],
        [{ pin, paper: "A4" }, "params.paper"],
        [undefined, "params.pin"]
      ]
      for (const dryRun of [false, true]) {
        for (const [params, path] of wrong) {
          assertProblem(yield* run(release({ dryRun, params })), 422, "command-invalid", path)
        }
      }
      const elsewhere = yield* run(release({ service: "beta" }))
      assertProblem(elsewhere, 422, "action-not-supported")
      assert.deepStrictEqual(released, [])
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/audit`)).json.meta.total, 0)
    })
  )
})
