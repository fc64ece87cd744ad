/** The typed client as programs have it, with every answer held against the OpenAPI document. */
import * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientRequest } from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Client } from "../../src/index.ts"
import { type Answered, check } from "./document.ts"
import { reader } from "./fetch.ts"

/** A client of a server of ours. `note` is told of every answer, of a stream with each piece of it. */
export const clientOf = (url: string, options: Client.Access = {}, note: (answered: Answered) => void = () => {}) =>
  Effect.gen(function* () {
    const http = held(yield* HttpClient.HttpClient, (answered) => {
      check(answered)
      note(answered)
    })
    return yield* Effect.provideService(Client.make(url, options), HttpClient.HttpClient, http)
  }).pipe(Effect.provide(NodeHttpClient.layer))

/** A client of whatever is there, which may be none of ours. */
export const strangerOf = (url: string) => Effect.provide(Client.make(url), NodeHttpClient.layer)

const held = (http: HttpClient.HttpClient, hold: (answered: Answered) => void): HttpClient.HttpClient =>
  HttpClient.transform(http, (answer, request) =>
    Effect.flatMap(answer, (response) =>
      response.headers["content-type"]?.startsWith("text/event-stream") === true
        ? Effect.succeed(streamed(response, (text) => hold(answered(request, response, text))))
        : Effect.map(response.arrayBuffer, (body) => {
            hold(answered(request, response, Buffer.from(body).toString()))
            const { headers, status } = response
            return HttpClientResponse.fromWeb(
              request,
              new Response(body.byteLength === 0 ? null : body, { status, headers })
            )
          })
    )
  )

const answered = (
  { method, url }: HttpClientRequest,
  { headers, status }: HttpClientResponse.HttpClientResponse,
  text: string
): Answered => ({ method, url, status, headers, text })

/** Held piece by piece: what is wrong ends the stream. Through the prototype, since most of a response are getters. */
const streamed = (
  response: HttpClientResponse.HttpClientResponse,
  hold: (text: string) => void
): HttpClientResponse.HttpClientResponse => {
  const piecesOf = reader()
  const stream = Stream.tap(response.stream, (bytes) => Effect.sync(() => hold(piecesOf(bytes))))
  return Object.create(response, { stream: { value: stream } })
}
