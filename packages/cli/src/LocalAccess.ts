/** The database opened by ourselves: as its one writer for as long as a command takes, or to read alone. */
import { userInfo } from "node:os"
import {
  type AuditEntry,
  AuditLog,
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
import type * as ExitCode from "./ExitCode.ts"
import type { Operator } from "./Operator.ts"
import type { Drivers, Failure } from "./Program.ts"
import * as Services from "./Services.ts"
import type { Settings } from "./Settings.ts"

/** Takes the writer lock for the scope, or fails at once with `DatabaseLocked`. */
export const operator: (
  settings: Settings
) => Effect.Effect<
  Operator,
  Database.DatabaseError | ExitCode.Refused | ServiceRegistry.ServiceInvalid,
  Drivers | Scope.Scope
> = Effect.fn("LocalAccess.operator")(function* (settings) {
  const house = Mithrandir.layer({ services: settings.services.map(Services.define) })
  const context = yield* Layer.build(Layer.provide(house, sqlite(settings.database, "writer")))
  const reconciler = Context.get(context, Reconciler.Reconciler)
  const commands = Context.get(context, Commands.Commands)
  const actor = cliActor()
  const access: Operator = {
    reconcile: ({ accept, service }) =>
      reconciler.run({ ...(service === undefined ? {} : { service }), ...(accept ? { acceptAs: actor } : {}) }),
    run: (request, tell) =>
      Effect.gen(function* () {
        yield* commands.submit(request, actor)
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
