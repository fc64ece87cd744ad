import { assert, describe, it } from "@effect/vitest"
import { type Command, type Event, EventLog } from "@mithrandir/core"
import type * as Clock from "effect/Clock"
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
import { EventHub, Limits } from "../src/index.ts"
import type { Parcel } from "../src/Parcel.ts"
import type { Sink } from "../src/Sink.ts"

/** A log that begins after the seventh event; what is offered to `events` happens. */
const layerLog = (events: Queue.Queue<Event.Event>, snapshot: ReadonlyArray<Event.Event> = []) => {
  const kept: Array<Event.Event> = []
  const newest = () => kept.at(-1)?.seq ?? 7
  return Layer.succeed(
    EventLog.EventLog,
    EventLog.EventLog.of({
      resume: () => Effect.die("nobody resumes"),
      page: (after) =>
        Effect.sync(() => ({ events: kept.filter(({ seq }) => seq > after), upTo: newest(), oldest: 8 })),
      tail: () =>
        Stream.mapChunks(Stream.fromQueue(events), (chunk) => {
          kept.push(...chunk)
          return chunk
        }),
      ofCommand: () => Stream.never,
      snapshot: () => Effect.sync(() => ({ events: snapshot, newest: newest() })),
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
  use: (hub: typeof EventHub.EventHub.Service, events: Queue.Queue<Event.Event>) => Effect.Effect<A, E, R>,
  snapshot: ReadonlyArray<Event.Event> = []
) =>
  Effect.gen(function* () {
    const events = yield* Queue.unbounded<Event.Event>()
    const layer = Layer.provide(EventHub.layer(), layerLog(events, snapshot))
    return yield* Effect.provide(
      Effect.flatMap(EventHub.EventHub, (hub) => use(hub, events)),
      layer
    )
  })

const listener: EventHub.Listener = {
  principal: { actor: "local", role: "admin" },
  filter: {},
  lastEventId: Option.none()
}

/** Somewhere to write to. `takes`: whether what is written is also taken. */
const makeSink = () => {
  const parcels: Array<Parcel> = []
  const seen = { heard: [] as Array<string>, parcels, unsent: 0, ended: 0, cut: 0, takes: true }
  const sink: Sink = {
    write: (parcel) => {
      parcels.push(parcel)
      seen.heard.push(new TextDecoder().decode(parcel.bytes))
      if (!seen.takes) seen.unsent += parcel.bytes.length
    },
    unsent: () => seen.unsent,
    // As a socket has it: a little may pile up.
    drained: Effect.suspend(() => (seen.unsent < 16_384 ? Effect.void : Effect.never)),
    end: () => seen.ended++,
    cut: () => seen.cut++
  }
  return { sink, seen }
}

/** Opens a stream and takes it; `takes`: in what is written to it. */
const listenTo = (hub: typeof EventHub.EventHub.Service, who: EventHub.Listener = listener, takes = true) =>
  Effect.gen(function* () {
    const { begin, leave } = yield* hub.open(who)
    const { seen, sink } = makeSink()
    seen.takes = takes
    begin({
      ...sink,
      end: () => {
        sink.end()
        if (takes) leave()
      },
      cut: () => {
        sink.cut()
        leave()
      }
    })
    yield* Effect.yieldNow()
    return Object.assign(seen, { leave })
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

/** Succeeds once it holds. The hub leaves the event loop to others, and rests, by the machine's own time. */
const eventually = (holds: () => boolean) =>
  Effect.repeat(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    { until: holds }
  )

/** The numbers of the events in what was heard. */
const seqsIn = (heard: ReadonlyArray<string>) => heard.flatMap((text) => text.match(/^id: log-\d+$/gm) ?? [])

const beatsOf = (heard: ReadonlyArray<string>) => heard.filter((text) => text.startsWith("event: heartbeat\n"))

describe("EventHub", () => {
  it("promises a heartbeat every 15 s", () => {
    assert.strictEqual(Duration.toSeconds(EventHub.heartbeatInterval), 15)
  })

  it.scoped("beats every 15 s from each connection's own start", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        const first = yield* listenTo(hub)
        yield* TestClock.adjust("10 seconds")
        const second = yield* listenTo(hub)
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

  it.scoped("beats and has patience as before when somebody sets the clock", () =>
    Effect.gen(function* () {
      let shift = 0
      const clock = yield* TestClock.testClock()
      const set: Clock.Clock = Object.create(clock, {
        currentTimeMillis: { get: () => Effect.map(clock.currentTimeMillis, (now) => now + shift) }
      })
      yield* withHub((hub, events) =>
        Effect.gen(function* () {
          const reading = yield* listenTo(hub)
          const slow = yield* listenTo(hub, listener, false)
          yield* Queue.offer(events, event(8))
          yield* TestClock.adjust("1 millis")
          for (const hours of [1, -2]) {
            shift += hours * 3_600_000
            yield* TestClock.adjust("15 seconds")
          }
          assert.strictEqual(beatsOf(reading.heard).length, 2)
          assert.strictEqual(slow.cut, 0)
        })
      ).pipe(Effect.withClock(set))
    })
  )

  it.scoped(
    "ends the streams of whoever would no longer be let in, within 15 s, and hangs up on who does not notice",
    () =>
      withHub((hub) =>
        Effect.gen(function* () {
          let goodUntil = Number.POSITIVE_INFINITY
          const of = (actor: string): EventHub.Listener => ({
            ...listener,
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
          const own = yield* listenTo(hub, of("ann"))
          const other = yield* listenTo(hub, of("bob"))
          const command = yield* hear(yield* hub.ofCommand(state, { ...of("ann"), cut: () => {} }))
          const deaf = yield* listenTo(hub, of("ann"), false)
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual(yield* hub.listeners, 4)
          goodUntil = 30_000
          yield* TestClock.adjust("15 seconds")
          assert.isTrue(Exit.isSuccess(yield* Fiber.await(command.fiber)))
          assert.deepStrictEqual([own.ended, other.ended, deaf.ended, deaf.cut], [1, 0, 1, 0])
          assert.strictEqual(yield* hub.listeners, 2)
          yield* TestClock.adjust("15 seconds")
          assert.deepStrictEqual([yield* hub.listeners, deaf.cut], [1, 1])
        })
      )
  )

  it.scoped("an event is encoded and framed once, whoever hears it, and the same filters are one", () =>
    withHub((hub, events) =>
      Effect.gen(function* () {
        const of = (filter: Event.EventFilter) => listenTo(hub, { ...listener, filter })
        const all = yield* Effect.all([
          of({}),
          of({ services: ["beta", "alpha"] }),
          of({ services: ["alpha", "beta"] }),
          of({ services: ["beta"] })
        ])
        yield* TestClock.adjust("1 millis")
        yield* Queue.offer(events, event(8))
        yield* eventually(() => all.slice(0, 3).every(({ parcels }) => parcels.length > 1))
        const [one, two, three, none] = all.map(({ parcels }) => parcels.slice(1))
        assert.strictEqual(
          new TextDecoder().decode(one?.[0]?.bytes),
          "id: log-8\nevent: reconciliation.update\ndata: {}\n\n"
        )
        assert.strictEqual(one?.[0], two?.[0])
        assert.strictEqual(one?.[0], three?.[0])
        assert.deepStrictEqual(none, [])
        const chunk = one?.[0]?.chunk
        assert.strictEqual(chunk, one?.[0]?.chunk)
        assert.match(new TextDecoder().decode(chunk), /^31\r\nid: log-8\n.*\n\n\r\n$/s)
      })
    )
  )

  it.scoped("an event leaves at once; what has come by then is written together, in pieces of a bounded size", () =>
    withHub((hub, events) =>
      Effect.gen(function* () {
        const { heard } = yield* listenTo(hub)
        yield* TestClock.adjust("1 millis")
        yield* Queue.offerAll(events, [event(8), event(9), event(10)])
        // The log was waiting for the first of them.
        yield* eventually(() => heard.length > 2)
        assert.deepStrictEqual(
          heard.slice(1).map((text) => text.match(/^id: .*$/gm)),
          [["id: log-8"], ["id: log-9", "id: log-10"]]
        )
        const long = JSON.stringify("x".repeat(200_000))
        yield* Queue.offerAll(events, [event(11), event(12, long), event(13, long), event(14)])
        yield* eventually(() => heard.join("").includes("id: log-14"))
        const pieces = heard.slice(3)
        assert.deepStrictEqual(seqsIn(pieces), ["id: log-11", "id: log-12", "id: log-13", "id: log-14"])
        assert.isAbove(pieces.length, 1)
        for (const piece of pieces) assert.isAtMost(piece.length, 256 * 1024)
      })
    )
  )

  it.scoped("a listener that takes nothing is cut at a bounded backlog, others are not", () =>
    withHub((hub, events) =>
      Effect.gen(function* () {
        const stuck = yield* listenTo(hub, listener, false)
        const reading = yield* listenTo(hub)
        yield* TestClock.adjust("1 millis")
        const data = JSON.stringify("x".repeat(99_000))
        for (let seq = 8; seq < 8 + 12; seq++) {
          yield* Queue.offer(events, event(seq, data))
          yield* eventually(() => seqsIn(reading.heard).length === seq - 6)
        }
        assert.deepStrictEqual([stuck.cut, reading.cut], [1, 0])
        // What is more than it may leave, and one more piece at most.
        assert.isBelow(stuck.unsent, Limits.defaults.backlogKiB * 1024 + 100_000)
        assert.strictEqual(seqsIn(reading.heard).length, 1 + 12)
      })
    )
  )

  it.scoped("a listener that takes some, but later than it may, is cut; one that is only slow is not", () =>
    withHub((hub, events) =>
      Effect.gen(function* () {
        const [slow, late] = [yield* listenTo(hub, listener, false), yield* listenTo(hub, listener, false)]
        const reading = yield* listenTo(hub)
        yield* TestClock.adjust("1 millis")
        for (let seq = 8; seq < 8 + 20; seq++) {
          yield* Queue.offer(events, event(seq))
          yield* eventually(() => reading.heard.join("").includes(`id: log-${seq}`))
          yield* TestClock.adjust("10 seconds")
          // It always has something untaken, of half a minute at most.
          slow.unsent = Math.min(slow.unsent, 3 * 50)
          late.unsent -= 1
        }
        assert.deepStrictEqual([slow.cut, late.cut], [0, 1])
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

  const behind = { ...listener, lastEventId: Option.some("0") }

  it.scoped("ends the stream of a listener whom pruning has overtaken, rather than leave a gap", () => {
    let oldest = 1
    return Effect.gen(function* () {
      const hub = yield* EventHub.EventHub
      const whole = yield* listenTo(hub, behind)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(whole.heard.join("").match(/^id: /gm)?.length, 1_000)

      const { begin } = yield* hub.open(behind)
      const { seen, sink } = makeSink()
      begin(sink)
      oldest = 900
      // What was read for others before is as good as read now, and lasts as long as it is kept.
      yield* TestClock.adjust("1 minute")
      const again = yield* listenTo(hub, behind)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(seen.heard.join("").match(/^id: /gm)?.length, 1_000)
      assert.deepStrictEqual([again.ended, again.heard.join("").match(/^id: /gm)], [1, null])
    }).pipe(Effect.provide(EventHub.layer().pipe(Layer.provide(layerLong(() => oldest)))))
  })

  it.scoped("cuts whoever was ended and does not go, also where its principal is welcome", () =>
    Effect.gen(function* () {
      const hub = yield* EventHub.EventHub
      const { begin, leave } = yield* hub.open(behind)
      const { seen, sink } = makeSink()
      begin(sink)
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual([seen.ended, seen.cut], [1, 0])
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(seen.cut > 0, true)
      leave()
      leave()
      assert.strictEqual(yield* hub.listeners, 0)
    }).pipe(Effect.provide(EventHub.layer().pipe(Layer.provide(layerLong(() => 900)))))
  )

  it.scoped("sends a long beginning piece by piece, as it is taken", () =>
    withHub(
      (hub, events) =>
        Effect.gen(function* () {
          const { begin } = yield* hub.open(listener)
          const { seen, sink } = makeSink()
          const taken = Effect.unsafeMakeLatch(true)
          begin({
            ...sink,
            drained: taken.await,
            write: (parcel) => {
              taken.unsafeClose()
              sink.write(parcel)
            }
          })
          for (let pieces = 1; pieces <= 4; pieces++) {
            yield* TestClock.adjust("1 millis")
            assert.strictEqual(seen.heard.length, pieces)
            assert.strictEqual(seen.heard.at(-1)?.includes("stream.ready"), pieces === 4)
            taken.unsafeOpen()
          }
          yield* Queue.offer(events, event(8))
          yield* eventually(() => seen.heard.at(-1)?.includes("id: log-8") === true)
          assert.strictEqual(seen.cut, 0)
        }),
      Array.from({ length: 8 }, () => event(0, JSON.stringify("x".repeat(100_000))))
    )
  )

  it.scoped("reads the log once for all who are behind at the same place", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const counting = Effect.map(EventLog.EventLog, (whole) =>
        EventLog.EventLog.of({
          ...whole,
          page: (after, filter, limit) => {
            asked.push(after)
            return Effect.zipRight(Effect.sleep("5 millis"), whole.page(after, filter, limit))
          }
        })
      )
      const layer = EventHub.layer().pipe(
        Layer.provide(Layer.effect(EventLog.EventLog, counting)),
        Layer.provide(layerLong(() => 1))
      )
      yield* Effect.gen(function* () {
        const hub = yield* EventHub.EventHub
        const all = yield* Effect.all(Array.from({ length: 100 }, () => listenTo(hub, behind)))
        yield* TestClock.adjust("1 second")
        for (const { heard } of all) assert.strictEqual(heard.join("").match(/^id: /gm)?.length, 1_000)
        assert.deepStrictEqual(asked, [0, 200, 400, 600, 800])
      }).pipe(Effect.provide(layer))
    })
  )

  it.scoped("cuts a listener that is behind and takes nothing for a minute", () =>
    Effect.gen(function* () {
      const hub = yield* EventHub.EventHub
      const stuck = yield* listenTo(hub, behind, false)
      yield* TestClock.adjust("74 seconds")
      assert.strictEqual(stuck.cut, 0)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(stuck.cut, 1)
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
        const { heard } = yield* listenTo(hub)
        yield* Queue.offer(events, event(8))
        yield* TestClock.adjust("5 seconds")
        yield* Queue.offer(events, event(9))
        yield* eventually(() => heard.length > 2)
        assert.deepStrictEqual(asked, [7, 8])
        assert.deepStrictEqual(
          heard.slice(1).map((text) => text.slice(0, 9)),
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
        const { fiber, heard } = yield* hear(yield* hub.ofCommand(state, { ...listener, cut: () => {} }))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(heard, [
          'event: command.status\ndata: {"commandId":"c","service":"alpha","phase":"success","logs":["done"],"verified":true}\n\n'
        ])
      })
    )
  )

  it.scoped("its end cuts whoever does not take it in", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        const stuck = yield* listenTo(hub, listener, false)
        yield* TestClock.adjust("1 millis")
        const closing = yield* Effect.fork(Effect.uninterruptible(hub.close))
        yield* TestClock.adjust("499 millis")
        assert.deepStrictEqual([stuck.ended, stuck.cut], [1, 0])
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(closing)
        assert.strictEqual(stuck.cut, 1)
      })
    )
  )

  it.scoped("its end ends every stream, and every later one", () =>
    withHub((hub) =>
      Effect.gen(function* () {
        const early = yield* listenTo(hub)
        const between = yield* hub.open(listener)
        const closing = yield* Effect.fork(hub.close)
        yield* TestClock.adjust("1 millis")
        // It had its place, and nowhere to write to yet.
        const { seen, sink } = makeSink()
        between.begin(sink)
        between.leave()
        yield* TestClock.adjust("10 millis")
        yield* Fiber.join(closing)
        const late = yield* listenTo(hub)
        assert.deepStrictEqual([early.ended, seen.ended, late.ended, late.heard], [1, 1, 1, []])
        assert.strictEqual(yield* hub.listeners, 0)
      })
    )
  )
})
