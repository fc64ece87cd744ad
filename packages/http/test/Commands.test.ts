import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { ask, assertProblem, command, post } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { listen, seqOf } from "./support/listen.ts"

const events = { accept: "text/event-stream" }
const run = (house: House.House, request: unknown, headers: Record<string, string> = {}) =>
  post(`${house.url}/commands/run`, request, headers)

/** The same request as a stream. */
const follow = (house: House.House, request: object) =>
  listen(`${house.url}/commands/run`, {
    method: "POST",
    headers: { ...events, "content-type": "application/json" },
    body: JSON.stringify(request)
  })

/** Holds every action of `alpha` until it is let go. */
const hold = (house: House.House) =>
  Effect.gen(function* () {
    const arrived = yield* Deferred.make<void>()
    const gate = yield* Deferred.make<void>()
    yield* house.control.hook("action", Effect.zipRight(Deferred.succeed(arrived, undefined), Deferred.await(gate)))
    return { arrived: Deferred.await(arrived), letGo: Deferred.succeed(gate, undefined) }
  })

const audited = (house: House.House) => Effect.map(ask(`${house.url}/reconciliation/audit`), ({ json }) => json.data)

describe("POST /commands/run", () => {
  it.scopedLive("answers 202 with where to look, and the command goes on by itself", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1", state: "failed" })
      const request = command({ actionType: "retry-job", reason: "again" })
      const { headers, json, status } = yield* run(house, request)
      assert.strictEqual(status, 202)
      assert.deepStrictEqual(json, {
        commandId: request.commandId,
        service: "alpha",
        phase: "queued",
        replayed: false
      })
      const location = headers.get("location")
      assert.strictEqual(location, `/commands/${request.commandId}`)
      yield* (yield* follow(house, request)).ended
      const state = yield* ask(`${house.url}${location}`)
      const { createdAt, endedAt, logs, ...rest } = state.json
      assert.deepStrictEqual(rest, {
        commandId: request.commandId,
        service: "alpha",
        actionType: "retry-job",
        target: "j1",
        phase: "success",
        outcome: "success",
        verified: true
      })
      assert.isTrue(createdAt <= endedAt)
      assert.isAbove(logs.length, 1)
    })
  )

  it.scopedLive(
    "as a stream: the phases of the command as the event stream tells them, ids included, then its end",
    () =>
      Effect.gen(function* () {
        const house = yield* House.fresh()
        yield* house.control.put({ id: "j1" }, { id: "j2" })
        const everything = yield* listen(`${house.url}/reconciliation/stream`)
        yield* everything.until((seen) => seen.length === 1)
        yield* run(house, command({ target: "j2" }), events)
        const request = command()
        const following = yield* follow(house, request)
        yield* following.ended
        assert.strictEqual(following.status, 200)
        assert.strictEqual(following.headers["content-type"], "text/event-stream")
        assert.strictEqual(following.headers.location, `/commands/${request.commandId}`)
        assert.deepStrictEqual(
          following.seen.map(({ data }) => data.phase),
          ["queued", "running", "success"]
        )
        const last = following.seen.at(-1)
        yield* everything.until((seen) => seqOf(seen.at(-1)?.id) === seqOf(last?.id))
        const ours = everything.seen.filter(({ data }) => data.commandId === request.commandId)
        assert.deepStrictEqual(ours, following.seen)
        const [entry] = yield* audited(house)
        assert.deepStrictEqual([entry.id, entry.outcome, entry.actor], [request.commandId, "success", "local"])
      })
  )

  it.scopedLive(
    "the same again gives the stored state, 202 while it runs and 200 once it has ended, and runs nothing",
    () =>
      Effect.gen(function* () {
        const house = yield* House.fresh()
        yield* house.control.put({ id: "j1" })
        const { arrived, letGo } = yield* hold(house)
        const request = command()
        yield* run(house, request)
        yield* arrived
        const early = yield* run(house, { ...request, reason: "another", params: {} })
        assert.deepStrictEqual([early.status, early.json.phase, early.json.replayed], [202, "running", true])
        const first = yield* follow(house, request)
        const second = yield* follow(house, request)
        yield* letGo
        yield* first.ended
        yield* second.ended
        const late = yield* run(house, request)
        assert.deepStrictEqual([late.status, late.json.phase, late.json.replayed], [200, "success", true])
        const replayed = yield* run(house, request, events)
        assert.deepStrictEqual([replayed.status, replayed.headers.get("content-type")], [200, "text/event-stream"])
        assert.deepStrictEqual(second.seen, first.seen)
        assert.strictEqual(first.seen.length, 3)
        // The stream of one that has ended is what it was while it ran.
        assert.strictEqual(replayed.text, first.text())
        assert.strictEqual(yield* house.control.calls, 1)
        assert.strictEqual((yield* audited(house)).length, 1)
      })
  )

  it.scopedLive("twenty at once of one id run once", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const request = command()
      const answers = yield* Effect.all(
        Array.from({ length: 20 }, (_, index) => run(house, request, index % 2 === 0 ? {} : events)),
        { concurrency: "unbounded" }
      )
      for (const { status, text } of answers) assert.oneOf(status, [200, 202], text)
      const fresh = answers.filter(({ json }) => json?.replayed === false).length
      assert.isAtMost(fresh, 1)
      yield* (yield* follow(house, request)).ended
      assert.strictEqual(yield* house.control.calls, 1)
      assert.strictEqual((yield* audited(house)).length, 1)
    })
  )

  it.scopedLive("a client that leaves does not stop its command", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const { arrived, letGo } = yield* hold(house)
      const request = command()
      const leaving = yield* follow(house, request)
      yield* arrived
      yield* leaving.leave
      yield* leaving.ended
      yield* letGo
      const staying = yield* follow(house, request)
      yield* staying.ended
      assert.strictEqual(staying.seen.at(-1)?.data.phase, "success")
      assert.deepStrictEqual(
        (yield* audited(house)).map(({ id }: { id: string }) => id),
        [request.commandId]
      )
    })
  )

  it.scopedLive("beats while the command takes its time", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ heartbeat: "100 millis" })
      yield* house.control.put({ id: "j1" })
      const { letGo } = yield* hold(house)
      const following = yield* follow(house, command())
      yield* following.until((seen) => seen.filter(({ event }) => event === "heartbeat").length === 2)
      yield* letGo
      yield* following.ended
      const running = following.seen.find(({ data }) => data.phase === "running")
      assert.strictEqual(following.seen.find(({ event }) => event === "heartbeat")?.data.lastEventId, running?.id)
      assert.strictEqual(following.seen.at(-1)?.data.phase, "success")
    })
  )

  it.scopedLive("only who names event streams gets one", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const type = (accept: string) =>
        Effect.map(run(house, command(), { accept }), ({ headers }) => headers.get("content-type"))
      assert.strictEqual(yield* type("*/*"), "application/json")
      assert.strictEqual(yield* type("application/json, text/event-stream;q=0"), "application/json")
      assert.strictEqual(yield* type("text/*"), "application/json")
      assert.strictEqual(yield* type("application/json;q=0.5, Text/Event-Stream; q=1"), "text/event-stream")
    })
  )

  it.scopedLive("names the field that does not fit: 400", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { target: _, ...withoutTarget } = command()
      assertProblem(yield* run(house, withoutTarget), 400, "invalid-request", "target")
      const cases = [
        ["commandId", ["", "a b", "x".repeat(65), 7, null, "ä"]],
        ["service", ["", "Alpha", 1]],
        ["actionType", ["", "x".repeat(65), {}]],
        ["target", ["", ".", "..", "x".repeat(257), "a\u0000b", "a\nb", 5]],
        ["params", [[], "x", 1, null]],
        ["reason", [1, "x".repeat(1_001)]],
        ["actor", ["root"]],
        ["dryrun", [true]]
      ] as const
      for (const [field, values] of cases) {
        for (const value of values) {
          assertProblem(yield* run(house, command({ [field]: value })), 400, "invalid-request", field)
        }
      }
      assert.deepStrictEqual(yield* audited(house), [])
    })
  )

  it.scopedLive("what is well-formed and cannot be is 422, naming the field", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" }, { id: "j2" })
      const unknown = yield* run(house, command({ service: "gamma" }))
      assertProblem(unknown, 422, "service-not-found", "service")
      assert.deepStrictEqual(unknown.json.known, ["alpha", "beta"])
      assertProblem(yield* run(house, command({ actionType: "explode" })), 422, "action-not-found", "actionType")
      assertProblem(
        yield* run(house, command({ service: "beta", actionType: "restart-service" })),
        422,
        "action-not-supported",
        "actionType"
      )
      assertProblem(yield* run(house, command({ params: { force: true } })), 422, "command-invalid")
      const taken = command()
      yield* run(house, taken, events)
      assertProblem(yield* run(house, { ...taken, target: "j2" }), 422, "command-id-taken", "commandId")
      assertProblem(yield* run(house, { ...taken, target: "j2" }, events), 422, "command-id-taken", "commandId")
    })
  )
})

describe("GET /commands/{commandId}", () => {
  it.scopedLive("is 404 for what was never accepted, 400 for what could not be", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const missing = yield* ask(`${house.url}/commands/never`)
      assertProblem(missing, 404, "command-not-found")
      assert.strictEqual(missing.json.commandId, "never")
      assertProblem(yield* ask(`${house.url}/commands/a%20b`), 400, "invalid-request", "commandId")
      assertProblem(yield* ask(`${house.url}/commands/${"x".repeat(65)}`), 400, "invalid-request", "commandId")
      // A name like any other, though a route of another method has it.
      assertProblem(yield* ask(`${house.url}/commands/run`), 404, "command-not-found")
    })
  )
})
