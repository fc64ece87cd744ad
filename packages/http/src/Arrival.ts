/** What a request of the framework says of itself. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Arrival } from "./Gatekeeper.ts"

/** Before anything of it is read. */
export const of = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Arrival> =>
  Effect.map(Clock.currentTimeMillis, (time) => ({
    method: request.method,
    url: request.url,
    headers: request.headers,
    address: Option.getOrUndefined(request.remoteAddress),
    time
  }))
