/** The database opened by ourselves: as its one writer for as long as a command takes, or to read alone. */
import { userInfo } from "node:os"
import {
  type AuditEntry,
  AuditLog,
  Command,
  type CommandCatalog,
  Commands,
  Database,
  Mithrandir,
  type Page,
  Reconciler,
  type ServiceRegistry,
  Store
} from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ServiceConfig } from "./Config.ts"
import * as ExitCode from "./ExitCode.ts"
import type { Operator } from "./Operator.ts"
import type { Drivers, Failure } from "./Program.ts"
import * as Services from "./Services.ts"

/** Takes the writer lock of a database for the scope, or fails at once with `DatabaseLocked`. */
export const operator: (
  database: string,
  services: ReadonlyArray<ServiceConfig>
) => Effect.Effect<
  Operator,
  CommandCatalog.ActionInvalid | Database.DatabaseError | ExitCode.Refused | ServiceRegistry.ServiceInvalid,
  Drivers | Scope.Scope
> = Effect.fn("LocalAccess.operator")(function* (database, services) {
  const house = Mithrandir.layer({ services: services.map(Services.define) })
  const context = yield* Layer.build(Layer.provide(house, sqlite(database, "writer")))
  const reconciler = Context.get(context, Reconciler.Reconciler)
  const commands = Context.get(context, Commands.Commands)
  const actor = cliActor()
  // Whoever is the writer finishes what a process left behind that died.
  yield* Effect.catchTag(
    commands.recover,
    "StoreUnreadable",
    ({ message }) => new ExitCode.Refused({ code: ExitCode.failed, problem: message })
  )
  const access: Operator = {
    reconcile: ({ accept, service }) =>
      reconciler.run({ ...(service === undefined ? {} : { service }), ...(accept ? { acceptAs: actor } : {}) }),
    run: (request, tell, endedBefore) =>
      Effect.gen(function* () {
        const { replayed, state } = yield* commands.submit(request, actor)
        if (replayed && Command.isEnd(state.phase)) yield* endedBefore
        yield* Stream.runForEach(commands.follow(request.commandId), tell)
        return yield* commands.get(request.commandId)
      })
  }
  return access
})

/** Reads beside whoever writes. */
export const audit = (
  database: string,
  query: AuditLog.AuditQuery
): Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Failure, Drivers> =>
  Effect.flatMap(AuditLog.AuditLog, (log) => log.page(query)).pipe(
    Effect.provide(AuditLog.layer.pipe(Layer.provide(Store.layer), Layer.provide(sqlite(database, "reader"))))
  )

const sqlite = (filename: string, mode: Database.Mode) => Database.layerSqlite({ filename, mode })

/** Whoever runs this program, for the record. Some containers have users without names. */
const cliActor = (): string => {
  try {
    return `cli:${userInfo().username}`
  } catch {
    return `cli:${process.getuid?.() ?? "unknown"}`
  }
}
