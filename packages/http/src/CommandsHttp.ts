/** Answers the routes of commands. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Command, Commands } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CurrentPrincipal } from "./Admission.ts"
import { Api } from "./Api.ts"
import * as CommandsApi from "./CommandsApi.ts"
import { EventHub } from "./EventHub.ts"
import { eventStream } from "./StreamApi.ts"
import { respond } from "./StreamHttp.ts"

export const layer = HttpApiBuilder.group(Api, "commands", (handlers) =>
  Effect.gen(function* () {
    const commands = yield* Commands.Commands
    const hub = yield* EventHub
    return handlers
      .handle("run", ({ payload, request }) =>
        Effect.gen(function* () {
          const { actor } = yield* CurrentPrincipal
          const { replayed, state } = yield* commands.submit(payload, actor)
          const location = { location: locationOf(request.originalUrl, state.commandId) }
          if (wantsEvents(request.headers.accept)) return respond(hub.ofCommand(state), location)
          const { commandId, phase, service } = state
          const schema = replayed && Command.isEnd(phase) ? CommandsApi.Ended : CommandsApi.Accepted
          return HttpServerResponse.unsafeJson(Schema.encodeSync(schema)({ commandId, service, phase, replayed }), {
            status: HttpApiSchema.getStatusSuccess(schema),
            headers: location
          })
        })
      )
      .handle("get", ({ path: { commandId } }) => commands.get(commandId))
  })
)

/** Beside the path that was asked for, wherever this API is mounted. */
const locationOf = (url: string, commandId: string): string =>
  new URL(url, "http://localhost").pathname.replace(/run\/?$/, commandId)

/** Whether a client names event streams among what it accepts. `*` alone is no wish for one. */
const wantsEvents = (accept = ""): boolean =>
  accept
    .toLowerCase()
    .split(",")
    .map((range) => range.split(";").map((part) => part.trim()))
    .some(([type, ...parameters]) => type === eventStream && !parameters.some((part) => /^q=0(\.0*)?$/.test(part)))
