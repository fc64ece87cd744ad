/** Which of a server's connections are in use, so that its end need not wait for those that are not. */
import type * as NodeHttp from "node:http"
import type * as Net from "node:net"

/** The connections of one server. */
export interface Connections {
  /** Cuts every connection without a request in flight, those that never sent one among them. */
  readonly cutUnused: () => void
}

/** Looks on from now on. Node by itself tells idle connections only where a request was answered before. */
export const track = (server: NodeHttp.Server): Connections => {
  const requests = new Map<Net.Socket, number>()
  const count = (socket: Net.Socket, by: 1 | -1) => {
    const known = requests.get(socket)
    if (known !== undefined) requests.set(socket, known + by)
  }
  server.on("connection", (socket: Net.Socket) => {
    requests.set(socket, 0)
    socket.once("close", () => requests.delete(socket))
  })
  server.on("request", ({ socket }, response) => {
    count(socket, 1)
    response.once("close", () => count(socket, -1))
  })
  return {
    cutUnused: () => {
      for (const [socket, inFlight] of requests) if (inFlight === 0) socket.destroy()
    }
  }
}
