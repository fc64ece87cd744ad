/** JSON that a person wrote: of bounded depth, and with a word for where it stops being JSON. */
import * as Either from "effect/Either"

/** Deeper than anybody writes by hand; what is deeper yet ends programs that walk it. */
const maxDepth = 64

/** JSON, or what is wrong with it. */
export const parse = (text: string): Either.Either<unknown, string> =>
  Either.try({ try: (): unknown => JSON.parse(text), catch: (error) => notJson(error, text) }).pipe(
    Either.filterOrLeft(
      (value) => isWithin(value, maxDepth),
      () => `expected lists and objects in each other at most ${maxDepth} deep`
    )
  )

const isWithin = (value: unknown, depth: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (depth > 0 && Object.values(value).every((inner) => isWithin(inner, depth - 1)))

/** Says where, as far as it is known. What JSON.parse itself says would quote the file, secrets included. */
const notJson = (error: unknown, text: string): string => {
  const position = /at position (\d+)/.exec(String(error))?.[1]
  if (position === undefined) return "expected JSON"
  const before = text.slice(0, Number(position)).split("\n")
  return `expected JSON; line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1} does not fit`
}
