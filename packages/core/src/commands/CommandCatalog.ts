/** Which actions there are, and which of them a service supports. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import {
  ActionNotFound,
  ActionNotSupported,
  ActionType,
  CommandInvalid,
  type CommandRequest
} from "../model/Command.ts"
import { flaw } from "../model/Sensitive.ts"
import type { RegisteredService } from "../services/ServiceRegistry.ts"
import type { Action, Bound } from "./Action.ts"
import { deleteJob, retryJob } from "./JobActions.ts"
import { purgeQueue } from "./PurgeQueue.ts"
import { restartService } from "./RestartService.ts"

/** An action, and the order that a request means by it. */
export interface Resolved {
  /** The action of the request's name. */
  readonly action: Action
  /** What it would do. */
  readonly bound: Bound
}

/** The actions of an application, by name. */
export class CommandCatalog extends Context.Tag("@mithrandir/core/CommandCatalog")<
  CommandCatalog,
  {
    /** The action of this name. */
    readonly get: (actionType: string) => Effect.Effect<Action, ActionNotFound>
    /** What a request means, if the service supports its action, can have its target, and its params fit. */
    readonly resolve: (
      service: RegisteredService,
      request: CommandRequest
    ) => Effect.Effect<Resolved, ActionNotFound | ActionNotSupported | CommandInvalid>
  }
>() {}

/** A catalog cannot have this action. Nothing is started with it: an action that hides another would be found too late. */
export class ActionInvalid extends Schema.TaggedError<ActionInvalid>()("ActionInvalid", {
  /** The name, cut to 64 characters. */
  actionType: Schema.String,
  /** What is wrong with it. */
  problem: Schema.String
}) {
  override get message() {
    return `action ${JSON.stringify(this.actionType)}: ${this.problem}`
  }
}

/** The four of the story. */
export const standard: ReadonlyArray<Action> = [retryJob, deleteJob, purgeQueue, restartService]

/**
 * The actions an application has. Fails with `ActionInvalid` for a name that no request could have, for two of one name
 * (to replace a standard action, leave it out of the list), and for params that cannot be told apart from secrets.
 */
export const layer = (actions: ReadonlyArray<Action> = standard): Layer.Layer<CommandCatalog, ActionInvalid> =>
  Layer.effect(
    CommandCatalog,
    Effect.gen(function* () {
      const byName = new Map<string, Action>()
      for (const action of actions) {
        const problem = problemOf(action, byName)
        if (problem !== undefined) {
          return yield* new ActionInvalid({ actionType: action.actionType.slice(0, 64), problem })
        }
        byName.set(action.actionType, action)
      }

      const get = (actionType: string) => {
        const action = byName.get(actionType)
        return action === undefined
          ? new ActionNotFound({ actionType, known: Array.from(byName.keys()) })
          : Effect.succeed(action)
      }

      const resolve = Effect.fn("CommandCatalog.resolve")(function* (
        service: RegisteredService,
        request: CommandRequest
      ) {
        const action = yield* get(request.actionType)
        if (!(yield* isSupported(action, service))) {
          const supported = yield* Effect.filter(byName.values(), (other) => isSupported(other, service))
          return yield* new ActionNotSupported({
            service: service.id,
            actionType: action.actionType,
            supported: supported.map(({ actionType }) => actionType)
          })
        }
        const { commandId: key, params = {}, target } = request
        if (action.touches === "job" && service.source.isJobId?.(target) === false) {
          return yield* new CommandInvalid({ path: "target", problem: `no job of "${service.id}" can have this id` })
        }
        const bound = yield* action.bind({ service: service.id, source: service.source, target, params, key })
        return { action, bound }
      })

      return CommandCatalog.of({ get, resolve })
    })
  )

/** One that throws supports nothing: whoever asked for another action is not to hear of it. */
const isSupported = (action: Action, service: RegisteredService): Effect.Effect<boolean> =>
  Effect.catchAllDefect(
    Effect.sync(() => action.isSupported(service)),
    (defect) => Effect.as(Effect.logError(`isSupported of ${action.actionType} threw`, Cause.die(defect)), false)
  )

const problemOf = ({ actionType, params }: Action, others: ReadonlyMap<string, Action>): string | undefined => {
  if (!Schema.is(ActionType)(actionType)) return "its name must have 1 to 64 characters"
  if (others.has(actionType)) return "its name is taken by another action; leave one of the two out"
  // Without it nothing could be kept from what is written down.
  const unreadable = flaw(params)
  return unreadable === undefined ? undefined : `what of its params is sensitive cannot be told: ${unreadable}`
}
