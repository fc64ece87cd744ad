/** The connection beneath a stream. */
import { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"

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

/** The response that answers a request, where Node does. */
export const responseTo = (request: HttpServerRequest.HttpServerRequest): ServerResponse | undefined => {
  const response: unknown = NodeHttpServerRequest.toServerResponse(request)
  return response instanceof ServerResponse ? response : undefined
}

/** Calls back when a response is over, or its connection is, whatever else of that connection it waits for. */
export const onClose = (response: ServerResponse, over: () => void): void => {
  if (response.closed || response.req.socket.destroyed) {
    over()
    return
  }
  response.on("close", over)
  // One that has its connection is told by Node.
  if (response.socket !== null) return
  const others = waitingOn(response.req.socket)
  others.add(response)
  response.once("close", () => others.delete(response))
}

/** Hangs up on whoever waits for a response: a listener who does not read would never see its stream end. */
export const hangUp = (response: ServerResponse): void => {
  const { req, socket } = response
  response.destroy()
  // One that waits has no socket to destroy.
  if (socket === null) req.socket.destroy()
}

/** What hangs up on whoever has sent a request. Elsewhere than on Node it is let be. */
export const of = (request: HttpServerRequest.HttpServerRequest): (() => void) => {
  const response = responseTo(request)
  if (response === undefined) return () => {}
  onClose(response, () => {})
  return () => hangUp(response)
}
