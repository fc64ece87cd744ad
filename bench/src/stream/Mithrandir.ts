/** The server as it is: a database, tokens, the gate, and events that are committed before anybody hears of them. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Database, JobSource, MemorySource, Mithrandir, ServiceRegistry, Store, Tokens } from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import { Limits, Server } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import { attend, event, published } from "./Peer.ts"

const directory = mkdtempSync(join(tmpdir(), "mithrandir-bench-"))
process.on("exit", () => rmSync(directory, { recursive: true, force: true }))

const program = Effect.gen(function* () {
  const memory = yield* MemorySource.make
  const service = { id: "alpha", type: "memory", source: Layer.succeed(JobSource.JobSource, memory.source) }
  const core = Mithrandir.layer({ services: [service] }).pipe(
    Layer.provide(Database.layerSqlite({ filename: join(directory, "bench.db"), mode: "writer" })),
    Layer.provide([SqliteNode.layer, NodeContext.layer, NodeHttpClient.layer])
  )
  const server = Server.layer({ port: 0 }).pipe(
    Layer.provide(Layer.succeed(Limits.Limits, { ...Limits.defaults, streams: 20_000, streamsPerActor: 20_000 }))
  )
  const started = Effect.gen(function* () {
    yield* (yield* ServiceRegistry.ServiceRegistry).register
    const tokens = yield* Tokens.Tokens
    const { text } = yield* tokens.create({ actor: "dashboard", role: "viewer" }, "bench")
    const store = yield* Store.Store
    const { port } = yield* Server.Server
    const run = Runtime.runPromise(yield* Effect.runtime())
    let seq = 0
    const publish = (count: number) => {
      const events = Array.from({ length: count }, () => {
        return { name: "reconciliation.update" as const, service: "alpha", subject: "alpha", data: event(++seq) }
      })
      const first = seq - count + 1
      return run(
        Effect.map(store.commit({ writes: [], events }), () => {
          for (let n = first; n < first + count; n++) published(n)
        })
      )
    }
    const headers = { authorization: `Bearer ${Redacted.value(text)}` }
    const path = "/reconciliation/stream?service=alpha&event=reconciliation.update"
    attend({ port, headers, path }, publish)
    return yield* Effect.never
  })
  yield* Effect.provide(started, Layer.provideMerge(server, core))
})

Effect.runFork(Effect.scoped(program))
