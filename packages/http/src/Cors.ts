/** Pages of other origins, where some are configured: what browsers ask before they let them in. */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Arrival from "./Arrival.ts"
import { type Names, stranger } from "./Gate.ts"
import * as SafeHeaders from "./SafeHeaders.ts"

/** How long, in seconds, a browser may go by an answer: two hours are the most that any does. */
const maxAge = 7_200

const exposed = ["content-disposition", "etag", "location", "preference-applied", "retry-after"]

/** What an answer says to a page of an allowed origin, where the framework does not write it. */
export const headersFor = ({
  origins = []
}: Names): ((origin: string | undefined) => Readonly<Record<string, string>>) => {
  const allowed = new Set(origins)
  return (origin) =>
    origin === undefined || !allowed.has(origin)
      ? {}
      : {
          "access-control-allow-origin": origin,
          "access-control-expose-headers": exposed.join(","),
          vary: "Origin"
        }
}

/**
 * Lets pages of the configured origins read answers, compared exactly, without cookies: they bring a token. A preflight is
 * answered before the gate, which would ask it for one; like everything else it has to name this server. Without origins
 * nothing is said to anybody, and browsers let no page in.
 */
export const middleware = (names: Names): HttpMiddleware.HttpMiddleware => {
  const { origins = [] } = names
  const allowed = new Set(origins)
  if (allowed.size === 0) return (app) => app
  const strange = stranger(names)
  const cors = HttpMiddleware.cors({
    allowedOrigins: (origin) => allowed.has(origin),
    allowedMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowedHeaders: ["authorization", "content-type", "if-none-match", "last-event-id", "prefer"],
    exposedHeaders: exposed,
    maxAge
  })
  return HttpMiddleware.make((app) => {
    const shared = cors(app)
    return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.flatMap(Arrival.of(request), (arrival) => {
        const { origin, "access-control-request-method": wanted } = arrival.headers
        if (origin === undefined || !allowed.has(origin)) return app
        if (arrival.method !== "OPTIONS") return shared
        // What only asks is answered here; `OPTIONS` by itself is no method of ours, and refused as any other.
        const isOurs = strange({ ...arrival, permission: undefined, holder: undefined }) === undefined
        return wanted !== undefined && isOurs ? Effect.map(shared, SafeHeaders.add) : app
      })
    )
  })
}
