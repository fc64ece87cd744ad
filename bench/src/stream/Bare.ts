/** A loop over Node's sockets that writes one and the same piece to each: what any server in Node costs at least. */
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { attend, event, published } from "./Peer.ts"

const sockets = new Set<Socket>()
const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
  sockets.add(request.socket)
  request.socket.on("close", () => sockets.delete(request.socket))
})
const heartbeat = chunk(":\n\n")
setInterval(() => {
  for (const socket of sockets) socket.write(heartbeat)
}, 15_000)

let seq = 0
server.listen(0, "127.0.0.1", () =>
  attend({ port: (server.address() as AddressInfo).port, headers: {}, path: "/" }, (count) => {
    let text = ""
    for (let n = 0; n < count; n++) {
      seq += 1
      published(seq)
      text += `id: ${seq}\nevent: reconciliation.update\ndata: ${event(seq)}\n\n`
    }
    const bytes = chunk(text)
    for (const socket of sockets) socket.write(bytes)
  })
)

function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
}
