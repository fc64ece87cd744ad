/** What was done, by whom, with what result: one row of `command_audit`. */
import * as Schema from "effect/Schema"
import { ActionType, CommandId, Outcome } from "./Command.ts"
import { Timestamp } from "./Timestamp.ts"

/**
 * One entry of the audit. The states and the params are JSON as the action gave them; sensitive params are
 * "[redacted]".
 */
export const AuditEntry = Schema.Struct({
  /** The `commandId`. */
  id: CommandId,
  /** When it ended. */
  timestamp: Timestamp,
  actor: Schema.String,
  actionType: ActionType,
  target: Schema.String,
  outcome: Outcome,
  beforeState: Schema.Unknown,
  afterState: Schema.Unknown,
  commandParams: Schema.Unknown,
  logs: Schema.Unknown
}).annotations({ identifier: "AuditEntry" })
export type AuditEntry = typeof AuditEntry.Type

/** No command of this id has ended, so that there is nothing on the record. */
export class AuditEntryNotFound extends Schema.TaggedError<AuditEntryNotFound>()("AuditEntryNotFound", {
  id: Schema.String
}) {
  override get message() {
    return `nothing is on the record under "${this.id}"`
  }
}
