/** Mithrandir, looking after a job system in memory. In earnest it would be BullMQ or Palantir. */
import { NodeContext, NodeHttpClient } from "@effect/platform-node"
import {
  type CommandCatalog,
  Database,
  JobSource,
  MemorySource,
  Mithrandir,
  type ServiceRegistry,
  type Store
} from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

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
    Layer.provide([SqliteNode.layer, NodeContext.layer, NodeHttpClient.layer])
  )
