/** Leaving Node's event loop to others. By the machine's clock, and not Effect's: this is about how long work takes. */
import * as Effect from "effect/Effect"

/** Whatever else waits, sockets among it, has its turn first. */
export const turn: Effect.Effect<void> = Effect.async((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})

/** No rest is longer, in milliseconds. */
const maxRest = 50

/** Nor is there any after what takes less. */
const minWork = 1

/**
 * Rests twice as long as the work has taken, so that it takes a third of the event loop at most; what is quickly done
 * rests not at all.
 */
export const withRest = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.tap(work, () => {
      const took = performance.now() - begun
      return took < minWork ? Effect.void : pause(Math.min(2 * took, maxRest))
    })
  })

const pause = (millis: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    const handle = setTimeout(() => resume(Effect.void), millis)
    return Effect.sync(() => clearTimeout(handle))
  })
