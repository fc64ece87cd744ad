/** What the gate is told of a request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Option from "effect/Option"
import type { Knock } from "./Gate.ts"

/** What a request says of itself, before anything of it is read. */
export const of = (request: HttpServerRequest.HttpServerRequest): Knock => ({
  method: request.method,
  url: request.url,
  headers: request.headers,
  address: Option.getOrUndefined(request.remoteAddress)
})
