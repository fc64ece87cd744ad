/** Takes the event stream's requests before the framework does: the one path that leaves it, after the gate. */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Api } from "./Api.ts"
import * as Cors from "./Cors.ts"
import { EventHub } from "./EventHub.ts"
import type { Names, Verdict } from "./Gate.ts"
import { type Arrival, Gatekeeper } from "./Gatekeeper.ts"
import * as HangUp from "./HangUp.ts"
import * as KnownServices from "./KnownServices.ts"
import * as Mount from "./Mount.ts"
import * as SafeHeaders from "./SafeHeaders.ts"
import * as Sink from "./Sink.ts"
import { StreamQuery } from "./StreamApi.ts"
import { listenerOf, streamHeaders } from "./StreamHttp.ts"
import { eventStream, path } from "./StreamMessage.ts"

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const nothing = {}
const none: Array<string> = []

const decodeQuery = Schema.decodeUnknownEither(StreamQuery)

/**
 * Whether a request is taken. A fiber that waits for each listener would cost more memory than all else together, and a
 * stream of the framework a hundred times the work. It takes what is plainly a stream that may be opened; everything else,
 * and what cannot be opened after all, is `others`' to answer, who ask the gatekeeper about the same request again.
 */
export const make = (
  names: Names
): Effect.Effect<
  (request: IncomingMessage, response: ServerResponse, others: Handler) => boolean,
  never,
  EventHub | Gatekeeper | ServiceRegistry.ServiceRegistry | Scope.Scope
> =>
  Effect.gen(function* () {
    const hub = yield* EventHub
    const gatekeeper = yield* Gatekeeper
    const registry = yield* ServiceRegistry.ServiceRegistry
    const clock = yield* Effect.clock
    const runFork = yield* FiberSet.makeRuntime()
    const route = Mount.of(Api).route("GET", path)
    const corsFor = Cors.headersFor(names)

    /** A judge of somebody else's may throw what it should not: the framework has an answer to that. */
    const judged = (arrival: Arrival, request: IncomingMessage): Verdict | undefined => {
      try {
        return gatekeeper.admit(arrival, route, request)
      } catch {
        return undefined
      }
    }

    /** What a listener said of itself is known by now, and would be kept, its token too, for as long as it listens. */
    const forget = (request: IncomingMessage): void => {
      request.url = path
      request.headers = nothing
      request.rawHeaders = none
      gatekeeper.forget(request)
    }

    return (request, response, others) => {
      const { headers, method, socket, url = "" } = request
      const [asked = ""] = url.split("?", 1)
      const isPlain = method === "GET" && request.httpVersion === "1.1" && response.socket !== null
      if (asked !== path || !isPlain) return false
      const arrival = {
        method,
        url,
        headers: headers as Readonly<Record<string, string | undefined>>,
        address: socket.remoteAddress,
        time: clock.unsafeCurrentTimeMillis()
      }
      const verdict = judged(arrival, request)
      if (verdict?._tag !== "Admitted") return false
      const query = url.slice(asked.length)
      const params = decodeQuery(HttpServerRequest.searchParamsFromURL(new URL(`http://localhost/${query}`)))
      if (Either.isLeft(params) || !KnownServices.areServed(registry, params.right.service ?? [])) return false

      const begun = hub
        .open({ ...listenerOf(arrival.headers["last-event-id"], params.right), principal: verdict.principal })
        .pipe(
          Effect.map(({ begin, leave }) => {
            HangUp.onClose(response, leave)
            if (response.closed) return
            // What came with it, if anything, is not wanted.
            request.resume()
            response.writeHead(200, {
              "content-type": eventStream,
              ...SafeHeaders.always,
              ...streamHeaders,
              ...corsFor(headers.origin)
            })
            forget(request)
            begin(Sink.toResponse(response))
          }),
          Effect.catchAllCause(() => Effect.sync(() => response.closed || others(request, response)))
        )
      runFork(begun)
      return true
    }
  })
