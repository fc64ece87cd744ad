/** `mithrandir token create`: a token, shown once. */
import { Token } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Access from "../access/Access.ts"
import * as TokenFile from "../config/TokenFile.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import { listing } from "../output/TokenListing.ts"

const actor = Flags.required({
  name: "actor",
  placeholder: "NAME",
  help: "whose it is, as the audit will say",
  schema: Token.TokenActor
})

const role = Flags.required({
  name: "role",
  placeholder: Token.Role.literals.join("|"),
  help: "viewer reads; operator also runs commands and passes; admin also looks after tokens",
  schema: Token.Role.annotations({ description: `one of ${Token.Role.literals.join(", ")}` })
})

/** Ten years: whoever wants longer wants it not to end. */
const maxDays = 3650

const hoursOf = { h: 1, d: 24 }

const Expiry = Schema.transform(
  Schema.String.pipe(
    Schema.filter((text) => {
      const hours = readHours(text)
      return hours !== undefined && hours > 0 && hours <= maxDays * 24
    })
  ),
  Schema.Number,
  { strict: true, decode: (text) => readHours(text) ?? 0, encode: (hours) => `${hours}h` }
).annotations({ description: `a time such as 12h or 90d, of at most ${maxDays}d` })

const readHours = (text: string): number | undefined => {
  const match = /^(\d{1,5})([hd])$/.exec(text)
  return match === null ? undefined : Number(match[1]) * hoursOf[match[2] as keyof typeof hoursOf]
}

const expires = Flags.optional({
  name: "expires",
  placeholder: "TIME",
  help: "after which time it is worth nothing, as 12h or 90d",
  default: "never",
  schema: Expiry
})

const file = Flags.optional({
  name: "file",
  placeholder: "FILE",
  help: "write it into this new file, for its owner alone, and do not show it",
  schema: Flags.Path
})

export const program = Program.make({
  name: "create",
  summary: "Make a token, and show it this once.",
  details: [
    "Once there is a token nobody is let in without one, on this machine too: the first is to be an admin's. Where a server has the database it makes the token, and wants an admin's; where none runs, who may write the file may make any."
  ],
  inputs: { actor, role, expires, file, ...Flags.access, output: Flags.output(["table", "json"]) },
  examples: [
    { says: "The first one", line: "mithrandir token create --actor ops --role admin" },
    {
      says: "For who is on call, for a quarter",
      line: "mithrandir token create --actor oncall --role operator --expires 90d"
    },
    {
      says: "For a dashboard, into a file",
      line: "mithrandir token create --actor dashboard --role viewer --file dashboard.token"
    }
  ],
  exits: {
    ...ExitCode.wordsOf(ExitCode.ok, ExitCode.usage, ExitCode.notAllowed, ExitCode.unreachable, ExitCode.unknown),
    1: "failed"
  },
  run: (given) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const expiresAt = Option.map(given.expires, (hours) => DateTime.unsafeMake(now + hours * 3_600_000))
      const request = {
        actor: given.actor,
        role: given.role,
        ...(Option.isSome(expiresAt) ? { expiresAt: expiresAt.value } : {})
      }
      const keeper = yield* Access.keeper(given)
      const { text, token } = yield* keeper.create(request)
      // What cannot be handed over is worth nothing.
      if (Option.isSome(given.file)) {
        yield* TokenFile.write(given.file.value, text).pipe(
          Effect.tapError(() => Effect.ignore(keeper.revoke(token.id))),
          Effect.mapError(() => new ExitCode.Refused({ code: ExitCode.failed, problem: unwritten(given.file) }))
        )
      }
      const shown = Option.isSome(given.file) ? {} : { token: Redacted.value(text) }
      if (given.output === "json") yield* Output.data(Output.json({ ...listing.encode(token), ...shown }))
      else if (shown.token !== undefined) yield* Output.data(shown.token)
      yield* Output.note(`token ${token.id}: ${token.actor}, ${token.role}; ${until(token)}`)
      yield* Output.note(
        Option.match(given.file, {
          onNone: () => "it is not shown again: keep it, as in MITHRANDIR_TOKEN",
          onSome: (path) => `it is in ${Output.printable(path)}, and nowhere else`
        })
      )
    }).pipe(Effect.scoped, Signals.interruptible)
})

const until = ({ expiresAt }: Token.Token): string =>
  expiresAt === null ? "it does not expire" : `until ${DateTime.formatIso(expiresAt).slice(0, 19)}Z`

const unwritten = (file: Option.Option<string>): string =>
  `${Option.getOrElse(file, () => "")} could not be written: it is there already, or its directory is not; the token was revoked`
