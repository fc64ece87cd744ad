/** `mithrandir audit show`: everything that is on the record of one command. */
import { AuditEntry, Command } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import * as Wording from "../output/Wording.ts"

const id = Flags.argument({ name: "ID", help: "the command's id", schema: Command.CommandId })

export const program = Program.make({
  name: "show",
  summary: "Show everything that is on the record of one command.",
  details: ["A command is on the record once it has ended."],
  inputs: { id, ...Flags.access, output: Flags.output(["table", "json"]) },
  examples: [
    { says: "Who did it, why, and how the target was before and after", line: "mithrandir audit show inc-7-0" },
    {
      says: "The same as JSON, through a server",
      line: "mithrandir audit show inc-7-0 -o json --url http://127.0.0.1:4410"
    }
  ],
  exits: { ...ExitCode.ofLooking, 1: "nothing is on the record under this id; or failed" },
  run: (given) =>
    Effect.gen(function* () {
      const entry = yield* Access.look(given, (reader) => reader.auditEntry(given.id))
      yield* given.output === "json" ? Output.data(Output.json(encode(entry))) : print(entry)
    }).pipe(Signals.interruptible)
})

const encode = Schema.encodeSync(AuditEntry.AuditEntry)

const print = (entry: AuditEntry.AuditEntry) =>
  Output.data(
    Output.facts([
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
    ])
  )

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
