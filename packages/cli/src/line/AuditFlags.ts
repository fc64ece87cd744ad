/** The flags that say which entries of the record are meant. */
import { type AuditQuery, Command } from "@mithrandir/core"
import * as Flags from "./Flags.ts"
import * as PageFlags from "./PageFlags.ts"
import type { Given } from "./Program.ts"

export const filter = {
  actionType: Flags.optional({
    name: "action-type",
    placeholder: "ACTION",
    help: "only this action",
    schema: Flags.Text
  }),
  target: Flags.optional({ name: "target", placeholder: "TARGET", help: "only this target", schema: Flags.Text }),
  actor: Flags.optional({ name: "actor", placeholder: "ACTOR", help: "only what this actor did", schema: Flags.Text }),
  outcome: Flags.optional({
    name: "outcome",
    placeholder: "OUTCOME",
    help: `only this outcome: ${Command.Outcome.literals.join(", ")}`,
    schema: Command.Outcome
  }),
  ...PageFlags.dates
}

/** What was typed of it. */
export const filterOf = (given: Given<typeof filter>): AuditQuery.AuditFilter => ({
  ...PageFlags.present("actionType", given.actionType),
  ...PageFlags.present("target", given.target),
  ...PageFlags.present("actor", given.actor),
  ...PageFlags.present("outcome", given.outcome),
  ...PageFlags.datesOf(given)
})
