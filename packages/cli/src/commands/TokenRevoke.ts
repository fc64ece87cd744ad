/** `mithrandir token revoke`: a token that is worth nothing from now on. */
import { Token } from "@mithrandir/core"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import { listing } from "../output/TokenListing.ts"
import * as Wording from "../output/Wording.ts"

const id = Flags.argument({
  name: "ID",
  help: "the token's id, as token list has it: the 16 digits after mth_",
  schema: Token.TokenId.annotations({ description: "a token's id, of 16 hexadecimal digits" })
})

export const program = Program.make({
  name: "revoke",
  summary: "Have a token be worth nothing from now on. Its streams end within a minute.",
  inputs: { id, ...Flags.access, output: Flags.output(["table", "json"]) },
  examples: [{ says: "By its id", line: "mithrandir token revoke 0123456789abcdef" }],
  exits: {
    ...ExitCode.wordsOf(ExitCode.ok, ExitCode.usage, ExitCode.notAllowed, ExitCode.unreachable, ExitCode.unknown),
    1: "failed"
  },
  run: (given) =>
    Effect.gen(function* () {
      const keeper = yield* Access.keeper(given)
      const token = yield* keeper.revoke(given.id)
      if (given.output === "json") return yield* Output.data(Output.json(listing.encode(token)))
      yield* Output.note(
        `token ${token.id} of ${token.actor} is revoked since ${Wording.moment(token.revokedAt ?? (yield* DateTime.now))}`
      )
    }).pipe(Effect.scoped, Signals.interruptible)
})
