/** Answers the route of the event stream. */
import { ServerResponse } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type Event, ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { Api } from "./Api.ts"
import { EventHub } from "./EventHub.ts"
import * as Problem from "./Problem.ts"
import { eventStream, type StreamQuery } from "./StreamApi.ts"

/** Proxies must neither hold a stream back nor change it. */
const headers = { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" }

export const respond = (
  bytes: Stream.Stream<Uint8Array>,
  more: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(bytes, { contentType: eventStream, headers: { ...headers, ...more } })

export const layer = HttpApiBuilder.group(Api, "stream", (handlers) =>
  Effect.gen(function* () {
    const hub = yield* EventHub
    const registry = yield* ServiceRegistry.ServiceRegistry

    /** Retired services count: what they did is still in the log, and a client that reconnects must not fail. */
    const checkServices = Effect.fn("StreamHttp.checkServices")(function* (wanted: ReadonlyArray<string>) {
      if (wanted.every((id) => registry.all.some((service) => service.id === id))) return
      const registered = yield* registry.registrations
      const known = new Set([...registry.all, ...registered].map(({ id }) => id))
      const unknown = wanted.find((id) => !known.has(id))
      if (unknown === undefined) return
      const problem = `no service "${unknown}" was ever registered; known: ${Array.from(known).join(", ")}`
      return yield* Problem.invalid("service", problem)
    })

    return handlers.handleRaw("open", ({ headers, request, urlParams }) =>
      Effect.gen(function* () {
        if (urlParams.service !== undefined) yield* checkServices(urlParams.service)
        const bytes = yield* hub.open({
          filter: filterOf(urlParams),
          lastEventId: lastEventIdOf(headers["last-event-id"], urlParams.lastEventId),
          hangUp: hangUpOf(request)
        })
        return respond(bytes)
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

/** A listener who does not read would never see its stream end: the socket goes. Elsewhere than on Node it is let be. */
const hangUpOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<void> =>
  Effect.sync(() => {
    const response: unknown = NodeHttpServerRequest.toServerResponse(request)
    if (response instanceof ServerResponse) response.destroy()
  })
