/** Brings events to whoever listens: one reader of the log, each event encoded once, a bounded backlog for each. */
import { Command, Event, EventLog, type Store } from "@mithrandir/core"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Backlog } from "./Backlog.ts"
import { isStillGood, type Principal } from "./Gate.ts"
import * as Limits from "./Limits.ts"
import * as Problem from "./Problem.ts"
import * as Sse from "./Sse.ts"

/** From a connection's start. Proxies close what is silent for 30 to 60 seconds. */
export const heartbeatInterval = Duration.seconds(15)

/** Heartbeats in a row that a listener who is behind may leave untaken, before it is cut off: a minute. */
const maxUntaken = 4

/** How long clients wait before they come back: spread, so that a restart does not bring them all at once. */
const retryMillis = { min: 1_000, max: 4_000 }

/** Events read at once for a listener who is behind. */
const pageSize = 200

/** How long the log is left alone after it could not be read. */
const tailPause = Duration.seconds(1)

/** How long the events of a command that has ended are looked for: after 24 h they may be pruned. */
const endedWait = Duration.seconds(2)

/** How long a listener has to take in the end of its stream, before its connection is cut. */
const farewell = Duration.millis(500)

/** How often it is looked whether listeners would still be let in: a token that is revoked ends its streams by then. */
const reviewInterval = Duration.seconds(15)

/** What a listener too many is asked to wait: one of the others may have left. */
const tooManyRetrySeconds = 10

/** How often others get their turn, for their streams to end, when the hub goes without having been closed. */
const stepsToNotice = 100

/** Who listens. */
export interface Listener {
  /** As whom the gate let it in. */
  readonly principal: Principal
  /** What it wants to hear of; left out: everything. */
  readonly filter: Event.EventFilter
  /** Where it left off: an event's id, or `0`. None: from a snapshot on. */
  readonly lastEventId: Option.Option<string>
  /** Ends the connection at once, whatever is unsent. */
  readonly hangUp: Effect.Effect<void>
}

/** The stream, for whoever listens. */
export class EventHub extends Context.Tag("@mithrandir/http/EventHub")<
  EventHub,
  {
    /**
     * The stream for one listener, as bytes. What it starts with is read before this succeeds. It has its place until it
     * ends, or the scope does, which is that of the request: nobody may ever take it. Ends when the hub is closed, when the listener leaves too much unread, and when its principal would no longer be let in. Fails with a
     * `Problem` where too many are open.
     */
    readonly open: (
      listener: Listener
    ) => Effect.Effect<Stream.Stream<Uint8Array>, Store.StoreUnreadable | Problem.Problem, Scope.Scope>
    /**
     * The `command.status` events of one command as bytes, with heartbeats, until it has ended. Where its last event
     * is no longer kept it is told without an id. Leaving does not stop the command. Fails as `open` does.
     */
    readonly ofCommand: (
      state: Command.CommandState,
      listener: Pick<Listener, "principal" | "hangUp">
    ) => Effect.Effect<Stream.Stream<Uint8Array>, Problem.Problem, Scope.Scope>
    /** How many listeners have an open stream. */
    readonly listeners: Effect.Effect<number>
    /** Succeeds as soon as the hub is being closed: whoever lets a request wait is to let it go. */
    readonly closing: Effect.Effect<void>
    /** Ends every stream, now and later, and succeeds when they have ended. */
    readonly close: Effect.Effect<void>
  }
>() {}

/** What users get is the default. */
export interface Options {
  /** How often, from a connection's start. Default: `heartbeatInterval`. */
  readonly heartbeat?: Duration.DurationInput
}

const make = (options: Options) =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    // Spaced: a timer that fires a millisecond early by the clock would have a fixed schedule beat twice.
    const heartbeat = Schedule.spaced(options.heartbeat ?? heartbeatInterval)
    const limits = yield* Limits.Limits
    const closed = yield* Deferred.make<void>()
    const open = new Set<Open>()
    const live = new Set<Backlog<Listener>>()
    // The last event that was put to the backlogs.
    let brought = yield* log.newest

    const frame = (event: Event.Event): Uint8Array =>
      Sse.encode({ id: log.idOf(event.seq), event: event.name, data: event.data })

    const bring = (event: Event.Event): Effect.Effect<void> =>
      Effect.suspend(() => {
        brought = event.seq
        const bytes = frame(event)
        const overflown = Array.from(live).filter(
          (backlog) => Event.matches(backlog.owner.filter, event) && !backlog.put(event.seq, bytes)
        )
        for (const backlog of overflown) live.delete(backlog)
        return Effect.forEach(overflown, (backlog) => backlog.owner.hangUp, { discard: true })
      })

    yield* Stream.suspend(() => log.tail(brought, {})).pipe(
      Stream.runForEach(bring),
      // Defects, too: if this loop ended, listeners would hear heartbeats alone for ever.
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.interrupt
          : Effect.zipRight(Effect.logError("the event log could not be followed", cause), Effect.sleep(tailPause))
      ),
      Effect.forever,
      Effect.forkScoped
    )

    const endAll = Effect.suspend(() =>
      Effect.forEach(Array.from(open), ({ end }) => Deferred.succeed(end, undefined), { discard: true })
    )

    /** Who does not take in the end of a stream is hung up on the next time. */
    const endOrCut = ({ end, hangUp }: Open) =>
      Effect.flatMap(Deferred.succeed(end, undefined), (isNew) => (isNew ? Effect.void : hangUp))

    yield* Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => {
        const unwelcome = Array.from(open).filter(({ principal }) => !isStillGood(principal, now))
        return Effect.forEach(unwelcome, endOrCut, { discard: true })
      }),
      Effect.schedule(Schedule.fixed(reviewInterval)),
      Effect.forkScoped
    )

    /** A place for one more, taken in the same step in which it is seen to be free. */
    const takePlace = ({ hangUp, principal }: Pick<Listener, "hangUp" | "principal">) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const { actor } = principal
          const own = Array.from(open).filter((one) => one.principal.actor === actor).length
          if (open.size >= limits.streams || own >= limits.streamsPerActor) {
            const detail =
              own < limits.streamsPerActor ? "no more streams can be open here" : `${actor} has ${own} streams open`
            return Problem.make("too-many-streams", { detail, retryAfter: tooManyRetrySeconds })
          }
          const place: Open = { principal, hangUp, end: Deferred.unsafeMake(FiberId.none) }
          open.add(place)
          return Effect.succeed(place)
        }),
        (place) => Effect.sync(() => open.delete(place))
      )

    /** A stream that ends in good order when it is told to, and gives its place free. */
    const until = <A>(place: Open, stream: Stream.Stream<A>): Stream.Stream<A> =>
      Stream.unwrap(
        Effect.map(Deferred.isDone(closed), (isClosed) =>
          isClosed ? Stream.empty : Stream.interruptWhenDeferred(stream, place.end)
        )
      ).pipe(Stream.ensuring(Effect.sync(() => open.delete(place))))

    /** What a listener is told first, and the place after which it goes on. */
    const opening = Effect.fn("EventHub.opening")(function* ({ filter, lastEventId }: Listener) {
      const retry = Sse.encodeRetry(yield* Random.nextIntBetween(retryMillis.min, retryMillis.max))
      const resumption = Option.isSome(lastEventId) ? yield* log.resume(lastEventId.value, filter) : undefined
      if (resumption?._tag === "After") return { frames: [retry], after: resumption.seq }
      const snapshot = yield* log.snapshot(filter)
      const frames = [
        retry,
        ...(resumption === undefined ? [] : [reset(log, resumption)]),
        ...snapshot.events.map(({ data, name }) => Sse.encode({ event: name, data })),
        ready(log.idOf(snapshot.newest))
      ]
      return { frames, after: snapshot.newest }
    })

    const openFor = Effect.fn("EventHub.open")(function* (listener: Listener) {
      const place = yield* takePlace(listener)
      const { after, frames } = yield* opening(listener)
      const stream = Effect.gen(function* () {
        const backlog = new Backlog(listener, after)
        yield* Effect.addFinalizer(() => Effect.sync(() => live.delete(backlog)))
        let untaken = 0
        const due = Effect.suspend(() => {
          untaken = backlog.beat() ? 0 : untaken + 1
          // Who is live is bounded by its backlog. Who catches up is bounded by nothing but this.
          return untaken >= maxUntaken && !live.has(backlog) ? listener.hangUp : Effect.void
        })
        yield* Effect.forkScoped(Effect.schedule(due, heartbeat))

        /** What is sent next, and a heartbeat after it if one is due. */
        const withBeat = (frames: ReadonlyArray<Uint8Array>) =>
          backlog.takeBeat()
            ? Effect.map(beat(log.idOf(backlog.sent)), (bytes) => Chunk.unsafeFromArray([...frames, bytes]))
            : Effect.succeed(Chunk.unsafeFromArray([...frames]))

        // Reads the log until nothing is left between it and what was brought. Then, in the same step, what comes is
        // put to the backlog: no event falls between, and none comes twice.
        const catchUp = Effect.gen(function* () {
          if (backlog.after >= brought) {
            live.add(backlog)
            return [yield* withBeat([]), Option.none<void>()] as const
          }
          const { events, oldest, upTo } = yield* log.page(backlog.after, listener.filter, pageSize)
          // Pruning has overtaken us. Ended, the listener comes back by id, and is told that there is a gap.
          if (backlog.after < oldest - 1) return yield* Effect.fail("pruned" as const)
          backlog.skip(upTo, events.at(-1)?.seq)
          return [yield* withBeat(events.map(frame)), Option.some<void>(undefined)] as const
        })

        const next = Effect.gen(function* () {
          yield* backlog.arrival
          const taken = backlog.take()
          return taken === undefined ? yield* Effect.fail(Option.none<never>()) : yield* withBeat(taken)
        })

        return Stream.fromIterable(frames).pipe(
          Stream.concat(Stream.paginateChunkEffect(undefined, () => catchUp)),
          Stream.concat(Stream.repeatEffectChunkOption(next))
        )
      })
      // The client comes back by id, and is then told why if the log still cannot be read.
      return until(
        place,
        Stream.catchAll(Stream.unwrapScoped(stream), () => Stream.empty)
      )
    })

    const phasesOf = (state: Command.CommandState): Stream.Stream<Uint8Array> =>
      Stream.suspend(() => {
        let sent = ""
        const phases = log.ofCommand(state.commandId).pipe(
          Stream.takeUntil(({ data }) => Command.isEnd(phaseIn(data))),
          Stream.map((event) => {
            sent = log.idOf(event.seq)
            return frame(event)
          }),
          Stream.catchAll(() => Stream.empty)
        )
        const beats = Stream.mapEffect(Stream.fromSchedule(heartbeat), () => beat(sent))
        return Command.isEnd(state.phase)
          ? Stream.timeoutTo(phases, endedWait, Stream.succeed(lastWord(state)))
          : Stream.merge(phases, beats, { haltStrategy: "left" })
      })

    const ofCommand = Effect.fn("EventHub.ofCommand")(function* (
      state: Command.CommandState,
      listener: Pick<Listener, "hangUp" | "principal">
    ) {
      return until(yield* takePlace(listener), phasesOf(state))
    })

    const hangUpOnAll = Effect.suspend(() =>
      Effect.forEach(Array.from(open), ({ hangUp }) => hangUp, { discard: true })
    )

    const close = Effect.gen(function* () {
      yield* Deferred.succeed(closed, undefined)
      yield* endAll
      const gone = Effect.repeat(Effect.sleep("5 millis"), { until: () => open.size === 0 })
      // In a finalizer nothing can be interrupted, and no timeout has an effect, unless it says so.
      yield* Effect.timeoutOption(Effect.interruptible(gone), farewell)
      yield* hangUpOnAll
    })

    // Where nobody has closed the hub: a server that is closed after it waits for its connections, and a stream's would
    // never end by itself. Whoever is listening has noticed within a few steps; it is not waited for by the clock.
    yield* Effect.addFinalizer(() =>
      Deferred.succeed(closed, undefined).pipe(
        Effect.zipRight(endAll),
        Effect.zipRight(Effect.repeatN(Effect.yieldNow(), stepsToNotice)),
        Effect.zipRight(hangUpOnAll)
      )
    )

    return EventHub.of({
      open: openFor,
      ofCommand,
      listeners: Effect.sync(() => open.size),
      closing: Deferred.await(closed),
      close
    })
  })

/** The hub, following the log for as long as the layer lives. */
export const layer = (options: Options = {}): Layer.Layer<EventHub, never, EventLog.EventLog> =>
  Layer.scoped(EventHub, make(options))

/** A stream that is open. */
interface Open extends Pick<Listener, "hangUp" | "principal"> {
  /** Ends it, in good order. */
  readonly end: Deferred.Deferred<void>
}

type Log = Context.Tag.Service<EventLog.EventLog>

const ready = (id: string): Uint8Array =>
  Sse.encode({ id, event: "stream.ready", data: JSON.stringify({ newest: id }) })

/** `oldest` is null where no event is kept. */
const reset = (log: Log, { newest, oldest, reason }: Extract<EventLog.Resumption, { _tag: "Reset" }>): Uint8Array =>
  Sse.encode({
    event: "stream.reset",
    data: JSON.stringify({ reason, oldest: oldest > newest ? null : log.idOf(oldest), newest: log.idOf(newest) })
  })

/** A named event, since `EventSource` hides comments; without an id, since nothing happened. */
const beat = (lastEventId: string): Effect.Effect<Uint8Array> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    Sse.encode({ event: "heartbeat", data: JSON.stringify({ time: new Date(now).toISOString(), lastEventId }) })
  )

const lastWord = (state: Command.CommandState): Uint8Array => {
  const { data, name } = Event.ofStatus(Event.statusOf(state))
  return Sse.encode({ event: name, data })
}

const decodePhase = Schema.decodeSync(Schema.parseJson(Schema.Struct({ phase: Command.Phase })))
const phaseIn = (data: string): Command.Phase => decodePhase(data).phase
