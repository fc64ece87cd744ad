/** The token for a server that wants one, as a flag. Never shown. */
import * as Schema from "effect/Schema"
import * as Secret from "../config/Secret.ts"

/** A token as it is typed. */
export const Token = Schema.Redacted(Schema.String.pipe(Schema.filter(Secret.isToken))).annotations({
  description: `a token of ${Secret.tokenText}`
})

/**
 * Takes the command line out of the list of processes where a flag may have a secret. Whoever looked before has seen
 * it: this makes the moment short, and no more.
 */
export const hide = (argv: ReadonlyArray<string>): void => {
  if (argv.some((word) => /^--(token|services|params)\b/.test(word))) process.title = "mithrandir"
}
