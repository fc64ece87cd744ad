/** How long a listing may take, and between two of its jobs. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Monotonic from "../model/Monotonic.ts"

/** However short finished jobs stay, a listing may take this long. */
const shortest = Duration.minutes(1)

/** However long they stay: two million jobs at three thousand a second. What takes longer is taken for endless. */
const longest = Duration.minutes(10)

/** The most that a listing may take: as long as finished jobs stay, since a slower one would prove nothing. */
export const maxDuration = (finishedKept: Duration.Duration): Duration.Duration =>
  Duration.clamp(finishedKept, { minimum: shortest, maximum: longest })

/**
 * A listing that fails where it takes longer than `total`, or than `gap` for its first job, its next one, or its end.
 * Chunks without a job are none: a listing could give those for ever.
 */
export const bounded = <A, E>(
  listing: Stream.Stream<A, E>,
  late: () => E,
  { gap, total }: { readonly gap: Duration.Duration; readonly total: Duration.Duration }
): Stream.Stream<A, E> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const until = (yield* Monotonic.now) + Duration.toMillis(total)
      const pull = yield* Stream.toPull(listing)
      const jobs = Effect.repeat(pull, { while: Chunk.isEmpty })
      const next = Effect.flatMap(Monotonic.now, (now) =>
        Effect.timeoutFail(jobs, {
          duration: Duration.min(gap, Duration.millis(Math.max(0, until - now))),
          onTimeout: () => Option.some(late())
        })
      )
      return Stream.repeatEffectChunkOption(next)
    })
  )
