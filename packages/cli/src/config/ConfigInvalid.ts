/** What is wrong with a config, wherever it was given: in a file, a variable, a flag. */
import * as Schema from "effect/Schema"
import { printable } from "../output/Output.ts"

/** One mistake: in which file, variable or flag, where in it, and what would fit. Quotes no value. */
const Mistake = Schema.Struct({ source: Schema.String, path: Schema.String, problem: Schema.String })
export type Mistake = typeof Mistake.Type

/** As many as somebody mends in one go. */
const maxTold = 20

/** A path names the keys that somebody wrote, whatever they are. */
const maxPathLength = 200

/** The config does not fit. Has every mistake that was found; its message tells the first 20, a line each. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  mistakes: Schema.NonEmptyArray(Mistake)
}) {
  override get message() {
    const first = this.mistakes.slice(0, maxTold).map(told)
    const more = this.mistakes.length - first.length
    return [...first, ...(more > 0 ? [`and ${more} more`] : [])].join("\n")
  }
}

/** One mistake in a line. */
export const told = ({ path, problem, source }: Mistake): string => {
  const where = path.length > maxPathLength ? `${path.slice(0, maxPathLength)}…` : path
  return printable(`${source}: ${where === "" ? "" : `${where}: `}${problem}`)
}
