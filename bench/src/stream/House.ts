/** What both ways of serving have in common: a database, a token, and events that are committed before anybody hears of them. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  Database,
  type EventLog,
  JobSource,
  MemorySource,
  Mithrandir,
  ServiceRegistry,
  Store,
  Tokens
} from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import { type Http, Limits } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { attend, event, published } from "./Peer.ts"

/** As many streams as anybody wants. */
export const limits = Layer.succeed(Limits.Limits, { ...Limits.defaults, streams: 20_000, streamsPerActor: 20_000 })

/** What is there for a server to stand on. */
export type Core = Http.Core | EventLog.EventLog

/** Serves with what `listen` listens with, which gives its port. */
export const serve = (listen: Effect.Effect<number, unknown, Core | Scope.Scope>): void => {
  const directory = mkdtempSync(join(tmpdir(), "mithrandir-bench-"))
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }))

  const program = Effect.gen(function* () {
    yield* (yield* ServiceRegistry.ServiceRegistry).register
    const { text } = yield* (yield* Tokens.Tokens).create({ actor: "dashboard", role: "viewer" }, "bench")
    const store = yield* Store.Store
    const port = yield* listen
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
    attend({ port, headers, path: "/reconciliation/stream?service=alpha&event=reconciliation.update" }, publish)
    return yield* Effect.never
  })

  const core = Layer.unwrapEffect(
    Effect.map(MemorySource.make, ({ source }) => {
      const service = { id: "alpha", type: "memory", source: Layer.succeed(JobSource.JobSource, source) }
      return Mithrandir.layer({ services: [service] }).pipe(
        Layer.provide(Database.layerSqlite({ filename: join(directory, "bench.db"), mode: "writer" })),
        Layer.provide([SqliteNode.layer, NodeContext.layer, NodeHttpClient.layer])
      )
    })
  )
  Effect.runFork(Effect.scoped(Effect.provide(program, core)))
}
