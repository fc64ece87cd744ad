/** Answers the route of the event stream. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { type Event, ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CurrentPrincipal } from "./Admission.ts"
import * as Arrival from "./Arrival.ts"
import { EventHub } from "./EventHub.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import * as HangUp from "./HangUp.ts"
import * as KnownServices from "./KnownServices.ts"
import type { Mounted } from "./Mount.ts"
import * as Sink from "./Sink.ts"
import type { StreamQuery } from "./StreamApi.ts"
import { eventStream } from "./StreamMessage.ts"

/** Proxies must neither hold a stream back nor change it. */
export const streamHeaders = { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" }

/** An answer that is a stream of events. */
export const respond = (
  bytes: Stream.Stream<Uint8Array>,
  more: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(bytes, { contentType: eventStream, headers: { ...streamHeaders, ...more } })

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirStream", (handlers) =>
    Effect.gen(function* () {
      const hub = yield* EventHub
      const registry = yield* ServiceRegistry.ServiceRegistry
      const gatekeeper = yield* Gatekeeper

      return handlers.handleRaw("open", ({ headers, request, urlParams }) =>
        Effect.gen(function* () {
          if (urlParams.service !== undefined) yield* KnownServices.check(registry, urlParams.service)
          // Whoever asks for the head alone gets what it says of a stream, and none.
          if (request.method === "HEAD") return respond(Stream.empty)
          const principal = yield* CurrentPrincipal
          const { begin, leave } = yield* hub
            .open({ ...listenerOf(headers["last-event-id"], urlParams), principal })
            .pipe(Effect.tapErrorTag("Problem", Arrival.noted(gatekeeper, principal)))
          const response = HangUp.responseTo(request)
          if (response === undefined) {
            const { readable, sink } = Sink.toReadable(leave)
            begin(sink)
            return request.source instanceof Request
              ? HttpServerResponse.raw(readable, { contentType: eventStream, headers: streamHeaders })
              : respond(
                  Stream.orDie(
                    Stream.fromReadableStream(
                      () => readable,
                      () => undefined
                    )
                  )
                )
          }
          HangUp.onClose(response, leave)
          // Nothing comes from this stream itself: the framework has written the head, and waits for the end.
          const taken = Effect.async<void>((resume) => begin(Sink.toResponse(response, () => resume(Effect.void))))
          return respond(Stream.execute(taken))
        }).pipe(
          // Whoever has left by now is noticed when there is a response to close, and not in between.
          Effect.uninterruptible
        )
      )
    })
  )

/** What a listener wants to hear of, and where it left off: an empty id is none, as the standard has it. */
export const listenerOf = (header: string | undefined, { event, lastEventId, service }: StreamQuery) => {
  const filter: Event.EventFilter = {
    ...(service === undefined ? {} : { services: service }),
    ...(event === undefined ? {} : { names: event })
  }
  return { filter, lastEventId: Option.filter(Option.fromNullable(header || lastEventId), (id) => id !== "") }
}
