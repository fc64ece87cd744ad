/** The streams that are open: how many there may be, whether who listens would still be let in, and how all of them end. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { isStillGood, type Principal } from "./Gate.ts"
import * as Limits from "./Limits.ts"
import * as Problem from "./Problem.ts"

/** How long a listener has to take in the end of its stream, before its connection is cut. */
const farewell = Duration.millis(500)

/** How often it is looked whether listeners would still be let in: a token that is revoked ends its streams by then. */
const reviewInterval = Duration.seconds(15)

/** What a listener too many is asked to wait: one of the others may have left. */
const tooManyRetrySeconds = 10

/** How often others get their turn, for their streams to end, when the streams go without having been closed. */
const stepsToNotice = 100

/** A stream that is open. */
export interface Open {
  readonly principal: Principal
  /** It was told to end. */
  readonly isOver: boolean
  /** Ends it, in good order. */
  end(): void
  /** Ends it at once, whatever is unsent. */
  cut(): void
}

/** All of them. */
export interface OpenStreams {
  /**
   * Takes the place that `make` makes, in the same step in which it is seen to be free. Fails with a `Problem` where
   * too many are open.
   */
  readonly take: <A extends Open>(principal: Principal, make: () => A) => Effect.Effect<A, Problem.Problem>
  /** Gives a place free. Whether it was taken: again does nothing. */
  readonly leave: (one: Open) => boolean
  /** How many are open. */
  readonly count: Effect.Effect<number>
  /** Succeeds as soon as they are being closed. */
  readonly closing: Effect.Effect<void>
  /** Ends every stream, now and later, and succeeds when they have ended. */
  readonly close: Effect.Effect<void>
}

/** None yet; looked after for the scope, and ended with it. */
export const make: Effect.Effect<OpenStreams, never, Scope.Scope> = Effect.gen(function* () {
  const limits = yield* Limits.Limits
  const closed = yield* Deferred.make<void>()
  const open = new Set<Open>()

  const refusal = ({ actor }: Principal): Problem.Problem | undefined => {
    const retry = { retryAfter: tooManyRetrySeconds }
    if (open.size >= limits.streams) return Problem.make("streams-exhausted", retry)
    const own = Array.from(open).filter((one) => one.principal.actor === actor).length
    if (own < limits.streamsPerActor) return undefined
    return Problem.make("too-many-streams", { detail: `${actor} has ${own} streams open`, ...retry })
  }

  const take: OpenStreams["take"] = (principal, make) =>
    Effect.suspend(() => {
      const problem = refusal(principal)
      if (problem !== undefined) return problem
      const place = make()
      open.add(place)
      // Whoever closes them ends those who have their place by then, and nobody later.
      return Effect.map(Deferred.isDone(closed), (isClosed) => {
        if (isClosed) place.end()
        return place
      })
    })

  const endAll = Effect.sync(() => {
    for (const one of Array.from(open)) one.end()
  })
  const cutAll = Effect.sync(() => {
    for (const one of Array.from(open)) one.cut()
  })

  const ending = new WeakSet<Open>()
  yield* Clock.currentTimeMillis.pipe(
    Effect.map((now) => {
      for (const one of Array.from(open)) {
        // Who has not taken in the end of a stream since is hung up on.
        if (ending.has(one)) one.cut()
        else if (!isStillGood(one.principal, now)) one.end()
        if (one.isOver) ending.add(one)
      }
    }),
    Effect.schedule(Schedule.fixed(reviewInterval)),
    Effect.forkScoped
  )

  const close = Effect.gen(function* () {
    yield* Deferred.succeed(closed, undefined)
    yield* endAll
    const gone = Effect.repeat(Effect.sleep("5 millis"), { until: () => open.size === 0 })
    // In a finalizer nothing can be interrupted, and no timeout has an effect, unless it says so.
    yield* Effect.timeoutOption(Effect.interruptible(gone), farewell)
    yield* cutAll
  })

  // Where nobody has closed them: a server that is closed after them waits for its connections, and a stream's would
  // never end by itself. Whoever is listening has noticed within a few steps; it is not waited for by the clock.
  yield* Effect.addFinalizer(() =>
    Deferred.succeed(closed, undefined).pipe(
      Effect.zipRight(endAll),
      Effect.zipRight(Effect.repeatN(Effect.yieldNow(), stepsToNotice)),
      Effect.zipRight(cutAll)
    )
  )

  return {
    take,
    leave: (one) => open.delete(one),
    count: Effect.sync(() => open.size),
    closing: Deferred.await(closed),
    close
  }
})
