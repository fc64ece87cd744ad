/** @fastify/sse: what its users write, a set of replies and a loop over them. */
import type { AddressInfo } from "node:net"
import { fastifySSE } from "@fastify/sse"
import fastify, { type FastifyReply } from "fastify"
import { attend, event, published } from "./Peer.ts"

const app = fastify()
await app.register(fastifySSE, { heartbeatInterval: 15_000 })
const replies = new Set<FastifyReply>()
app.get("/", { sse: true }, async (_, reply) => {
  reply.sse.keepAlive()
  reply.sse.sendHeaders()
  // Which otherwise leave with the first event.
  reply.raw.flushHeaders()
  replies.add(reply)
  reply.sse.onClose(() => replies.delete(reply))
})
await app.listen({ port: 0, host: "127.0.0.1" })
const [{ port }] = app.addresses() as [AddressInfo]
let seq = 0
attend({ port, headers: {}, path: "/" }, (count) => {
  for (let n = 0; n < count; n++) {
    seq += 1
    const message = { id: String(seq), event: "reconciliation.update", data: JSON.parse(event(seq)) }
    published(seq)
    for (const reply of replies) void reply.sse.send(message)
  }
})
