/** Brings events to whoever listens: one reader of the log, each event encoded once, a bounded backlog for each. */
import { type Command, Event, EventLog, type Store } from "@mithrandir/core"
import * as Cache from "effect/Cache"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CommandStream from "./CommandStream.ts"
import * as EventLoop from "./EventLoop.ts"
import type { Principal } from "./Gate.ts"
import * as Limits from "./Limits.ts"
import * as OpenStreams from "./OpenStreams.ts"
import { inPieces, Parcel } from "./Parcel.ts"
import { type Group, type Keeper, Place } from "./Place.ts"
import type * as Problem from "./Problem.ts"
import type { Sink } from "./Sink.ts"
import * as Sse from "./Sse.ts"
import * as StreamText from "./StreamText.ts"

/** From a connection's start. Proxies close what is silent for 30 to 60 seconds. */
export const heartbeatInterval = Duration.seconds(15)

/** Heartbeats that fall into the same part of an interval, of so many, are sent together. */
const beatsAtOnce = 15

/** How long clients wait before they come back: spread, so that a restart does not bring them all at once. */
const retryMillis = { min: 1_000, max: 4_000 }

/** Events read at once for a listener who is behind. */
const pageSize = 200

/** Pages of the log that are kept, encoded, for others who are behind: a few megabytes. */
const pagesKept = { capacity: 16, for: Duration.seconds(10) }

/** Listeners that are written to before others get their turn: a few milliseconds. */
const writtenAtOnce = 500

/** How long the log is left alone after it could not be read. */
const tailPause = Duration.seconds(1)

/** Who listens. */
export interface Listener {
  /** As whom the gate let it in. */
  readonly principal: Principal
  /** What it wants to hear of; left out: everything. */
  readonly filter: Event.EventFilter
  /** Where it left off: an event's id, or `0`. None: from a snapshot on. */
  readonly lastEventId: Option.Option<string>
}

/** A stream that has its place, and of which nothing was sent yet. */
export interface Opened {
  /** Sends what it starts with, and from then on everything. Once. */
  readonly begin: (sink: Sink) => void
  /** Gives its place free. To be called when there is nobody any more, also where it was never begun; again does nothing. */
  readonly leave: () => void
}

/** The stream, for whoever listens. */
export class EventHub extends Context.Tag("@mithrandir/http/EventHub")<
  EventHub,
  {
    /**
     * The stream for one listener. What it starts with is read before this succeeds. It has its place until it `leave`s,
     * and is ended when the hub is closed, when its principal would no longer be let in, or when the log has moved on
     * without it; what leaves too much untaken is cut. Fails with a `Problem` where too many are open.
     */
    readonly open: (listener: Listener) => Effect.Effect<Opened, Store.StoreUnreadable | Problem.Problem>
    /**
     * The `command.status` events of one command as bytes, with heartbeats, until it has ended. Where its last event
     * is no longer kept it is told without an id. Leaving does not stop the command. It has its place until it ends, or
     * the scope does, which is that of the request: nobody may ever take it. Fails with a `Problem` where too many are
     * open.
     */
    readonly ofCommand: (
      state: Command.CommandState,
      listener: CommandStream.Waiting
    ) => Effect.Effect<Stream.Stream<Uint8Array>, Problem.Problem, Scope.Scope>
    /** How many listeners have an open stream. */
    readonly listeners: Effect.Effect<number>
    /** Succeeds as soon as the hub is being closed: whoever lets a request wait is to let it go. */
    readonly closing: Effect.Effect<void>
    /** Ends every stream, now and later, and succeeds when they have ended. */
    readonly close: Effect.Effect<void>
  }
>() {}

const millisOf = (nanos: bigint): number => Number(nanos / 1_000_000n)

/** Milliseconds, since some moment. Who sets the clock makes nobody late, and no heartbeat. */
const passing = Effect.map(Clock.currentTimeNanos, millisOf)

/** What users get is the default. */
export interface Options {
  /** How often, from a connection's start. Default: `heartbeatInterval`. */
  readonly heartbeat?: Duration.DurationInput
}

const make = (options: Options) =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const limits = yield* Limits.Limits
    const clock = yield* Effect.clock
    const heartbeat = Duration.decode(options.heartbeat ?? heartbeatInterval)
    const beatMillis = Duration.toMillis(heartbeat)
    const streams = yield* OpenStreams.make
    const ofCommand = yield* CommandStream.make(streams, heartbeat)
    const runFork = yield* FiberSet.makeRuntime()
    const groups = new Map<string, Group>()
    // When each is due, soonest first: the interval is the same for all.
    const beats = new Map<Place, number>()
    // The last event that was put before those who are live.
    let brought = yield* log.newest

    const groupOf = (filter: Event.EventFilter): Group => {
      const sorted = (words: ReadonlyArray<string> = []) => Array.from(new Set(words)).sort()
      const key = JSON.stringify([filter.services && sorted(filter.services), filter.names && sorted(filter.names)])
      const known = groups.get(key)
      if (known !== undefined) return known
      const group: Group = { filter, key, size: 0, live: new Set() }
      groups.set(key, group)
      return group
    }

    const forget = (place: Place): void => {
      place.group.live.delete(place)
      beats.delete(place)
    }
    const keeper: Keeper = {
      over: forget,
      left: (place) => {
        const { group } = place
        forget(place)
        if (!streams.leave(place)) return
        group.size -= 1
        if (group.size === 0) groups.delete(group.key)
      }
    }

    const framed = (events: ReadonlyArray<Event.Event>): ReadonlyArray<ReadonlyArray<Framed>> =>
      inPieces(
        events.map((event) => ({ event, text: StreamText.ofEvent(log, event) })),
        ({ text }) => text
      )

    /** Brings what one part of the log says to everybody who is live. */
    const bringPart = Effect.fnUntraced(function* (part: ReadonlyArray<Framed>, now: number) {
      const first = part[0]?.event.seq ?? 0
      const last = lastOf(part)
      const parcels = new Map<string, Parcel>()
      const parcelOf = (wanted: ReadonlyArray<Framed>): Parcel => {
        const key = wanted.map(({ event }) => event.seq).join()
        const parcel = parcels.get(key) ?? parcelled(wanted)
        parcels.set(key, parcel)
        return parcel
      }
      let written = 0
      for (const { filter, live } of Array.from(groups.values())) {
        if (live.size === 0) continue
        const wanted = part.filter(({ event }) => Event.matches(filter, event))
        if (wanted.length === 0) continue
        const parcel = parcelOf(wanted)
        for (const place of Array.from(live)) {
          // Who was behind may have read some of it from the log by itself.
          const rest = place.after < first ? wanted : wanted.filter(({ event }) => event.seq > place.after)
          if (rest.length > 0) {
            place.send(rest === wanted ? parcel : parcelOf(rest), now, limits)
            place.told = lastOf(wanted)
          }
          place.after = Math.max(place.after, last)
          if (++written % writtenAtOnce === 0) yield* EventLoop.turn
        }
      }
    })

    const bring = Effect.fnUntraced(function* (events: ReadonlyArray<Event.Event>) {
      // Pruned before they were read: whoever is live comes back by id, and is told that there is a gap.
      if ((events[0]?.seq ?? 0) > brought + 1) {
        for (const { live } of groups.values()) for (const place of Array.from(live)) place.end()
      }
      brought = events.at(-1)?.seq ?? brought
      const now = yield* passing
      if (Array.from(groups.values()).every(({ live }) => live.size === 0)) return
      for (const part of framed(events)) {
        yield* bringPart(part, now)
        // What was written can leave before more is.
        if (lastOf(part) < brought) yield* EventLoop.turn
      }
    })

    yield* Stream.suspend(() => log.tail(brought, {})).pipe(
      // What comes while there is a rest is read as one page, and written in one piece. A lone event finds none.
      Stream.runForEachChunk((events) => EventLoop.withRest(bring(Array.from(events)))),
      // Defects, too: if this loop ended, listeners would hear heartbeats alone for ever.
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.interrupt
          : Effect.zipRight(Effect.logError("the event log could not be followed", cause), Effect.sleep(tailPause))
      ),
      Effect.forever,
      Effect.forkScoped
    )

    yield* Effect.zip(passing, Clock.currentTimeMillis).pipe(
      Effect.map(([now, time]) => {
        const parcels = new Map<number, Parcel>()
        for (const [place, due] of beats) {
          if (due > now) break
          const parcel = parcels.get(place.told) ?? new Parcel(StreamText.heartbeat(time, log.idOf(place.told)))
          parcels.set(place.told, parcel)
          beats.delete(place)
          // A process that was held up makes up for nothing.
          beats.set(place, due + beatMillis > now ? due + beatMillis : now + beatMillis)
          place.send(parcel, now, limits)
        }
      }),
      Effect.schedule(Schedule.spaced(beatMillis / beatsAtOnce)),
      Effect.forkScoped
    )

    // Shared by those who come while it is read.
    const snapshots = yield* RcMap.make({ lookup: ({ filter }: Group) => log.snapshot(filter) })

    const pages = yield* Cache.makeWith({
      capacity: pagesKept.capacity,
      timeToLive: (exit) => (Exit.isSuccess(exit) ? pagesKept.for : Duration.zero),
      lookup: ({ after, group }: { readonly group: Group; readonly after: number }) =>
        Effect.map(log.page(after, group.filter, pageSize), ({ events, oldest, upTo }) => {
          const parts = framed(events).map((part) => ({ parcel: parcelled(part), told: lastOf(part) }))
          return { oldest, upTo, parts }
        })
    })

    const opening = Effect.fn("EventHub.opening")(function* (group: Group, lastEventId: Option.Option<string>) {
      const retry = Sse.retry(yield* Random.nextIntBetween(retryMillis.min, retryMillis.max))
      const resumption = Option.isSome(lastEventId) ? yield* log.resume(lastEventId.value, group.filter) : undefined
      if (resumption?._tag === "After") return { parts: [retry], after: resumption.seq }
      const snapshot = yield* Effect.scoped(RcMap.get(snapshots, group))
      const texts = [
        retry,
        ...(resumption === undefined ? [] : [StreamText.reset(log, resumption)]),
        ...snapshot.events.map(StreamText.ofState),
        StreamText.ready(log, snapshot.newest)
      ]
      return { parts: inPieces(texts, (text) => text).map((piece) => piece.join("")), after: snapshot.newest }
    })

    /** Sends what it starts with, and then the log, until it is live. */
    const follow = (place: Place, parts: Start["parts"], sink: Sink) =>
      Effect.gen(function* () {
        const { group } = place
        const send = (parcel: Parcel) =>
          Effect.zipRight(
            sink.drained,
            Effect.map(passing, (now) => place.send(parcel, now, limits))
          )
        for (const part of parts) yield* send(new Parcel(part))
        while (!place.isOver) {
          yield* sink.drained
          // Nothing is left between it and what was brought: in the same step it becomes one of those to whom what comes
          // is brought. No event falls between, and none comes twice.
          if (place.after >= brought) return void group.live.add(place)
          const page = yield* pages.get(Data.struct({ group, after: place.after }))
          // Pruning has overtaken us. Ended, the listener comes back by id, and is told that there is a gap.
          if (place.after < page.oldest - 1) return place.end()
          for (const { parcel, told } of page.parts) {
            yield* send(parcel)
            place.told = told
          }
          place.after = page.upTo
        }
      }).pipe(
        // The client comes back by id, and is then told why if the log still cannot be read.
        Effect.catchAllCause(() => Effect.sync(() => place.end()))
      )

    const openFor = Effect.fn("EventHub.open")(function* ({ filter, lastEventId, principal }: Listener) {
      const place = yield* streams.take(principal, () => {
        const place = new Place(principal, groupOf(filter), keeper)
        place.group.size += 1
        return place
      })
      const { after, parts } = yield* Effect.onExit(opening(place.group, lastEventId), (exit) =>
        Exit.isSuccess(exit) ? Effect.void : Effect.sync(place.leave)
      )
      const begin = (sink: Sink) => {
        const now = millisOf(clock.unsafeCurrentTimeNanos())
        place.begin(sink, after, now)
        if (place.isOver) return
        beats.set(place, now + beatMillis)
        runFork(follow(place, parts, sink))
      }
      return { begin, leave: place.leave }
    })

    const { closing, close, count } = streams
    return EventHub.of({ open: openFor, ofCommand, listeners: count, closing, close })
  })

/** The hub, following the log for as long as the layer lives. */
export const layer = (options: Options = {}): Layer.Layer<EventHub, never, EventLog.EventLog> =>
  Layer.scoped(EventHub, make(options))

/** An event as it is sent. */
interface Framed {
  readonly event: Event.Event
  readonly text: string
}

const parcelled = (part: ReadonlyArray<Framed>): Parcel => new Parcel(part.map(({ text }) => text).join(""))

const lastOf = (part: ReadonlyArray<Framed>): number => part.at(-1)?.event.seq ?? 0

/** What a listener is told first, and the place after which it goes on. */
interface Start {
  readonly parts: ReadonlyArray<string>
  readonly after: number
}
