/** The token for a server that wants one: from a flag or, better, the environment. Never shown. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as ExitCode from "./ExitCode.ts"

const variable = "MITHRANDIR_TOKEN"

/** What a header can carry. */
const Text = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,4096}$/)).annotations({
  description: "a token of visible ASCII characters, without spaces"
})

/** A token as it is typed. */
export const Token = Schema.Redacted(Text).annotations({
  description: "a token of visible ASCII characters, without spaces"
})

/** The token that was given on the command line, else in the environment, else none. */
export const resolve = (
  given: Option.Option<Redacted.Redacted>
): Effect.Effect<Option.Option<Redacted.Redacted>, ExitCode.Refused> =>
  Effect.suspend(() => {
    const text = process.env[variable]
    if (Option.isSome(given) || text === undefined || text === "") return Effect.succeed(given)
    return Schema.is(Text)(text)
      ? Effect.succeedSome(Redacted.make(text))
      : new ExitCode.Refused({
          code: ExitCode.usage,
          problem: `environment: ${variable}: expected a token of visible ASCII characters, without spaces`
        })
  })

/**
 * Takes the command line out of the list of processes where it has a token. Whoever looked before has seen it: this
 * makes the moment short, and no more.
 */
export const hide = (argv: ReadonlyArray<string>): void => {
  if (argv.some((word) => word.startsWith("--token"))) process.title = "mithrandir"
}
