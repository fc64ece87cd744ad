/** What a client would prefer, as RFC 7240 has it: how long it would wait for an answer. */
import * as Option from "effect/Option"

/** Proxies give up on an answer after 30 to 60 seconds. Who would wait longer is answered after this. */
export const maxWaitSeconds = 30

/**
 * The seconds of `wait` in a `Prefer` header, at most `maxWaitSeconds`. None where it is absent or malformed: what
 * cannot be understood of a preference is ignored. The first `wait` counts, and no other.
 */
export const wait = (header: string | undefined): Option.Option<number> => {
  const value = split(header ?? "", ",")
    .map((preference) => nameAndValue(split(preference, ";")[0] ?? ""))
    .find(([name]) => name === "wait")?.[1]
  return value !== undefined && /^\d+$/.test(value)
    ? Option.some(Math.min(Number(value), maxWaitSeconds))
    : Option.none()
}

const nameAndValue = (preference: string): readonly [string, string] => {
  const at = preference.indexOf("=")
  if (at === -1) return [preference.trim().toLowerCase(), ""]
  const value = preference.slice(at + 1).trim()
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"')
  return [preference.slice(0, at).trim().toLowerCase(), isQuoted ? value.slice(1, -1) : value]
}

/** At separators that stand outside of quotes, in one walk: headers come from anybody. */
const split = (text: string, separator: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (isQuoted && char === "\\") index++
    else if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && char === separator) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)]
}
