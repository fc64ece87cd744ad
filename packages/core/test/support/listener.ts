/** Somebody to ask over HTTP, who answers as a test says. */
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"

/** A bare server on loopback, for the scope; gives its url, what it was asked, and itself. */
export const listener = (answer: RequestListener) =>
  Effect.gen(function* () {
    const requests: Array<IncomingMessage> = []
    const server = createServer((request, response) => {
      requests.push(request)
      answer(request, response)
    })
    yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close().closeAllConnections()))
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server }
  })
