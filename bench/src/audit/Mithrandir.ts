/** The standalone server over a record, with a token. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Database, JobSource, MemorySource, Mithrandir, Store, Tokens } from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import { Limits, Server } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import { attend } from "../stream/Peer.ts"
import { ended } from "./Commands.ts"

const [, , file = ""] = process.argv

const core = Layer.unwrapEffect(
  Effect.map(MemorySource.make, ({ source }) => {
    const service = { id: "alpha", type: "memory", source: Layer.succeed(JobSource.JobSource, source) }
    return Mithrandir.layer({ services: [service] }).pipe(
      Layer.provide(Database.layerSqlite({ filename: file, mode: "writer" })),
      Layer.provide([SqliteNode.layer, NodeContext.layer, NodeHttpClient.layer])
    )
  })
)

const program = Effect.gen(function* () {
  const { text } = yield* (yield* Tokens.Tokens).create({ actor: "dashboard", role: "viewer" }, "bench")
  const store = yield* Store.Store
  const limits = Layer.succeed(Limits.Limits, Limits.defaults)
  const context = yield* Layer.build(Server.layer({ port: 0 }).pipe(Layer.provide(limits)))
  const { port } = yield* Effect.provide(Server.Server, context)
  const run = Runtime.runPromise(yield* Effect.runtime())
  let next = 0
  const append = (count: number) =>
    run(store.commit({ writes: Array.from({ length: count }, () => ended(`new-${++next}`)).flat(), events: [] })).then(
      () => undefined
    )
  attend({ port, headers: { authorization: `Bearer ${Redacted.value(text)}` }, path: "/reconciliation/audit" }, append)
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(Effect.provide(program, core)))
