/** The connection beneath a stream. */
import { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"

/** Answers that wait behind others of their connection, which Node tells nothing of its end. */
const waiting = new WeakMap<Socket, Set<ServerResponse>>()

const waitingOn = (socket: Socket): Set<ServerResponse> => {
  const known = waiting.get(socket)
  if (known !== undefined) return known
  const responses = new Set<ServerResponse>()
  waiting.set(socket, responses)
  socket.once("close", () => {
    for (const response of responses) if (response.socket === null) response.emit("close")
  })
  return responses
}

/**
 * What hangs up on whoever has sent a request: a listener who does not read would never see its stream end. From now on
 * the end of the connection is noticed, too, whatever this answer waits for. Elsewhere than on Node it is let be.
 */
export const hangUpOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<void> => {
  const response: unknown = NodeHttpServerRequest.toServerResponse(request)
  if (!(response instanceof ServerResponse)) return Effect.void
  const { socket } = response.req
  const others = waitingOn(socket)
  others.add(response)
  response.once("close", () => others.delete(response))
  return Effect.sync(() => {
    response.destroy()
    // One that waits has no socket to destroy.
    if (response.socket === null) socket.destroy()
  })
}
