/** What a request of the framework says of itself. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Principal } from "./Gate.ts"
import type { Arrival, Gatekeeper } from "./Gatekeeper.ts"
import type { Problem } from "./Problem.ts"

/** Before anything of it is read. */
export const of = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Arrival> =>
  Effect.map(Clock.currentTimeMillis, (time) => ({
    method: request.method,
    url: request.url,
    headers: request.headers,
    address: Option.getOrUndefined(request.remoteAddress),
    time
  }))

/** Takes note of a problem that somebody was answered with who had been let in. */
export const noted =
  ({ note }: Context.Tag.Service<Gatekeeper>, { actor }: Principal) =>
  (problem: Problem): Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.map(of(request), (arrival) => note(arrival, { _tag: "Rejected", problem, noted: { actor } }))
    )
