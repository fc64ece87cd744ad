/** `mithrandir security`: who tried to come in. */
import type * as Program from "../line/Program.ts"
import * as SecurityEvents from "./SecurityEvents.ts"

export const group: Program.Group = {
  _tag: "group",
  name: "security",
  summary: "Look at who tried to come in and was not let.",
  members: [SecurityEvents.program]
}
