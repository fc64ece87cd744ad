/** Commands as the journal writes them, without anybody's running them. */
import type { Command, Store } from "@mithrandir/core"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

type Write = Parameters<(typeof Store.Store)["Service"]["commit"]>[0]["writes"][number]

/** Accepted, and started. */
export const begun = (commandId: string): ReadonlyArray<Write> => {
  const at = DateTime.unsafeNow()
  const command: Command.Command = {
    commandId,
    service: "alpha",
    actionType: "retry-job",
    target: `job-of-${commandId}`,
    params: {},
    reason: Option.none(),
    actor: "operator-1",
    fingerprint: "f",
    phase: "queued",
    outcome: Option.none(),
    verified: Option.none(),
    before: Option.none(),
    logs: [],
    createdAt: at,
    deadline: at,
    endedAt: Option.none()
  }
  return [
    { _tag: "CommandAccepted", command },
    { _tag: "CommandStarted", commandId, before: Option.some({ state: "failed" }), logs: [] }
  ]
}

/** T3: with its entry in the audit. */
export const end = (commandId: string): Write => ({
  _tag: "CommandEnded",
  entry: {
    id: commandId,
    timestamp: DateTime.unsafeNow(),
    actor: "operator-1",
    actionType: "retry-job",
    target: `job-of-${commandId}`,
    outcome: "success",
    beforeState: { id: commandId, queue: "mail", state: "failed", attempts: 3 },
    afterState: { id: commandId, queue: "mail", state: "waiting", attempts: 3 },
    commandParams: {},
    logs: ["reason: incident 42", "retried", "verified: the job left failed"]
  },
  outcome: "success",
  verified: Option.some(true),
  logs: ["done"]
})

/** All of it. */
export const ended = (commandId: string): ReadonlyArray<Write> => [...begun(commandId), end(commandId)]
