/** Mithrandir, looking after a job system in memory. In earnest it would be BullMQ or Palantir. */
import * as Reactivity from "@effect/experimental/Reactivity"
import { NodeContext, NodeHttpClient } from "@effect/platform-node"
import { SqliteClient } from "@effect/sql-sqlite-node"
import {
  type CommandCatalog,
  Database,
  JobSource,
  MemorySource,
  Mithrandir,
  type ServiceRegistry,
  type Store
} from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const SqliteDriver = Layer.succeed(Database.SqliteDriver, {
  open: (options) => Effect.provide(SqliteClient.make(options), Reactivity.layer)
})

const mail = Effect.gen(function* () {
  const { control, source } = yield* MemorySource.make
  yield* control.put(
    { id: "mail-1", queue: "mail", state: "failed" },
    { id: "mail-2", queue: "mail" },
    { id: "mail-3", queue: "mail", state: "active" }
  )
  return source
})

/** Polls, recovers and runs commands for as long as it lives. Keeps its records in the file. */
export const layer = (
  filename: string
): Layer.Layer<
  Mithrandir.Mithrandir,
  CommandCatalog.ActionInvalid | Database.DatabaseError | ServiceRegistry.ServiceInvalid | Store.StoreUnreadable
> =>
  Layer.provideMerge(
    Mithrandir.layerDaemon,
    Mithrandir.layer({
      services: [{ id: "mail", type: "memory", source: Layer.effect(JobSource.JobSource, mail) }]
    })
  ).pipe(
    Layer.provide(Database.layerSqlite({ filename, mode: "writer" })),
    Layer.provide([SqliteDriver, NodeContext.layer, NodeHttpClient.layer])
  )
