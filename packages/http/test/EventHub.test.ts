import { assert, describe, it } from "@effect/vitest"
import { type Command, type Event, EventLog } from "@mithrandir/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { EventHub } from "../src/index.ts"

/** A log that begins after the seventh event; what is offered to `events` happens. */
const layerLog = (events: Queue.Queue<Event.Event>) => {
  const kept: Array<Event.Event> = []
  const newest = () => kept.at(-1)?.seq ?? 7
  return Layer.succeed(
    EventLog.EventLog,
    EventLog.EventLog.of({
      resume: () => Effect.die("nobody resumes"),
      page: (after) =>
        Effect.sync(() => ({ events: kept.filter(({ seq }) => seq > after), upTo: newest(), oldest: 8 })),
      tail: () => Stream.tap(Stream.fromQueue(events), (event) => Effect.sync(() => void kept.push(event))),
      ofCommand: () => Stream.never,
      snapshot: () => Effect.sync(() => ({ events: [], newest: newest() })),
      idOf: (seq) => `log-${seq}`,
      newest: Effect.sync(newest),
      prune: Effect.succeed(0)
    })
  )
}

const event = (seq: number, data = "{}"): Event.Event => ({
  seq,
  name: "reconciliation.update",
  service: "alpha",
  subject: "alpha",
  data
})

const withHub = <A, E, R>(
  use: (hub: typeof EventHub.EventHub.Service, events: Queue.Queue<Event.Event>) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const events = yield* Queue.unbounded<Event.Event>()
    const layer = Layer.provide(EventHub.layer(), layerLog(events))
    return yield* Effect.provide(
      Effect.flatMap(EventHub.EventHub, (hub) => use(hub, events)),
      layer
    )
  })

const listener = (hangUp: Effect.Effect<void> = Effect.void): EventHub.Listener => ({
  principal: { actor: "local", role: "admin" },
  filter: {},
  lastEventId: Option.none(),
  hangUp
})

/** What a stream has given so far, as text. */
const hear = (bytes: Stream.Stream<Uint8Array>) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    const fiber = yield* Effect.forkScoped(
      Stream.runForEach(bytes, (chunk) => Effect.sync(() => heard.push(new TextDecoder().decode(chunk))))
    )
    yield* Effect.yieldNow()
    return { heard, fiber }
  })

const beatsOf = (heard: ReadonlyArray<string>) => heard.filter((text) => text.startsWith("event: heartbeat\n"))

describe("EventHub", () => {
  it("promises a heartbeat every 15 s", () => {
    assert.strictEqual(Duration.toSeconds(EventHub.heartbeatInterval), 15)
  })

  it.scoped("beats every 15 s from each connection's own start", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        const first = yield* hear(yield* hub.open(listener()))
        yield* TestClock.adjust("10 seconds")
        const second = yield* hear(yield* hub.open(listener()))
        yield* TestClock.adjust("4999 millis")
        assert.deepStrictEqual([beatsOf(first.heard).length, beatsOf(second.heard).length], [0, 0])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual([beatsOf(first.heard).length, beatsOf(second.heard).length], [1, 0])
        assert.strictEqual(
          first.heard.at(-1),
          'event: heartbeat\ndata: {"time":"1970-01-01T00:00:15.000Z","lastEventId":"log-7"}\n\n'
        )
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([beatsOf(first.heard).length, beatsOf(second.heard).length], [1, 1])
        yield* TestClock.adjust("60 seconds")
        assert.deepStrictEqual([beatsOf(first.heard).length, beatsOf(second.heard).length], [5, 5])
      })
    )
  )

  it.scoped(
    "ends the streams of whoever would no longer be let in, within 15 s, and hangs up on who does not notice",
    () =>
      withHub((hub) =>
        Effect.gen(function* () {
          let goodUntil = Number.POSITIVE_INFINITY
          let hungUp = 0
          const of = (actor: string): EventHub.Listener => ({
            ...listener(Effect.sync(() => hungUp++)),
            principal: {
              actor,
              role: "viewer",
              isStillGood: (now) => {
                // What an embedder asks may throw: then nobody knows.
                if (actor === "ann" && now >= goodUntil) throw new TypeError("ann is not there any more")
                return true
              }
            }
          })
          const state = { commandId: "c", service: "alpha", phase: "running", logs: [] } as never
          const streams = yield* Effect.all([hub.open(of("ann")), hub.open(of("bob")), hub.ofCommand(state, of("ann"))])
          const [own, other, command] = yield* Effect.forEach(streams, hear)
          const deaf = yield* hub.open(of("ann"))
          yield* Effect.forkScoped(Stream.runForEach(deaf, () => Effect.never))
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual(yield* hub.listeners, 4)
          goodUntil = 30_000
          yield* TestClock.adjust("15 seconds")
          for (const fiber of [own?.fiber, command?.fiber])
            assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber ?? Fiber.void)))
          assert.isNull(other?.fiber.unsafePoll())
          assert.deepStrictEqual([yield* hub.listeners, hungUp], [2, 0])
          yield* TestClock.adjust("15 seconds")
          assert.deepStrictEqual([yield* hub.listeners, hungUp], [2, 1])
        })
      )
  )

  it.scoped("an event is encoded once, whoever hears it", () =>
    withHub((hub, events) =>
      Effect.gen(function* () {
        const chunks: Array<Uint8Array> = []
        for (const bytes of [yield* hub.open(listener()), yield* hub.open(listener())]) {
          yield* Effect.forkScoped(Stream.runForEach(bytes, (chunk) => Effect.sync(() => chunks.push(chunk))))
        }
        yield* TestClock.adjust("1 millis")
        yield* Queue.offer(events, event(8))
        yield* TestClock.adjust("1 millis")
        const [one, other] = chunks.slice(-2)
        assert.strictEqual(new TextDecoder().decode(one), "id: log-8\nevent: reconciliation.update\ndata: {}\n\n")
        assert.strictEqual(one, other)
      })
    )
  )

  it.scoped("a listener that takes nothing is hung up on at a bounded backlog, others are not", () =>
    withHub((hub, events) =>
      Effect.gen(function* () {
        let hungUp = 0
        const stuck = yield* hub.open(listener(Effect.sync(() => hungUp++)))
        const taken = yield* Effect.makeLatch()
        yield* Effect.forkScoped(Stream.runForEach(stuck, () => taken.await))
        const reading = yield* hear(yield* hub.open(listener(Effect.die("it reads"))))
        yield* TestClock.adjust("1 millis")
        // It is stuck at its first frame, which is not in the backlog: what follows is.
        yield* taken.open
        yield* TestClock.adjust("1 millis")
        yield* taken.close
        const data = JSON.stringify("x".repeat(99_000))
        for (let seq = 8; seq < 8 + 12; seq++) {
          yield* Queue.offer(events, event(seq, data))
          yield* TestClock.adjust("1 millis")
        }
        assert.strictEqual(hungUp, 1)
        assert.strictEqual(reading.heard.filter((text) => text.startsWith("id: log-")).length, 1 + 12)
      })
    )
  )

  /** A log of a thousand events that is read from its beginning; `oldest` is what is kept by now. */
  const layerLong = (oldest: () => number) =>
    Layer.effect(
      EventLog.EventLog,
      Effect.map(EventLog.EventLog, (whole) =>
        EventLog.EventLog.of({
          ...whole,
          newest: Effect.succeed(1_000),
          resume: () => Effect.succeed({ _tag: "After", seq: 0 }),
          page: (after, _, limit) =>
            Effect.sync(() => {
              const first = Math.max(after + 1, oldest())
              const events = Array.from({ length: limit }, (_, index) => event(first + index))
              return { events, upTo: first + limit - 1, oldest: oldest() }
            })
        })
      )
    ).pipe(Layer.provide(Layer.unwrapEffect(Effect.map(Queue.unbounded<Event.Event>(), layerLog))))

  const behind = (hangUp?: Effect.Effect<void>) => ({ ...listener(hangUp), lastEventId: Option.some("0") })

  it.scoped("ends the stream of a listener whom pruning has overtaken, rather than leave a gap", () => {
    let oldest = 1
    return Effect.gen(function* () {
      const hub = yield* EventHub.EventHub
      const whole = yield* hear(yield* hub.open(behind()))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(whole.heard.filter((text) => text.startsWith("id: ")).length, 1_000)

      const heard: Array<string> = []
      const fiber = yield* Effect.forkScoped(
        Stream.runForEach(yield* hub.open(behind()), (chunk) =>
          Effect.sync(() => {
            heard.push(new TextDecoder().decode(chunk))
            oldest = 900
          })
        )
      )
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      assert.strictEqual(heard.filter((text) => text.startsWith("id: ")).length, 0)
    }).pipe(Effect.provide(EventHub.layer().pipe(Layer.provide(layerLong(() => oldest)))))
  })

  it.scoped("hangs up on a listener that is behind and takes nothing for a minute", () =>
    Effect.gen(function* () {
      const hub = yield* EventHub.EventHub
      let hungUp = 0
      const stuck = yield* hub.open(behind(Effect.sync(() => hungUp++)))
      yield* Effect.forkScoped(Stream.runForEach(stuck, () => Effect.never))
      yield* TestClock.adjust("74 seconds")
      assert.strictEqual(hungUp, 0)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(hungUp, 1)
    }).pipe(Effect.provide(EventHub.layer().pipe(Layer.provide(layerLong(() => 1)))))
  )

  it.scoped("a log that cannot be followed is tried again, from where it was", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const events = yield* Queue.unbounded<Event.Event>()
      const breaking = Effect.map(EventLog.EventLog, (whole) =>
        EventLog.EventLog.of({
          ...whole,
          tail: (after) => {
            asked.push(after)
            const told = whole.tail(after, {})
            return asked.length === 1 ? Stream.concat(Stream.take(told, 1), Stream.die("a defect")) : told
          }
        })
      )
      const layer = EventHub.layer().pipe(
        Layer.provide(Layer.effect(EventLog.EventLog, breaking)),
        Layer.provide(layerLog(events))
      )
      yield* Effect.gen(function* () {
        const hub = yield* EventHub.EventHub
        const { heard } = yield* hear(yield* hub.open(listener()))
        yield* Queue.offer(events, event(8))
        yield* TestClock.adjust("5 seconds")
        yield* Queue.offer(events, event(9))
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(asked, [7, 8])
        assert.deepStrictEqual(
          heard.slice(2).map((text) => text.slice(0, 9)),
          ["id: log-8", "id: log-9"]
        )
      }).pipe(Effect.provide(layer))
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None))
  )

  it.scoped("tells the end of a command whose events are no longer kept, without an id", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        const state: Command.CommandState = {
          commandId: "c",
          service: "alpha",
          actionType: "delete-job",
          target: "j",
          phase: "success",
          outcome: "success",
          verified: true,
          logs: ["done"],
          createdAt: DateTime.unsafeMake(0)
        }
        const { fiber, heard } = yield* hear(yield* hub.ofCommand(state, listener()))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(heard, [
          'event: command.status\ndata: {"commandId":"c","service":"alpha","phase":"success","logs":["done"],"verified":true}\n\n'
        ])
      })
    )
  )

  it.scoped("its end hangs up on whoever does not take it in", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        let hungUp = 0
        const stuck = yield* hub.open(listener(Effect.sync(() => hungUp++)))
        const taken = yield* Effect.makeLatch()
        yield* Effect.forkScoped(Stream.runForEach(stuck, () => Effect.uninterruptible(taken.await)))
        yield* TestClock.adjust("1 millis")
        const closing = yield* Effect.fork(Effect.uninterruptible(hub.close))
        yield* TestClock.adjust("499 millis")
        assert.strictEqual(hungUp, 0)
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(closing)
        assert.strictEqual(hungUp, 1)
        yield* taken.open
      })
    )
  )

  it.scoped("its end ends every stream, and every later one", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        const { fiber } = yield* hear(yield* hub.open(listener()))
        const closing = yield* Effect.fork(hub.close)
        yield* TestClock.adjust("10 millis")
        yield* Fiber.join(closing)
        yield* Fiber.join(fiber)
        yield* Fiber.join((yield* hear(yield* hub.open(listener()))).fiber)
        assert.strictEqual(yield* hub.listeners, 0)
      })
    )
  )
})
