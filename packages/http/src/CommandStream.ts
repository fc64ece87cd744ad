/** The stream of one command: what becomes of it, until it has ended. */
import { Command, EventLog } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Principal } from "./Gate.ts"
import type { Open, OpenStreams } from "./OpenStreams.ts"
import type { Problem } from "./Problem.ts"
import * as Sse from "./Sse.ts"
import * as StreamText from "./StreamText.ts"

/** How long the events of a command that has ended are looked for: after 24 h they may be pruned. */
const endedWait = Duration.seconds(2)

/** Who waits for it. `cut` ends the connection at once. */
export interface Waiting {
  readonly principal: Principal
  readonly cut: () => void
}

/** Opens such streams, each of which has its place among all that are open. */
export const make = (streams: OpenStreams, heartbeat: Duration.Duration) =>
  Effect.map(EventLog.EventLog, (log) => {
    const phasesOf = (state: Command.CommandState): Stream.Stream<Uint8Array> =>
      Stream.suspend(() => {
        let sent = ""
        const phases = log.ofCommand(state.commandId).pipe(
          Stream.takeUntil(({ data }) => Command.isEnd(phaseIn(data))),
          Stream.map((event) => {
            sent = log.idOf(event.seq)
            return Sse.encode(StreamText.ofEvent(log, event))
          }),
          Stream.catchAll(() => Stream.empty)
        )
        const beats = Stream.fromSchedule(Schedule.spaced(heartbeat)).pipe(
          Stream.mapEffect(() => Clock.currentTimeMillis),
          Stream.map((now) => Sse.encode(StreamText.heartbeat(now, sent)))
        )
        return Command.isEnd(state.phase)
          ? Stream.timeoutTo(phases, endedWait, Stream.succeed(Sse.encode(StreamText.ofCommand(state))))
          : Stream.merge(phases, beats, { haltStrategy: "left" })
      })

    return (
      state: Command.CommandState,
      { cut, principal }: Waiting
    ): Effect.Effect<Stream.Stream<Uint8Array>, Problem, Scope.Scope> =>
      Effect.gen(function* () {
        const ending = yield* Deferred.make<void>()
        let isOver = false
        const place: Open = {
          principal,
          get isOver() {
            return isOver
          },
          end: () => {
            isOver = true
            Deferred.unsafeDone(ending, Effect.void)
          },
          cut
        }
        const leave = Effect.sync(() => streams.leave(place))
        yield* Effect.acquireRelease(
          streams.take(principal, () => place),
          () => leave
        )
        return Stream.ensuring(Stream.interruptWhenDeferred(phasesOf(state), ending), leave)
      }).pipe(Effect.withSpan("EventHub.ofCommand"))
  })

const decodePhase = Schema.decodeSync(Schema.parseJson(Schema.Struct({ phase: Command.Phase })))
const phaseIn = (data: string): Command.Phase => decodePhase(data).phase
