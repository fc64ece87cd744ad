/** Which actions there are, and which of them a service supports. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { ActionNotFound, ActionNotSupported, type CommandInvalid, invalid, type Params } from "../model/Command.ts"
import type { RegisteredService } from "../services/ServiceRegistry.ts"
import type { Action } from "./Action.ts"
import { deleteJob, retryJob } from "./JobActions.ts"
import { purgeQueue } from "./PurgeQueue.ts"
import { restartService } from "./RestartService.ts"

export class CommandCatalog extends Context.Tag("@mithrandir/core/CommandCatalog")<
  CommandCatalog,
  {
    readonly get: (actionType: string) => Effect.Effect<Action, ActionNotFound>
    /** The action of this name, if the service supports it and the params fit it. */
    readonly resolve: (
      service: RegisteredService,
      request: { readonly actionType: string; readonly params: Params }
    ) => Effect.Effect<Action, ActionNotFound | ActionNotSupported | CommandInvalid>
  }
>() {}

/** The four of the story. */
export const standard: ReadonlyArray<Action> = [retryJob, deleteJob, purgeQueue, restartService]

/** The actions an application has. Of two with one name the later counts. */
export const layer = (actions: ReadonlyArray<Action> = standard): Layer.Layer<CommandCatalog> =>
  Layer.sync(CommandCatalog, () => {
    const byName = new Map(actions.map((action) => [action.actionType, action]))

    const get = (actionType: string) => {
      const action = byName.get(actionType)
      return action === undefined
        ? new ActionNotFound({ actionType, known: Array.from(byName.keys()) })
        : Effect.succeed(action)
    }

    const resolve = Effect.fn("CommandCatalog.resolve")(function* (
      service: RegisteredService,
      request: { readonly actionType: string; readonly params: Params }
    ) {
      const action = yield* get(request.actionType)
      if (!action.isSupported(service.source)) {
        const supported = Array.from(byName.values()).filter(({ isSupported }) => isSupported(service.source))
        return yield* new ActionNotSupported({
          service: service.id,
          actionType: action.actionType,
          supported: supported.map(({ actionType }) => actionType)
        })
      }
      yield* Schema.decode(action.params, { onExcessProperty: "error" })(request.params).pipe(
        Effect.mapError(invalid("params"))
      )
      return action
    })

    return CommandCatalog.of({ get, resolve })
  })
