import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Client } from "../src/index.ts"
import { command, post } from "./support/ask.ts"
import { clientOf, strangerOf } from "./support/client.ts"
import * as House from "./support/house.ts"
import { seqOf } from "./support/listen.ts"
import { serveProxy } from "./support/serve.ts"

/** Follows in the background; `until` waits for what was told to satisfy. */
const follow = (client: Client.Client, query: Client.Subscription = {}) =>
  Effect.gen(function* () {
    const told: Array<Client.StreamEvent> = []
    const fiber = yield* Effect.forkScoped(
      Stream.runForEach(client.subscribe(query), (event) => Effect.sync(() => void told.push(event)))
    )
    const until = (satisfied: () => boolean) =>
      Effect.repeat(Effect.sleep("5 millis"), { until: () => satisfied() }).pipe(
        Effect.raceFirst(Effect.zipRight(Fiber.join(fiber), Effect.dieMessage("it has ended")))
      )
    const isReady = until(() => told.some(({ event }) => event === "stream.ready"))
    return { told, until, isReady }
  })

const names = (told: ReadonlyArray<Client.StreamEvent>) => told.map(({ event }) => event)
const happened = (told: ReadonlyArray<Client.StreamEvent>) => told.filter(({ id }) => id !== undefined)

/** A server in a few strings: what each request is answered with, if it is, and what each said. */
const scripted = (answers: ReadonlyArray<() => Response | undefined>) => {
  const lastEventIds: Array<string | undefined> = []
  const client = HttpClient.make((request) =>
    Effect.suspend(() => {
      const response = answers[lastEventIds.length]?.()
      lastEventIds.push(request.headers["last-event-id"])
      return response === undefined ? Effect.never : Effect.succeed(HttpClientResponse.fromWeb(request, response))
    })
  )
  return {
    lastEventIds,
    client: Effect.provideService(Client.make("http://server"), HttpClient.HttpClient, client)
  }
}
const stream = { headers: { "content-type": "text/event-stream; charset=utf-8" } }
const sent = (...blocks: ReadonlyArray<string>) => new Response(blocks.join(""), stream)
/** Some of it, and then nothing for ever. */
const stuck = (...blocks: ReadonlyArray<string>) =>
  new Response(
    new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(blocks.join(""))) }),
    stream
  )
const ready = (id: string) => `id: ${id}\nevent: stream.ready\ndata: {"newest":"${id}"}\n\n`
const status = (commandId: string, id?: string) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: command.status\ndata: ${JSON.stringify({ commandId, service: "alpha", phase: "running", logs: [] })}\n\n`
const commands = (told: ReadonlyArray<Client.StreamEvent>) =>
  told.flatMap((event) => (event.event === "command.status" ? [event.data.commandId] : []))

describe("subscribe", () => {
  it.scopedLive("tells the snapshot, where the log stands, and then what happens, typed and with ids", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      yield* house.control.put({ id: "j1" })
      yield* client.reconcile({})
      const { isReady, told, until } = yield* follow(client)
      yield* isReady
      assert.deepStrictEqual(names(told), ["reconciliation.update", "reconciliation.update", "stream.ready"])
      assert.isUndefined(told[0]?.id)
      yield* client.run(command(), () => Effect.void)
      yield* until(() => told.length === 6)
      const phases = told.flatMap((event) => (event.event === "command.status" ? [event.data.phase] : []))
      assert.deepStrictEqual(phases, ["queued", "running", "success"])
      const ids = happened(told).map(({ id }) => seqOf(id))
      assert.deepStrictEqual(ids, [2, 3, 4, 5])
    })
  )

  it.scopedLive("tells only of the services and the names that were asked for, from where it was told to", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      yield* client.reconcile({})
      yield* client.reconcile({})
      const { told, until } = yield* follow(client, {
        services: ["beta"],
        names: ["reconciliation.update"],
        lastEventId: "0"
      })
      yield* until(() => told.length === 2)
      yield* client.submit(command({ service: "beta", target: "none" }), { wait: "10 seconds" })
      yield* client.reconcile({})
      yield* until(() => told.length === 3)
      const services = told.map((event) => (event.event === "reconciliation.update" ? event.data.service : event.event))
      assert.deepStrictEqual(services, ["beta", "beta", "beta"])
    })
  )

  it.scopedLive("neither loses nor repeats an event over connections that break", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const proxy = yield* serveProxy(house.port)
      const client = yield* clientOf(proxy.url)
      const { isReady, told, until } = yield* follow(client)
      yield* isReady
      for (let round = 1; round <= 4; round++) {
        yield* House.tell(house, 40)
        yield* Effect.all([proxy.cut, House.tell(house, 10)], { concurrency: "unbounded" })
        yield* until(() => told.length === 1 + round * 50)
      }
      assert.deepStrictEqual(
        told.slice(1).map(({ id }) => seqOf(id)),
        Array.from({ length: 200 }, (_, index) => index + 1)
      )
      yield* until(() => told.length === 201)
    })
  )

  it.scopedLive("goes on over a restart of the server", () =>
    Effect.gen(function* () {
      const filename = yield* House.database
      const memory = yield* House.memory
      const house = yield* House.start({ filename, memory })
      const client = yield* clientOf(house.url)
      const { isReady, told, until } = yield* follow(client)
      yield* isReady
      yield* House.tell(house, 3)
      yield* until(() => told.length === 4)
      yield* house.stop
      const again = yield* House.start({ filename, memory, port: house.port })
      yield* House.tell(again, 3)
      yield* until(() => told.length === 7)
      assert.deepStrictEqual(
        told.slice(1).map(({ id }) => seqOf(id)),
        [1, 2, 3, 4, 5, 6]
      )
    })
  )

  it.scopedLive("says that it cannot go on from an id, and why", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      yield* client.reconcile({ service: "alpha" })
      const { isReady, told } = yield* follow(client, { lastEventId: "other-7" })
      yield* isReady
      assert.deepStrictEqual(names(told), ["stream.reset", "reconciliation.update", "stream.ready"])
      assert.strictEqual(told[0]?.event === "stream.reset" && told[0].data.reason, "foreign")
    })
  )

  it.scopedLive("ends with what no repetition mends", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      const error = yield* Effect.flip(Stream.runDrain(client.subscribe({ services: ["gamma"] })))
      assert.deepStrictEqual([error._tag, error._tag === "Problem" && error.code], ["Problem", "invalid-request"])
      assert.include(error.message, 'no service "gamma" was ever registered')
      const refused = yield* Effect.flip(
        Stream.runDrain((yield* scripted([() => problem(401, "unauthenticated")]).client).subscribe())
      )
      assert.deepStrictEqual([refused._tag, refused._tag === "Problem" && refused.status], ["Problem", 401])
      const html = () => new Response("<html>", { headers: { "content-type": "text/html" } })
      const other = yield* Effect.flip(Stream.runDrain((yield* scripted([html]).client).subscribe()))
      assert.deepStrictEqual(
        [other._tag, other.message],
        ["AnswerInvalid", "what answers at http://server is not a Mithrandir server (status 200)"]
      )
      const nonsense = () => sent(ready("a-1"), "id: a-2\nevent: command.status\ndata: {}\n\n")
      const invalid = yield* Effect.flip(Stream.runDrain((yield* scripted([nonsense]).client).subscribe()))
      assert.strictEqual(invalid._tag, "AnswerInvalid")
      const nowhere = yield* Effect.flip(Stream.runDrain((yield* strangerOf("nonsense")).subscribe()))
      assert.strictEqual(nowhere._tag, "AnswerInvalid")
    })
  )

  const problem = (status: number, code: string) =>
    Response.json(
      { type: `urn:mithrandir:problem:${code}`, title: "T", status, code },
      { status, headers: { "content-type": "application/problem+json" } }
    )

  /** The first so many events, with the clock moved on for as long as that takes. */
  const first = (client: Client.Client, count: number, query: Client.Subscription = {}) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runCollect(Stream.take(client.subscribe(query), count)))
      yield* TestClock.adjust("5 minutes")
      return Chunk.toReadonlyArray(yield* Fiber.join(fiber))
    })

  it.effect("takes up a snapshot that broke off from its beginning, and tells it once", () =>
    Effect.gen(function* () {
      const { client, lastEventIds } = scripted([
        () => sent(status("c1")),
        () => sent(status("c1"), status("c2"), ready("a-5"), status("c3", "a-6"), "id: a-7\nevent: command.status\nda"),
        () => sent(status("c4", "a-7"))
      ])
      const told = yield* first(yield* client, 5)
      assert.deepStrictEqual(commands(told), ["c1", "c2", "c3", "c4"])
      assert.deepStrictEqual(lastEventIds.slice(0, 3), [undefined, undefined, "a-6"])
    })
  )

  it.effect("a reset that broke off is told once, too", () =>
    Effect.gen(function* () {
      const reset = 'event: stream.reset\ndata: {"reason":"pruned","oldest":"a-8","newest":"a-9"}\n\n'
      const { client, lastEventIds } = scripted([
        () => sent(reset, status("c1")),
        () => sent(reset, status("c1"), ready("a-9"), status("c2", "a-10"))
      ])
      const told = yield* first(yield* client, 4, { lastEventId: "a-1" })
      assert.deepStrictEqual(names(told), ["stream.reset", "command.status", "stream.ready", "command.status"])
      assert.deepStrictEqual(lastEventIds.slice(0, 2), ["a-1", "a-1"])
    })
  )

  it.effect("takes 45 seconds of silence for a loss, before an answer or within one", () =>
    Effect.gen(function* () {
      const { client, lastEventIds } = scripted([
        () => stuck(ready("a-1"), status("c1", "a-2")),
        () => undefined,
        () => sent(status("c2", "a-3"))
      ])
      const told: Array<Client.StreamEvent> = []
      const following = Stream.runForEach((yield* client).subscribe(), (event) =>
        Effect.sync(() => void told.push(event))
      )
      yield* Effect.fork(following)
      yield* TestClock.adjust("44 seconds")
      assert.deepStrictEqual([commands(told), lastEventIds.length], [["c1"], 1])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([commands(told), lastEventIds], [["c1"], [undefined, "a-2"]])
      yield* TestClock.adjust("47 seconds")
      assert.deepStrictEqual(commands(told), ["c1", "c2"])
      assert.deepStrictEqual(lastEventIds.slice(0, 3), [undefined, "a-2", "a-2"])
    })
  )

  it.effect("comes back more and more slowly while it is refused, at least every ten seconds", () =>
    Effect.gen(function* () {
      const busy = [503, 500, 502, 408, 429, 504].map((status) => () => new Response("", { status }))
      const { client, lastEventIds } = scripted([...busy, ...busy, () => sent(ready("a-1"))])
      const fiber = yield* Effect.fork(Stream.runHead((yield* client).subscribe()))
      const tries: Array<number> = []
      for (let second = 0; second < 90; second++) {
        tries.push(lastEventIds.length)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Some")
      const [afterOne, afterSixty] = [tries[1] ?? 0, tries[60] ?? 0]
      assert.isTrue(afterOne >= 2 && afterOne <= 4, `${afterOne}`)
      assert.isTrue(afterSixty >= 9 && afterSixty <= 13, `${afterSixty}`)
    })
  )

  it.effect("comes back no sooner than it is told to, and then as before", () =>
    Effect.gen(function* () {
      const later = (headers: Record<string, string>) => () => new Response("", { status: 429, headers })
      const { client, lastEventIds } = scripted([
        later({ "retry-after": "40" }),
        later({ "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }),
        // A day: nobody waits that long.
        later({ "retry-after": "86400" }),
        () => sent(ready("a-1"))
      ])
      const fiber = yield* Effect.fork(Stream.runHead((yield* client).subscribe()))
      const triesAfter = (duration: string) =>
        Effect.map(TestClock.adjust(duration as "1 second"), () => lastEventIds.length)
      assert.strictEqual(yield* triesAfter("40 seconds"), 1)
      assert.strictEqual(yield* triesAfter("2 seconds"), 3)
      assert.strictEqual(yield* triesAfter("14 minutes"), 3)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Some")
    })
  )

  it.effect("passes over what it has no word for, and goes on after it", () =>
    Effect.gen(function* () {
      const { client, lastEventIds } = scripted([
        () => sent(ready("a-1"), 'id: a-2\nevent: weather\ndata: "fair"\n\n'),
        () => sent(status("c1", "a-3"))
      ])
      assert.deepStrictEqual(names(yield* first(yield* client, 2)), ["stream.ready", "command.status"])
      assert.deepStrictEqual(lastEventIds.slice(0, 2), [undefined, "a-2"])
    })
  )

  it.scopedLive("leaves the server when it is left", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      yield* post(`${house.url}/reconciliation/run`, {})
      assert.strictEqual((yield* Stream.runHead(client.subscribe()))._tag, "Some")
      yield* House.abandoned(house)
    })
  )
})
