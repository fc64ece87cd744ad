/** The token for a server that wants one: from a flag or, better, the environment. Never shown. */
import * as Schema from "effect/Schema"
import { isToken, tokenText } from "./Secret.ts"
import { serverToken } from "./Settings.ts"

/** A token as it is typed. */
export const Token = Schema.Redacted(Schema.String.pipe(Schema.filter(isToken))).annotations({ description: tokenText })

/** The token that was given on the command line, else in the environment or `.env`, else none. */
export const resolve = serverToken

/**
 * Takes the command line out of the list of processes where it has a token. Whoever looked before has seen it: this
 * makes the moment short, and no more.
 */
export const hide = (argv: ReadonlyArray<string>): void => {
  if (argv.some((word) => word.startsWith("--token"))) process.title = "mithrandir"
}
