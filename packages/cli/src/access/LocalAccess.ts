/** The database opened by ourselves: as its one writer for as long as a command takes, or to read alone. */
import { userInfo } from "node:os"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import {
  AuditVerifier,
  Command,
  type CommandCatalog,
  Commands,
  Database,
  HealthMonitor,
  Mithrandir,
  Reconciler,
  ServiceRegistry,
  Store,
  Tokens
} from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ServiceConfig } from "../config/ServiceEntry.ts"
import * as Services from "../config/Services.ts"
import type { Drivers, Failure } from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import type { ListedService } from "../output/ServiceList.ts"
import type { Keeper } from "./Keeper.ts"
import type { Operator } from "./Operator.ts"
import * as Reader from "./Reader.ts"

/** Takes the writer lock of a database for the scope, or fails at once with `DatabaseLocked`. */
export const operator: (
  database: string,
  services: ReadonlyArray<ServiceConfig>
) => Effect.Effect<
  Operator,
  | CommandCatalog.ActionInvalid
  | Database.DatabaseError
  | ExitCode.Refused
  | ServiceRegistry.ServiceInvalid
  | Store.StoreUnreadable,
  Drivers | Scope.Scope
> = Effect.fn("LocalAccess.operator")(function* (database, services) {
  const house = Mithrandir.layer({ services: services.map(Services.define) })
  const context = yield* Layer.build(Layer.provide(house, sqlite(database, "writer")))
  const reconciler = Context.get(context, Reconciler.Reconciler)
  const commands = Context.get(context, Commands.Commands)
  const actor = cliActor()
  // Whoever is the writer finishes what a process left behind that died.
  yield* commands.recover
  const access: Operator = {
    reconcile: ({ accept, service }) =>
      reconciler.run({ ...(service === undefined ? {} : { service }), ...(accept ? { acceptAs: actor } : {}) }),
    accept: () =>
      new ExitCode.Refused({
        code: ExitCode.usage,
        problem: "--wait none needs a server, where the command goes on: without one it runs in this process"
      }),
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
export const reader = (database: string): Effect.Effect<Reader.Reader, Failure, Drivers | Scope.Scope> =>
  Reader.ofDatabase(sqlite(database, "reader"))

/** What verifies the record, beside whoever writes it. */
export const verifier = (
  database: string
): Effect.Effect<Context.Tag.Service<AuditVerifier.AuditVerifier>, Failure, Drivers | Scope.Scope> =>
  Effect.map(
    Layer.build(AuditVerifier.layer.pipe(Layer.provide(Store.layer), Layer.provide(sqlite(database, "reader")))),
    (context) => Context.get(context, AuditVerifier.AuditVerifier)
  )

/** Takes the writer lock of a database for the scope, without any service, or fails at once with `DatabaseLocked`. */
export const keeper = (
  database: string
): Effect.Effect<Keeper, Database.DatabaseError | Store.StoreUnreadable, Drivers | Scope.Scope> =>
  Effect.map(
    Layer.build(Tokens.layer.pipe(Layer.provide(Store.layer), Layer.provide(sqlite(database, "writer")))),
    (context) => {
      const tokens = Context.get(context, Tokens.Tokens)
      const actor = cliActor()
      return { create: (request) => tokens.create(request, actor), revoke: (id) => tokens.revoke(id, actor) }
    }
  )

/** What a command would find, were it sent now. Writes nothing, and is nobody's way: the writer may be another. */
export const preview = (
  database: string,
  services: ReadonlyArray<ServiceConfig>,
  request: Command.CommandRequest
): Effect.Effect<Command.Preview, Failure, Drivers> =>
  Effect.scoped(
    Effect.flatMap(beside(database, services), (house) => Context.get(house, Commands.Commands).preview(request))
  )

/** The services of the config, probed now, and those that left it, as the database remembers them. */
export const services = (
  database: string,
  configured: ReadonlyArray<ServiceConfig>
): Effect.Effect<ReadonlyArray<ListedService>, Failure, Drivers> =>
  Effect.gen(function* () {
    const health = Context.get(yield* beside(database, configured), HealthMonitor.HealthMonitor)
    yield* health.probe
    const registered = new Map((yield* health.services).map((service) => [service.id, service]))
    const current: Array<ListedService> = []
    for (const shown of configured.map((service) => ServiceRegistry.shown(Services.define(service)))) {
      const registeredAt = registered.get(shown.id)?.registeredAt ?? null
      current.push({ ...shown, registeredAt, health: yield* health.health(shown.id) })
      registered.delete(shown.id)
    }
    // In the order that a server has.
    return [...current, ...Array.from(registered.values(), (service) => ({ ...service, retired: true as const }))].sort(
      (a, b) => (a.id < b.id ? -1 : 1)
    )
  }).pipe(Effect.scoped)

/** A house that writes nothing; where there is no database yet, with an empty one that goes when we go. */
const beside = (database: string, services: ReadonlyArray<ServiceConfig>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const exists = yield* fs.exists(database).pipe(Effect.orElseSucceed(() => true))
    const layer = exists ? sqlite(database, "reader") : sqlite(yield* emptyDatabase, "writer")
    return yield* Layer.build(Layer.provide(Mithrandir.layer({ services: services.map(Services.define) }), layer))
  })

const emptyDatabase = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "mithrandir-" })
  return (yield* Path.Path).join(directory, "empty.db")
}).pipe(
  Effect.mapError(
    () => new ExitCode.Refused({ code: ExitCode.failed, problem: "no temporary directory could be made" })
  )
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
