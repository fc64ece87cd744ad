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

/** No command of this id has ended, so that there is nothing on the record. */
export class AuditEntryNotFound extends Schema.TaggedError<AuditEntryNotFound>()("AuditEntryNotFound", {
  /** What was asked for. */
  id: Schema.String
}) {
  override get message() {
    return `nothing is on the record under "${this.id}"`
  }
}
