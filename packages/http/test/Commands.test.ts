import { assert, describe, it } from "@effect/vitest"
import { JobSource } from "@mithrandir/core"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
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
        ["dryrun", [true]],
        ["dryRun", ["true", 1]]
      ] as const
      for (const [field, values] of cases) {
        for (const value of values) {
          assertProblem(yield* run(house, command({ [field]: value })), 400, "invalid-request", field)
        }
      }
      assert.deepStrictEqual(yield* audited(house), [])
    })
  )

  it.scopedLive("quotes nothing of params that are none: they may be a secret", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      for (const params of ["SECRETTEXT", ["SECRETTEXT"], null, 4_711]) {
        const refused = yield* run(house, command({ params }))
        assertProblem(refused, 400, "invalid-request", "params")
        assert.deepStrictEqual(refused.json.errors, [{ path: "params", problem: "expected an object of params" }])
        assert.notMatch(refused.text, /SECRETTEXT|4711/)
      }
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
      const unfit = yield* run(house, command({ params: { force: true } }))
      assertProblem(unfit, 422, "command-invalid", "params.force")
      const problem = "is not known to this action; leave it out"
      assert.deepStrictEqual(unfit.json.errors, [{ path: "params.force", problem }])
      assert.strictEqual(unfit.json.detail, `params.force: ${problem}`)
      const taken = command()
      yield* run(house, taken, events)
      assertProblem(yield* run(house, { ...taken, target: "j2" }), 422, "command-id-taken", "commandId")
      assertProblem(yield* run(house, { ...taken, target: "j2" }, events), 422, "command-id-taken", "commandId")
    })
  )
})

describe("POST /commands/run with dryRun", () => {
  it.scopedLive("says what the command would find, and leaves no trace", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1", queue: "mail", state: "active" })
      const request = command({ reason: "look" })
      const preview = yield* run(house, { ...request, dryRun: true })
      const { beforeState, ...rest } = preview.json
      assert.strictEqual(preview.status, 200)
      assert.deepInclude(beforeState, { id: "j1", queue: "mail", state: "active" })
      assert.deepStrictEqual(Object.keys(rest.precondition), ["met", "problem"])
      assert.deepStrictEqual(rest, {
        ...{ commandId: request.commandId, service: "alpha", actionType: "delete-job", target: "j1", dryRun: true },
        precondition: { met: false, problem: rest.precondition.problem }
      })
      for (const name of ["location", "preference-applied"]) assert.isNull(preview.headers.get(name))
      const gone = yield* run(house, command({ target: "none", dryRun: true }))
      assert.deepStrictEqual(gone.json.precondition, { met: true })
      assert.isString(gone.json.note)
      assertProblem(yield* ask(`${house.url}/commands/${request.commandId}`), 404, "command-not-found")
      assert.deepStrictEqual([yield* audited(house), yield* house.control.calls], [[], 0])
      // The id is still free, for a command with other content, too.
      yield* house.control.put({ id: "j2" })
      assert.strictEqual((yield* run(house, { ...request, target: "j2", dryRun: false })).json.replayed, false)
    })
  )

  it.scopedLive("answers JSON, also to who would like events, or to wait", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const preview = yield* run(house, command({ dryRun: true }), { ...events, prefer: "wait=5" })
      assert.deepStrictEqual([preview.status, preview.headers.get("content-type")], [200, "application/json"])
      assert.deepStrictEqual(preview.json.precondition, { met: true })
      assert.isNull(preview.headers.get("preference-applied"))
    })
  )

  it.scopedLive("refuses what a command would be refused for, and says why upstream gave no answer", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const dry = (more: Record<string, unknown> = {}) => run(house, command({ dryRun: true, ...more }))
      assertProblem(yield* dry({ service: "gamma" }), 422, "service-not-found", "service")
      assertProblem(yield* dry({ actionType: "explode" }), 422, "action-not-found", "actionType")
      assertProblem(yield* dry({ params: { a: 1 } }), 422, "command-invalid")
      assertProblem(yield* dry({ dryRun: "yes" }), 400, "invalid-request", "dryRun")
      assertProblem(yield* dry({ dryRun: null }), 400, "invalid-request", "dryRun")
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "connect" }))
      assertProblem(yield* dry(), 502, "upstream-unreachable")
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "timeout" }))
      assertProblem(yield* dry(), 504, "upstream-timeout")
      yield* house.control.failWith(new JobSource.SourceInvalid({ problem: "too large" }))
      assertProblem(yield* dry(), 502, "upstream-invalid")
    })
  )

  it.scopedLive("needs no writer", () =>
    Effect.gen(function* () {
      const filename = yield* House.database
      yield* Effect.flatMap(House.start({ filename }), (house) => house.stop)
      const house = yield* House.start({ filename, mode: "reader" })
      assert.strictEqual((yield* run(house, command({ dryRun: true }))).status, 200)
    })
  )
})

describe("POST /commands/run with Prefer: wait", () => {
  it.scopedLive("answers 200 with the whole outcome when the command ends in time", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const request = command()
      const answer = yield* run(house, request, { prefer: "respond-async, wait=20" })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("preference-applied"), "wait=20")
      assert.strictEqual(answer.headers.get("location"), `/commands/${request.commandId}`)
      const { replayed, ...state } = answer.json
      assert.deepStrictEqual(
        [replayed, state.phase, state.outcome, state.verified],
        [false, "success", "success", true]
      )
      assert.deepStrictEqual(state, (yield* ask(`${house.url}/commands/${request.commandId}`)).json)
      const again = yield* run(house, request, { prefer: "wait=20" })
      assert.deepStrictEqual([again.status, again.json], [200, { ...state, replayed: true }])
      assert.strictEqual(yield* house.control.calls, 1)
    })
  )

  it.scopedLive("answers 202 when it does not, and the command goes on", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const { arrived, letGo } = yield* hold(house)
      const request = command()
      const early = yield* run(house, request, { prefer: "wait=1" })
      assert.deepStrictEqual(
        [early.status, early.json],
        [202, { commandId: request.commandId, service: "alpha", phase: "running", replayed: false }]
      )
      assert.strictEqual(early.headers.get("preference-applied"), "wait=1")
      yield* arrived
      const waiting = yield* Effect.fork(run(house, request, { prefer: "wait=600" }))
      yield* letGo
      const late = yield* Fiber.join(waiting)
      assert.deepStrictEqual([late.status, late.json.phase, late.json.replayed], [200, "success", true])
      assert.strictEqual(late.headers.get("preference-applied"), "wait=30")
    })
  )

  it.scopedLive("ignores what it cannot make out", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      for (const prefer of ["wait", "wait=soon", "wait=-5", "return=minimal"]) {
        const answer = yield* run(house, command({ target: "none" }), { prefer })
        assert.deepStrictEqual([answer.status, answer.headers.get("preference-applied")], [202, null], prefer)
      }
    })
  )

  it.scopedLive("leaving early does not stop the command, and the server's end does not wait for who waits", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" }, { id: "j2" })
      const { arrived, letGo } = yield* hold(house)
      const leaving = yield* Effect.fork(run(house, command(), { prefer: "wait=30" }))
      yield* arrived
      yield* Fiber.interrupt(leaving)
      const staying = yield* Effect.fork(run(house, command({ target: "j2" }), { prefer: "wait=30" }))
      yield* Effect.repeat(Effect.delay(house.control.calls, "5 millis"), { until: (calls) => calls === 2 })
      const stopping = yield* Effect.fork(house.stop)
      const [duration, answer] = yield* Effect.timed(Fiber.join(staying))
      assert.deepStrictEqual([answer.status, answer.json.phase], [202, "running"])
      assert.isBelow(Duration.toMillis(duration), 2_000)
      yield* letGo
      yield* Fiber.join(stopping)
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
      // As long as an id may be, encoded as programs encode it.
      const long = yield* ask(`${house.url}/commands/${encodeURIComponent(":".repeat(64))}`)
      assertProblem(long, 404, "command-not-found")
      // A name like any other, though a route of another method has it.
      assertProblem(yield* ask(`${house.url}/commands/run`), 404, "command-not-found")
    })
  )
})
