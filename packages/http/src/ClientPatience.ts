/** How long the client waits: for a server that is gone, for one that says nothing, and for one that says when to come back. */
import { isHttpClientError } from "@effect/platform/HttpClientError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Problem } from "./Problem.ts"

/** How long a server may be gone, or turn us away, while it is to run our command: a restart and its recovery. */
export const patience = Duration.seconds(30)

/** Three heartbeats missed: whoever was there is no longer. */
export const silence = Duration.seconds(45)

/** A pause before another try: short beside anything a person would notice. */
export const pause = Duration.millis(250)

/** Whoever asks us to stay away for longer is asked sooner: nobody is there to try again for us. */
const longestWait = Duration.minutes(15)

/** What `Retry-After` says in seconds; zero where it says nothing, or a date. */
export const retryAfter = (headers: { readonly [name: string]: string | undefined }): Duration.Duration => {
  const seconds = /^\d{1,9}$/.exec(headers["retry-after"] ?? "")?.[0]
  return Duration.min(Duration.seconds(Number(seconds ?? 0)), longestWait)
}

/** How long an error asks us to wait; zero where it does not. */
export const askedFor = (error: unknown): Duration.Duration => {
  if (error instanceof Problem) return Duration.seconds(error.retryAfter ?? 0)
  return isHttpClientError(error) && error._tag === "ResponseError" ? retryAfter(error.response.headers) : Duration.zero
}

/** Waits a moment, or for as long as the error asks. False, at once: that would be later than `deadline`. */
export const untilNextTry = (error: unknown, deadline: number): Effect.Effect<boolean> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const wait = Duration.max(pause, askedFor(error))
    return now + Duration.toMillis(wait) > deadline ? Effect.succeed(false) : Effect.as(Effect.sleep(wait), true)
  })

/** When our patience ends, in milliseconds since 1970, if it begins now. */
export const deadline: Effect.Effect<number> = Effect.map(
  Clock.currentTimeMillis,
  (now) => now + Duration.toMillis(patience)
)
