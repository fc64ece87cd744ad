/** `mithrandir audit show`: everything that is on the record of one command. */
import { AuditEntry, Command } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as AuditFacts from "../output/AuditFacts.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"

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
      yield* Output.data(given.output === "json" ? Output.json(encode(entry)) : Output.facts(AuditFacts.of(entry)))
    }).pipe(Signals.interruptible)
})

const encode = Schema.encodeSync(AuditEntry.AuditEntry)
