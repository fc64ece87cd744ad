/** `mithrandir token list`: whose tokens there are. */
import * as Effect from "effect/Effect"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import * as Signals from "../output/Signals.ts"
import { listing } from "../output/TokenListing.ts"

export const program = Program.make({
  name: "list",
  summary: "List every token there ever was, the oldest first, without the tokens themselves.",
  inputs: { ...Flags.access, output: Flags.output(Listing.formats) },
  examples: [
    { says: "Who may come in", line: "mithrandir token list" },
    { says: "For a program", line: "mithrandir token list -o ndjson" }
  ],
  exits: ExitCode.ofLooking,
  run: (given) =>
    Effect.gen(function* () {
      const data = yield* Access.look(given, (reader) => reader.tokens)
      yield* Listing.print(listing, given.output, data, {
        none: "no tokens: whoever is on this machine may do everything"
      })
    }).pipe(Signals.interruptible)
})
