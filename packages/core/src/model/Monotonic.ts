/** How long something takes, whatever becomes of the clock: who sets that back by an hour makes nobody wait for one. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds, whole, since some moment: they pass evenly, and say nothing of the time of day. */
export const now: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))
