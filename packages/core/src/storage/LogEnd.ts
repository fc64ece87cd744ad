/** Where the log of events ends, and who waits for it to end elsewhere. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { Event } from "../model/Event.ts"

interface State {
  readonly newest: number
  /** The events of the latest commit, if it was ours. */
  readonly last: ReadonlyArray<Event>
  /** Done when it ends elsewhere. */
  readonly moved: Deferred.Deferred<void>
}

export interface LogEnd {
  /** The place of the newest event. */
  readonly newest: Effect.Effect<number>
  /** What is older than what is known already changes nothing. `last`: what came last, if this process committed it. */
  readonly moveTo: (newest: number, last?: ReadonlyArray<Event>) => Effect.Effect<void>
  /** `Store.beyond`. */
  readonly beyond: (seq: number) => Effect.Effect<Option.Option<ReadonlyArray<Event>>>
}

/** At a place. */
export const make = (newest: number): Effect.Effect<LogEnd> =>
  Effect.gen(function* () {
    const end = yield* Ref.make<State>({ newest, last: [], moved: yield* Deferred.make<void>() })

    const moveTo: LogEnd["moveTo"] = (newest, last = []) =>
      Effect.flatMap(Deferred.make<void>(), (moved) =>
        Effect.flatten(
          Ref.modify(end, (before) =>
            newest > before.newest
              ? [Deferred.succeed(before.moved, undefined), { newest, last, moved }]
              : [Effect.void, before]
          )
        )
      )

    const beyond: LogEnd["beyond"] = (seq) =>
      Effect.flatMap(Ref.get(end), ({ last, moved, newest }) =>
        newest > seq
          ? Effect.succeed(last[0]?.seq === seq + 1 ? Option.some(last) : Option.none())
          : Effect.zipRight(Deferred.await(moved), beyond(seq))
      )

    return { newest: Effect.map(Ref.get(end), ({ newest }) => newest), moveTo, beyond }
  })
