/** Answers the route of the event stream. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { type Event, ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { CurrentPrincipal } from "./Admission.ts"
import * as Arrival from "./Arrival.ts"
import { EventHub } from "./EventHub.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import { hangUpOf } from "./HangUp.ts"
import * as KnownServices from "./KnownServices.ts"
import type { Mounted } from "./Mount.ts"
import { eventStream, type StreamQuery } from "./StreamApi.ts"

/** Proxies must neither hold a stream back nor change it. */
const headers = { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" }

/** An answer that is a stream of events. */
export const respond = (
  bytes: Stream.Stream<Uint8Array>,
  more: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(bytes, { contentType: eventStream, headers: { ...headers, ...more } })

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
          const principal = yield* CurrentPrincipal
          const listener = {
            filter: filterOf(urlParams),
            lastEventId: lastEventIdOf(headers["last-event-id"], urlParams.lastEventId),
            principal,
            hangUp: hangUpOf(request)
          }
          return respond(yield* Effect.tapErrorTag(hub.open(listener), "Problem", Arrival.noted(gatekeeper, principal)))
        })
      )
    })
  )

const filterOf = ({ event, service }: StreamQuery): Event.EventFilter => ({
  ...(service === undefined ? {} : { services: service }),
  ...(event === undefined ? {} : { names: event })
})

/** An empty one is none: so the standard has it. */
const lastEventIdOf = (header: string | undefined, query: string | undefined): Option.Option<string> =>
  Option.filter(Option.fromNullable(header || query), (id) => id !== "")
