import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { EventSource } from "eventsource"
import { ask, command, post } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { happened, listen, seqOf } from "./support/listen.ts"

const stream = (house: House.House, query = "") => `${house.url}/reconciliation/stream${query}`
const isReady = (seen: ReadonlyArray<{ readonly event: string }>) => seen.some(({ event }) => event === "stream.ready")
const seqs = (seen: ReadonlyArray<{ readonly id: string | undefined }>) => seen.map(({ id }) => seqOf(id))

describe("GET /reconciliation/stream", () => {
  it.scopedLive("gives a snapshot without ids, then stream.ready, then what happens", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* post(`${house.url}/reconciliation/run`, {})
      const listening = yield* listen(stream(house))
      yield* listening.until(isReady)
      assert.match(listening.text(), /^retry: \d{4}\n\n/)
      const [alpha, beta, ready] = listening.seen
      assert.deepStrictEqual(
        [alpha?.event, alpha?.data.service, alpha?.id],
        ["reconciliation.update", "alpha", undefined]
      )
      assert.deepStrictEqual([beta?.event, beta?.data.service, beta?.id], ["reconciliation.update", "beta", undefined])
      assert.strictEqual(ready?.data.newest, ready?.id)
      assert.strictEqual(seqOf(ready?.id), 2)

      yield* post(`${house.url}/reconciliation/run`, { service: "beta" })
      const [, , , live] = yield* listening.until((seen) => seen.length === 4)
      assert.deepStrictEqual([live?.event, live?.data.service, seqOf(live?.id)], ["reconciliation.update", "beta", 3])
      assert.strictEqual(live?.data.status, "verified")
    })
  )

  it.scopedLive("says what it is in its headers, also to HEAD, which opens no stream", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const listening = yield* listen(stream(house))
      assert.strictEqual(listening.status, 200)
      assert.strictEqual(listening.headers["content-type"], "text/event-stream")
      assert.strictEqual(listening.headers["cache-control"], "no-cache, no-transform")
      assert.strictEqual(listening.headers["x-accel-buffering"], "no")
      assert.strictEqual(listening.headers["x-content-type-options"], "nosniff")
      yield* listening.until(isReady)
      const head = yield* ask(stream(house), { method: "HEAD" })
      assert.deepStrictEqual([head.status, head.headers.get("content-type"), head.text], [200, "text/event-stream", ""])
      assert.strictEqual(yield* House.listeners(house), 1)
    })
  )

  it.scopedLive("shows commands in flight in the snapshot", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const gate = yield* Deferred.make<void>()
      const arrived = yield* Deferred.make<void>()
      yield* house.control.put({ id: "j1" })
      yield* house.control.hook("action", Effect.zipRight(Deferred.succeed(arrived, undefined), Deferred.await(gate)))
      const sent = command()
      yield* post(`${house.url}/commands/run`, sent)
      yield* Deferred.await(arrived)
      const listening = yield* listen(stream(house, "?event=command.status"))
      const [first] = yield* listening.until(isReady)
      assert.deepStrictEqual(
        [first?.data.commandId, first?.data.phase, first?.id],
        [sent.commandId, "running", undefined]
      )
      yield* Deferred.succeed(gate, undefined)
      yield* listening.until((seen) => seen.some(({ data, id }) => data.phase === "success" && id !== undefined))
    })
  )

  it.scopedLive("goes on after Last-Event-ID without a gap or a repeat, across a restart of the server", () =>
    Effect.gen(function* () {
      const filename = yield* House.database
      const memory = yield* House.memory
      const before = yield* House.start({ filename, memory })
      const first = yield* listen(stream(before))
      yield* first.until(isReady)
      yield* House.tell(before, 5)
      const known = (yield* first.until((seen) => seen.length === 6))[3]
      yield* before.stop

      const after = yield* House.start({ filename, memory })
      yield* House.tell(after, 3)
      const second = yield* listen(stream(after), { headers: { "last-event-id": known?.id ?? "" } })
      yield* House.tell(after, 2)
      yield* second.until((seen) => seen.length >= 7)
      yield* House.tell(after, 1, { service: "beta" })
      const seen = yield* second.until((all) => all.some(({ data }) => data.service === "beta"))
      assert.deepStrictEqual(seqs(seen), [4, 5, 6, 7, 8, 9, 10, 11])
    })
  )

  it.scopedLive("an EventSource that loses its server hears everything once from the next one", () =>
    Effect.gen(function* () {
      const filename = yield* House.database
      const memory = yield* House.memory
      const before = yield* House.start({ filename, memory })
      const heard: Array<number> = []
      const ready = yield* Deferred.make<void>()
      const some = yield* Deferred.make<void>()
      const all = yield* Deferred.make<void>()
      const source = yield* Effect.acquireRelease(
        Effect.sync(() => new EventSource(stream(before))),
        (open) => Effect.sync(() => open.close())
      )
      source.addEventListener("stream.ready", () => Deferred.unsafeDone(ready, Effect.void))
      source.addEventListener("reconciliation.update", ({ lastEventId }) => {
        heard.push(seqOf(lastEventId))
        if (heard.length === 3) Deferred.unsafeDone(some, Effect.void)
        if (heard.length === 7) Deferred.unsafeDone(all, Effect.void)
      })
      yield* Deferred.await(ready)
      yield* House.tell(before, 3)
      yield* Deferred.await(some)
      yield* before.stop
      const after = yield* House.start({ filename, memory, port: before.port })
      yield* House.tell(after, 4)
      yield* Deferred.await(all)
      assert.deepStrictEqual(heard, [1, 2, 3, 4, 5, 6, 7])
    })
  )

  it.scopedLive("0 stands for everything that is kept, oldest first, as header or in the query", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* House.tell(house, 450)
      yield* House.forget(house, 10)
      const byHeader = yield* listen(stream(house), { headers: { "last-event-id": "0" } })
      const byQuery = yield* listen(stream(house, "?lastEventId=0"))
      const expected = Array.from({ length: 440 }, (_, index) => index + 11)
      assert.deepStrictEqual(seqs(yield* byHeader.until((seen) => seen.length === 440)), expected)
      assert.deepStrictEqual(seqs(yield* byQuery.until((seen) => seen.length === 440)), expected)
    })
  )

  it.scopedLive("the header wins over the query, as when a browser comes back", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const events = yield* House.tell(house, 4)
      const ready = yield* listen(stream(house))
      const [last] = yield* ready.until(isReady)
      const third = last?.id?.replace(/-4$/, "-3") ?? ""
      const listening = yield* listen(stream(house, "?lastEventId=0"), { headers: { "last-event-id": third } })
      assert.deepStrictEqual(seqs(yield* listening.until((seen) => seen.length > 0)), [events.at(-1)?.seq])
    })
  )

  it.scopedLive("an id that cannot be gone on from gets stream.reset with the reason, then a snapshot", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* post(`${house.url}/reconciliation/run`, {})
      yield* House.tell(house, 5_020, { service: "beta" })
      yield* House.forget(house, 10)
      const [logId] = ((yield* (yield* listen(stream(house))).until(isReady)).at(-1)?.id ?? "").split("-")
      const cases = [
        ["malformed", "what?"],
        ["malformed", `${logId}-01`],
        ["foreign", "0123456789abcdef-3"],
        ["future", `${logId}-9000`],
        ["pruned", `${logId}-9`],
        ["behind", `${logId}-10`]
      ] as const
      for (const [reason, id] of cases) {
        const listening = yield* listen(stream(house), { headers: { "last-event-id": id } })
        const [reset, alpha, beta, ready] = yield* listening.until(isReady)
        assert.deepStrictEqual([reset?.event, reset?.id], ["stream.reset", undefined])
        assert.deepStrictEqual(reset?.data, { reason, oldest: `${logId}-11`, newest: `${logId}-5022` }, id)
        assert.deepStrictEqual([alpha?.data.service, beta?.data.service], ["alpha", "beta"])
        assert.deepStrictEqual([ready?.event, ready?.id], ["stream.ready", `${logId}-5022`])
      }
      // Not matching, they do not count as missed.
      const alphaOnly = yield* listen(stream(house, "?service=alpha"), { headers: { "last-event-id": `${logId}-10` } })
      yield* House.tell(house, 1)
      assert.deepStrictEqual(seqs(yield* alphaOnly.until((seen) => seen.length > 0)), [5_023])
    })
  )

  it.scopedLive("filters by service and event, in the snapshot as in what follows", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      yield* post(`${house.url}/reconciliation/run`, {})
      const beta = yield* listen(stream(house, "?service=beta"))
      const both = yield* listen(stream(house, "?service=alpha,beta&event=reconciliation.update&unknown=1"))
      const commands = yield* listen(stream(house, "?service=alpha&event=command.status"))
      for (const listening of [beta, both, commands]) yield* listening.until(isReady)
      yield* post(`${house.url}/commands/run`, command(), { accept: "text/event-stream" })
      yield* post(`${house.url}/reconciliation/run`, {})
      yield* both.until((seen) => seen.length === 5)
      yield* beta.until((seen) => seen.length === 3)
      yield* commands.until((seen) => seen.length === 4)
      assert.deepStrictEqual(
        happened(beta.seen).map(({ data }) => data.service),
        ["beta", "beta"]
      )
      assert.deepStrictEqual(
        happened(both.seen).map(({ data }) => data.service),
        ["alpha", "beta", "alpha", "beta"]
      )
      assert.deepStrictEqual(
        happened(commands.seen).map(({ data }) => data.phase),
        ["queued", "running", "success"]
      )
    })
  )

  it.scopedLive("refuses filters that it does not understand, naming them", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const cases = [
        ["?service=Not+One", "service.0"],
        ["?service=", "service.0"],
        ["?service=alpha,", "service.1"],
        ["?service=alpha&service=beta", "service"],
        ["?service=gamma", "service"],
        ["?event=heartbeat", "event.0"],
        ["?event=command.status,nonsense", "event.1"]
      ] as const
      for (const [query, path] of cases) {
        const { headers, json, status } = yield* ask(stream(house, query))
        assert.strictEqual(status, 400, query)
        assert.strictEqual(headers.get("content-type"), "application/problem+json")
        assert.deepStrictEqual([json.code, json.errors[0].path], ["invalid-request", path], query)
      }
      assert.include((yield* ask(stream(house, "?service=gamma"))).json.errors[0].problem, "alpha, beta")
    })
  )

  it.scopedLive("loses and doubles nothing, whenever somebody joins", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const total = 600
      const writing = yield* Effect.fork(
        Effect.forEach(Array.from({ length: total / 4 }), () => House.tell(house, 4), { discard: true })
      )
      const joining = Effect.gen(function* () {
        const fromStart = yield* listen(stream(house), { headers: { "last-event-id": "0" } })
        const fromNow = yield* listen(stream(house))
        yield* fromStart.until((seen) => seen.length >= 20)
        return [fromStart, fromNow]
      })
      const listening = (yield* Effect.forEach(Array.from({ length: 8 }), () => joining)).flat()
      yield* writing.await
      for (const one of listening) {
        const seen = (yield* one.until((all) => seqOf(all.at(-1)?.id) === total)).filter(({ id }) => id !== undefined)
        const first = seqOf(seen[0]?.id)
        assert.deepStrictEqual(
          seqs(seen),
          Array.from({ length: total - first + 1 }, (_, index) => first + index)
        )
      }
    })
  )

  it.scopedLive("beats in the set interval from the connection's start, with the last id and without its own", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ heartbeat: "100 millis" })
      yield* House.tell(house, 2)
      const listening = yield* listen(stream(house))
      const isBeat = ({ event }: { readonly event: string }) => event === "heartbeat"
      const [ready, ...beats] = yield* listening.until((seen) => seen.filter(isBeat).length === 3)
      for (const { data, id } of beats) {
        assert.deepStrictEqual([data.lastEventId, id], [ready?.id, undefined])
        assert.strictEqual(new Date(data.time).toISOString(), data.time)
      }
      yield* House.tell(house, 1)
      const all = yield* listening.until(
        (seen) => isBeat(seen.at(-1) ?? { event: "" }) && seen.length > 5 && seen.at(-2)?.id !== undefined
      )
      assert.strictEqual(all.at(-1)?.data.lastEventId, all.at(-2)?.id)
    })
  )

  it.scopedLive("a listener that leaves is forgotten", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const listening = yield* Effect.all(Array.from({ length: 5 }, () => listen(stream(house))))
      yield* Effect.forEach(listening, (one) => one.until(isReady))
      assert.strictEqual(yield* House.listeners(house), 5)
      yield* Effect.forEach(listening, (one) => one.leave)
      yield* House.abandoned(house)
    })
  )

  it.scopedLive("a listener that does not read is cut off, and goes on by id", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const listening = yield* listen(stream(house))
      // It has read something: what is still unread when its connection is cut, its own system may drop.
      yield* House.tell(house, 1)
      yield* listening.until((seen) => seqOf(seen.at(-1)?.id) === 1)
      yield* listening.pause
      // More than the sockets' own buffers hold, and then the backlog.
      const count = 400
      yield* Effect.forEach(Array.from({ length: count - 1 }), () => House.tell(house, 1, { size: 100_000 }), {
        discard: true
      })
      yield* House.abandoned(house)
      yield* listening.resume
      yield* listening.ended
      const last = listening.seen.at(-1)
      assert.isBelow(seqOf(last?.id), count)
      const again = yield* listen(stream(house), { headers: { "last-event-id": last?.id ?? "" } })
      const rest = yield* again.until((seen) => seqOf(seen.at(-1)?.id) === count)
      assert.strictEqual(seqOf(rest[0]?.id), seqOf(last?.id) + 1)
      assert.strictEqual(rest.length, count - seqOf(last?.id))
    })
  )
})
