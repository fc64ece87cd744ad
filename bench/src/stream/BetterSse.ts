/** better-sse: a channel of sessions on Node's own server. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createChannel, createSession } from "better-sse"
import { attend, event, published } from "./Peer.ts"

const channel = createChannel()
const server = createServer(async (request, response) => {
  channel.register(await createSession(request, response, { keepAlive: 15_000 }))
})
let seq = 0
server.listen(0, "127.0.0.1", () =>
  attend({ port: (server.address() as AddressInfo).port, headers: {}, path: "/" }, (count) => {
    for (let n = 0; n < count; n++) {
      seq += 1
      published(seq)
      channel.broadcast(JSON.parse(event(seq)), "reconciliation.update", { eventId: String(seq) })
    }
  })
)
