/** The routes of commands, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Command, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { JsonBody } from "./JsonBody.ts"
import * as Problem from "./Problem.ts"
import { eventStream } from "./StreamApi.ts"

/** The command is in the journal. `replayed`: it already was, and nothing was started. */
const accepted = Schema.Struct({
  commandId: Command.CommandId,
  service: Service.ServiceId,
  phase: Command.Phase,
  replayed: Schema.Boolean
}).annotations({ identifier: "Accepted" })

/** 200 for one that has ended, 202 for one that has not. */
export const Ended = accepted.annotations(HttpApiSchema.annotations({ status: 200 }))
export const Accepted = accepted.annotations(HttpApiSchema.annotations({ status: 202 }))
export type Accepted = typeof Accepted.Type

const Request = Command.CommandRequest.annotations({
  parseOptions: { errors: "all", onExcessProperty: "error" },
  message: Problem.anObject
})

export class CommandsApi extends HttpApiGroup.make("commands")
  .add(
    HttpApiEndpoint.post("run", "/commands/run")
      .setPayload(Request)
      .addSuccess(Accepted)
      .addSuccess(Ended)
      // With `Accept: text/event-stream`: the command's phases as the stream tells them, until it has ended.
      .addSuccess(HttpApiSchema.Text({ contentType: eventStream }))
      .addError(Problem.of(Service.ServiceNotFound, "service-not-found", () => "service"))
      .addError(Problem.of(Command.ActionNotFound, "action-not-found", () => "actionType"))
      .addError(Problem.of(Command.ActionNotSupported, "action-not-supported", () => "actionType"))
      .addError(Problem.of(Command.CommandInvalid, "command-invalid", ({ path }) => path))
      .addError(Problem.of(Command.CommandIdTaken, "command-id-taken", () => "commandId"))
      .addError(Problem.of(Store.StoreUnavailable, "store-unavailable"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .middleware(JsonBody)
  )
  .add(
    HttpApiEndpoint.get("get", "/commands/:commandId")
      .setPath(Schema.Struct({ commandId: Command.CommandId }))
      .addSuccess(Command.CommandState)
      .addError(Problem.of(Command.CommandNotFound, "command-not-found"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
  ) {}
