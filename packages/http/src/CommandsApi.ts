/** The routes of commands, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Command, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Expected from "./Expected.ts"
import { JsonBody } from "./JsonBody.ts"
import * as Operation from "./Operation.ts"
import { maxWaitSeconds } from "./Prefer.ts"
import * as Problem from "./Problem.ts"
import { streamContent } from "./StreamApi.ts"
import { eventStream } from "./StreamMessage.ts"

/** The command is in the journal. `replayed`: it already was, and nothing was started. */
const accepted = Schema.Struct({
  commandId: Command.CommandId,
  service: Service.ServiceId,
  phase: Command.Phase,
  replayed: Schema.Boolean
})

/** 200, for a command that had ended before. */
export const Ended = accepted.annotations(HttpApiSchema.annotations({ identifier: "Accepted", status: 200 }))

/** 202, for a command that has not ended. */
export const Accepted = accepted.annotations(HttpApiSchema.annotations({ identifier: "Accepted", status: 202 }))
export type Accepted = typeof Accepted.Type

/** 200, for a command that has ended while its sender waited: all that there is to say of it. */
export const Concluded = Schema.Struct({
  ...Command.CommandState.fields,
  replayed: Schema.Boolean
}).annotations({ identifier: "Concluded" })
export type Concluded = typeof Concluded.Type

/** A command, or with `dryRun` the question what it would find. The core has no such field: it cannot be run. */
export const CommandBody = Schema.Struct({
  ...Command.CommandRequest.fields,
  dryRun: Schema.optionalWith(Schema.Boolean, { exact: true })
}).annotations({
  identifier: "CommandBody",
  parseOptions: { errors: "all", onExcessProperty: "error" },
  message: Expected.anObject
})
export type CommandBody = typeof CommandBody.Type

const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` })

const location = {
  Location: {
    description: "Where the command's state is, `GET /commands/{commandId}`. Absent after a dry run.",
    schema: { type: "string", format: "uri-reference" }
  }
}
const preferenceApplied = {
  "Preference-Applied": {
    description: "What was waited for at most, where somebody preferred to wait.",
    schema: { type: "string", pattern: "^wait=\\d+$" }
  }
}

const run = Operation.told({
  id: "runCommand",
  permission: "operator",
  summary: "Has a command run, at most once",
  description:
    "The command is on record when this answers, and runs by itself: leaving does not stop it. Its `commandId` is " +
    "yours to choose; the same id with the same content never runs twice, and gives the stored state (`replayed`).\n\n" +
    "Actions are `retry-job` and `delete-job` (`target`: a job's id), `purge-queue` (a queue's name), " +
    "`restart-service` (a worker service's name), and whatever the embedder added. " +
    "With `dryRun: true` nothing is written and no id used up: the answer says what the command would find.",
  parameters: {
    prefer: {
      name: "Prefer",
      in: "header",
      description:
        `\`wait=N\` (RFC 7240): waits up to N seconds, at most ${maxWaitSeconds}, for the command to end, and then ` +
        "answers with its outcome. A malformed one is ignored.",
      schema: { type: "string" },
      example: "wait=10"
    },
    accept: {
      name: "Accept",
      in: "header",
      description: `\`${eventStream}\`: its phases as they happen, until it has ended. Not of a dry run.`,
      schema: { type: "string" },
      example: "application/json"
    }
  },
  answers: {
    200: {
      description:
        "`Concluded`: it has ended while you waited. `Accepted`: it had ended before. `Preview`: of a dry run. " +
        "An event stream: its `command.status` events, as the stream tells them, and heartbeats.",
      headers: { ...location, ...preferenceApplied },
      content: {
        "application/json": { schema: { anyOf: ["Concluded", "Preview", "Accepted"].map(schema) } },
        ...streamContent
      }
    },
    202: { description: "It has not ended.", headers: { ...location, ...preferenceApplied } }
  },
  problems: [
    ...Operation.ofBodies,
    "too-many-commands",
    "service-not-found",
    "action-not-found",
    "action-not-supported",
    "command-invalid",
    "command-id-taken",
    "store-unavailable",
    "store-unreadable",
    "upstream-unreachable",
    "upstream-invalid",
    "upstream-timeout"
  ]
})

const get = Operation.told({
  id: "getCommand",
  permission: "viewer",
  summary: "How far a command is",
  description: "The state of a command that was accepted here, whenever that was.",
  parameters: { commandId: { description: "The id that its sender chose.", example: "retry-4711" } },
  answers: { 200: { description: "Its state." } },
  problems: ["invalid-request", "command-not-found", "not-found", "store-unreadable"]
})

/** The group of the routes of commands. */
export class CommandsApi extends HttpApiGroup.make("mithrandirCommands")
  .add(
    HttpApiEndpoint.post("run", "/commands/run")
      .setPayload(CommandBody)
      .setHeaders(Schema.Struct({ prefer: Schema.optionalWith(Schema.String, { exact: true }) }))
      .addSuccess(Accepted)
      // What has more to say comes first: clients try them in this order.
      .addSuccess(Concluded)
      .addSuccess(Command.Preview)
      .addSuccess(Ended)
      // With `Accept: text/event-stream`: the command's phases as the stream tells them, until it has ended.
      .addSuccess(HttpApiSchema.Text({ contentType: eventStream }))
      .addError(Problem.of(Service.ServiceNotFound, "service-not-found", Problem.about("service")))
      .addError(Problem.of(Command.ActionNotFound, "action-not-found", Problem.about("actionType")))
      .addError(Problem.of(Command.ActionNotSupported, "action-not-supported", Problem.about("actionType")))
      .addError(Problem.of(Command.CommandInvalid, "command-invalid", ({ path, problem }) => ({ path, problem })))
      .addError(Problem.of(Command.CommandIdTaken, "command-id-taken", Problem.about("commandId")))
      .addError(Problem.of(Store.StoreUnavailable, "store-unavailable"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .middleware(JsonBody)
      .annotateContext(run)
  )
  .add(
    HttpApiEndpoint.get("get", "/commands/:commandId")
      .setPath(Schema.Struct({ commandId: Command.CommandId }))
      .addSuccess(Command.CommandState)
      .addError(Problem.of(Command.CommandNotFound, "command-not-found"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(get)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Commands", "Maintenance, each at most once, verified, and on the record.")) {}
