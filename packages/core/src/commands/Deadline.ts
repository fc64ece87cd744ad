/** What a command may still take. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Command } from "../model/Command.ts"

/** Milliseconds left; where somebody set the clock back, no more than it had in the beginning. */
export const remaining = ({ createdAt, deadline }: Command) =>
  Effect.map(Clock.currentTimeMillis, (now) => deadline.epochMillis - Math.max(now, createdAt.epochMillis))

/** What came in time, or that nothing did; then whether it was begun at all. */
export type Timely<A> =
  | { readonly _tag: "InTime"; readonly value: A }
  | { readonly _tag: "Late"; readonly isBegun: boolean }

/**
 * The answer of an effect, or that it had none when the command's deadline passed. It is given up then, or, where that
 * had passed already, not even begun.
 */
export const until = <A, E, R>(command: Command, effect: Effect.Effect<A, E, R>): Effect.Effect<Timely<A>, E, R> =>
  Effect.flatMap(remaining(command), (left) =>
    left <= 0
      ? Effect.succeed<Timely<A>>({ _tag: "Late", isBegun: false })
      : Effect.timeoutTo(effect, {
          duration: Duration.millis(left),
          onSuccess: (value): Timely<A> => ({ _tag: "InTime", value }),
          onTimeout: (): Timely<A> => ({ _tag: "Late", isBegun: true })
        })
  )
