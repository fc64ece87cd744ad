/** One entry of the record, as a person reads it. */
import type { AuditEntry } from "@mithrandir/core"
import * as Output from "./Output.ts"
import * as Wording from "./Wording.ts"

/** What there is to say of it, a line each. */
export const of = (entry: AuditEntry.AuditEntry): ReadonlyArray<readonly [name: string, value: string]> => [
  ["command", entry.id],
  ["ended", Wording.moment(entry.timestamp)],
  ["actor", entry.actor],
  ["action", entry.actionType],
  ["target", entry.target],
  ["outcome", entry.outcome],
  ...given("reason", reasonOf(logsOf(entry))),
  ...given("params", entry.commandParams),
  ...given("before", entry.beforeState),
  ...given("after", entry.afterState),
  ...logsOf(entry).map((line, index) => [index === 0 ? "logs" : "", line] as const)
]

/** A fact, where it is one. */
const given = (name: string, value: unknown): ReadonlyArray<readonly [string, string]> => {
  if (value === undefined || value === null) return []
  return [[name, typeof value === "string" ? value : Output.compactJson(value)]]
}

/** Of other writers of the table, what they call logs may be anything. */
const logsOf = ({ logs }: AuditEntry.AuditEntry): ReadonlyArray<string> => {
  if (logs === undefined || logs === null) return []
  return (Array.isArray(logs) ? logs : [logs]).map((line: unknown) =>
    typeof line === "string" ? line : Output.compactJson(line)
  )
}

/** The record has no column for it: it is among the first lines of the log. */
const reasonOf = (logs: ReadonlyArray<string>): string | undefined =>
  logs.find((line) => line.startsWith("reason: "))?.slice("reason: ".length)
