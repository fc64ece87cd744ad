/** What goes on for as long as the process does. */
import * as Effect from "effect/Effect"

/** From the end of what should have had none to its next beginning: it may end at once again. */
const pause = "5 seconds"

/** Goes on for ever: a loop that ends, whatever it ends by, is begun again, and no other ends with it. */
export const keep = <A, E, R>(name: string, loop: Effect.Effect<A, E, R>): Effect.Effect<never, never, R> =>
  loop.pipe(
    Effect.matchCauseEffect({
      onFailure: (cause) => Effect.logError(`${name} stopped, and is begun again`, cause),
      onSuccess: () => Effect.logError(`${name} came to an end, and is begun again`)
    }),
    Effect.zipRight(Effect.sleep(pause)),
    Effect.forever
  )

/** Tries until it is done, whatever it fails by. */
export const untilDone = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  Effect.catchAllCause(effect, (cause) =>
    Effect.logError(`${name} failed, and is tried again`, cause).pipe(
      Effect.zipRight(Effect.sleep(pause)),
      Effect.zipRight(Effect.suspend(() => untilDone(name, effect)))
    )
  )
