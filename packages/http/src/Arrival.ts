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

/** What the framework made a request of: of one that was asked about before it came here, the same. */
export const sourceOf = ({ source }: HttpServerRequest.HttpServerRequest): object | undefined =>
  typeof source === "object" && source !== null ? source : undefined

/** Takes note of a problem that somebody was answered with who had been let in. */
export const noted =
  ({ note }: Context.Tag.Service<Gatekeeper>, { actor }: Principal) =>
  (problem: Problem): Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.map(of(request), (arrival) => note(arrival, { _tag: "Rejected", problem, noted: { actor } }))
    )
