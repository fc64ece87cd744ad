/** The whole house: what an embedder, the server and the terminal all provide. */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as AuditLog from "./audit/AuditLog.ts"
import type { Action } from "./commands/Action.ts"
import * as CommandCatalog from "./commands/CommandCatalog.ts"
import * as CommandDispatcher from "./commands/CommandDispatcher.ts"
import * as CommandJournal from "./commands/CommandJournal.ts"
import * as CommandRunner from "./commands/CommandRunner.ts"
import * as Commands from "./commands/Commands.ts"
import * as InFlight from "./commands/InFlight.ts"
import * as EventLog from "./events/EventLog.ts"
import * as ExpectedState from "./ledger/ExpectedState.ts"
import * as Ledger from "./ledger/Ledger.ts"
import * as DiscrepancyLog from "./reconciliation/DiscrepancyLog.ts"
import * as Reconciler from "./reconciliation/Reconciler.ts"
import * as SecurityLog from "./security/SecurityLog.ts"
import * as Tokens from "./security/Tokens.ts"
import * as HealthMonitor from "./services/HealthMonitor.ts"
import * as Loop from "./services/Loop.ts"
import * as ServiceRegistry from "./services/ServiceRegistry.ts"
import type { UrlRefused } from "./sources/Egress.ts"
import type { Database, DatabaseError } from "./storage/Database.ts"
import * as Store from "./storage/Store.ts"

/** What there is to use. */
export type Mithrandir =
  | AuditLog.AuditLog
  | Commands.Commands
  | DiscrepancyLog.DiscrepancyLog
  | EventLog.EventLog
  | HealthMonitor.HealthMonitor
  | Reconciler.Reconciler
  | SecurityLog.SecurityLog
  | ServiceRegistry.ServiceRegistry
  | Store.Store
  | Tokens.Tokens

/** What an application brings. `E` and `R`: of its sources; `E2` and `R2`: of its expected side. */
export interface Options<E, R, E2 = never, R2 = never> {
  /** The job systems to look at. */
  readonly services: ReadonlyArray<ServiceRegistry.ServiceDefinition<E, R>>
  /** What can be done to them. Default: the four of the story, `CommandCatalog.standard`; to add one, name them too. */
  readonly actions?: ReadonlyArray<Action>
  /**
   * Where the expected side of a service comes from. Default: from the ledger, as for every service that this one
   * does not know.
   */
  readonly expected?: Layer.Layer<ExpectedState.ExpectedState, E2, R2>
}

/**
 * Every service, ready to be asked. It neither polls nor recovers: nothing happens that nobody asked for. That is
 * what one-off runs want; a server adds `layerDaemon`.
 */
export const layer = <E, R, E2 = never, R2 = never>(
  options: Options<E, R, E2, R2>
): Layer.Layer<
  Mithrandir,
  | Exclude<E, UrlRefused>
  | E2
  | DatabaseError
  | Store.StoreUnreadable
  | ServiceRegistry.ServiceInvalid
  | CommandCatalog.ActionInvalid,
  Exclude<R | R2, Store.Store> | Database | HttpClient.HttpClient
> => {
  const expected: Layer.Layer<ExpectedState.ExpectedState, E2, R2> = options.expected ?? ExpectedState.layerLedger
  const logs = Layer.mergeAll(AuditLog.layer, DiscrepancyLog.layer, EventLog.layer, SecurityLog.layer, Tokens.layer)
  const services = Layer.provideMerge(HealthMonitor.layer, ServiceRegistry.layer(options.services))
  const journal = Layer.merge(CommandJournal.layer, CommandCatalog.layer(options.actions))
  const state = Layer.provideMerge(InFlight.layer, Layer.provideMerge(journal, Layer.merge(Ledger.layer, expected)))
  const commands = Commands.layer.pipe(
    Layer.provide(CommandDispatcher.layerInProcess),
    Layer.provide(CommandRunner.layer)
  )
  return Layer.merge(commands, Reconciler.layer).pipe(
    Layer.provide(state),
    Layer.provideMerge(Layer.merge(services, logs)),
    Layer.provideMerge(Store.layer)
  )
}

/** Often enough that events beyond their time are few, rarely enough to cost nothing. */
const pruneInterval = Duration.minutes(1)

/**
 * What goes on by itself, for as long as the layer lives, from the moment this process is the writer: services are
 * registered, commands that a crash left behind are finished, every service is polled and probed, what happens at the
 * doors is written, events are pruned.
 */
export const layerDaemon: Layer.Layer<
  never,
  never,
  | Commands.Commands
  | EventLog.EventLog
  | HealthMonitor.HealthMonitor
  | Reconciler.Reconciler
  | SecurityLog.SecurityLog
  | ServiceRegistry.ServiceRegistry
  | Store.Store
> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const commands = yield* Commands.Commands
    const events = yield* EventLog.EventLog
    const health = yield* HealthMonitor.HealthMonitor
    const reconciler = yield* Reconciler.Reconciler
    const registry = yield* ServiceRegistry.ServiceRegistry
    const security = yield* SecurityLog.SecurityLog
    const store = yield* Store.Store

    const prune = Effect.zipRight(events.prune, security.prune).pipe(
      Effect.catchAllCause((cause) => Effect.logError("events could not be pruned", cause)),
      Effect.repeat(Schedule.spaced(pruneInterval))
    )
    const flush = security.flush.pipe(
      Effect.catchAllCause((cause) => Effect.logError("security events could not be written yet", cause)),
      Effect.repeat(Schedule.spaced(SecurityLog.flushInterval))
    )
    // Once the daemon has ended: what happened since it last wrote.
    yield* Effect.addFinalizer(() => Effect.ignore(security.drain))
    const goOn = Effect.gen(function* () {
      yield* store.gained
      yield* Loop.untilDone("registering the services", registry.register)
      yield* Loop.untilDone("taking up what was left unfinished", commands.recover)
      const loops = [
        Loop.keep("polling", reconciler.poll),
        Loop.keep("probing", health.poll),
        Loop.keep("pruning", prune),
        Loop.keep("writing security events", flush)
      ]
      yield* Effect.all(loops, { concurrency: "unbounded" })
    })
    yield* Effect.forkScoped(goOn.pipe(Effect.tapErrorCause((cause) => Effect.logError("the daemon stopped", cause))))
  })
)
