/** What was done, by whom, with what result: one row of `command_audit`. */
import * as Schema from "effect/Schema"
import { ActionType, CommandId, Outcome } from "./Command.ts"
import { FromSql, Timestamp } from "./Timestamp.ts"

/**
 * One entry of the audit. The states and the params are JSON as the action gave them; sensitive params are
 * "[redacted]".
 */
export const AuditEntry = Schema.Struct({
  /** The `commandId`. */
  id: CommandId,
  /** When it ended. */
  timestamp: Timestamp,
  /** Who asked for it, as authenticated: `local` over loopback, `cli:<user>` at a terminal, a token's actor. */
  actor: Schema.String,
  actionType: ActionType,
  /** What it was done to: a job's id, a queue's or a worker service's name, or what an embedder's action says. */
  target: Schema.String,
  /** `failure`: certainly not applied. `timeout`: nobody knows. */
  outcome: Outcome,
  /** The target before; null where it did not exist, or was not looked at. */
  beforeState: Schema.Unknown,
  /** The target after; null where it is gone, or was not looked at. */
  afterState: Schema.Unknown,
  /** As they were sent; `{}`: none. */
  commandParams: Schema.Unknown,
  /** A line for each step, the oldest first. */
  logs: Schema.Unknown
}).annotations({ identifier: "AuditEntry" })
export type AuditEntry = typeof AuditEntry.Type

const Json = Schema.NullOr(Schema.parseJson(Schema.Unknown))

const row = Schema.Struct({
  id: Schema.String,
  timestamp: FromSql,
  actor: Schema.String,
  actionType: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("action_type")),
  target: Schema.String,
  outcome: Outcome,
  beforeState: Schema.propertySignature(Json).pipe(Schema.fromKey("before_state_json")),
  afterState: Schema.propertySignature(Json).pipe(Schema.fromKey("after_state_json")),
  commandParams: Schema.propertySignature(Json).pipe(Schema.fromKey("command_params_json")),
  logs: Schema.propertySignature(Json).pipe(Schema.fromKey("logs_json"))
})

/** An entry as its row in the table has it. */
export const Row: Schema.Schema<AuditEntry, typeof row.Encoded> = row

/** No command of this id has ended, so that there is nothing on the record. */
export class AuditEntryNotFound extends Schema.TaggedError<AuditEntryNotFound>()("AuditEntryNotFound", {
  /** What was asked for. */
  id: Schema.String
}) {
  override get message() {
    return `nothing is on the record under "${this.id}"`
  }
}
