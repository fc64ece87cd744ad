/** How long something takes, as people write it: `"5 seconds"` in a config, `5s` on a command line. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** Node's timers wrap at 24.8 days, so that a longer wait would end at once. */
const longest = Duration.days(24)

const pattern = /^\d+(\.\d+)? (nano|micro|milli|second|minute|hour|day|week)s?$/

/** A duration in words, as `"250 millis"` or `"10 minutes"`, from `least` to 24 days. */
export const schema = (least: Duration.Duration) => {
  const range = `${words(least)} to ${words(longest)}`
  const description = `a duration such as "5 seconds", from ${range}`
  return Schema.transformOrFail(Schema.String, Schema.DurationFromSelf, {
    strict: true,
    decode: (text, _, ast) => {
      const parsed = pattern.test(text) ? Duration.decodeUnknown(text) : Option.none()
      return Option.isSome(parsed) && Duration.between(parsed.value, { minimum: least, maximum: longest })
        ? ParseResult.succeed(parsed.value)
        : ParseResult.fail(new ParseResult.Type(ast, text))
    },
    encode: (length) => ParseResult.succeed(words(length))
  }).annotations({ description, jsonSchema: { type: "string", pattern: pattern.source, description, $comment: range } })
}

const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
  ["milli", 1]
] as const

/** In the largest unit that says it whole. */
const words = (length: Duration.Duration): string => {
  const millis = Duration.toMillis(length)
  const [unit, size] = units.find(([, size]) => millis >= size && millis % size === 0) ?? ["milli", 1]
  return `${millis / size} ${unit}${millis === size ? "" : "s"}`
}

const letters = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Reads a number and one of `ms`, `s`, `m`, `h`: `500ms`, `1.5m`. Nothing for any other text, or beyond 24 days. */
export const parseShort = (text: string): Duration.Duration | undefined => {
  const match = /^(\d{1,10}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text)
  const millis = match === null ? Number.NaN : Number(match[1]) * letters[match[2] as keyof typeof letters]
  return millis <= Duration.toMillis(longest) ? Duration.millis(millis) : undefined
}

/** The shortest text that `parseShort` reads as the same, with at most three decimals. */
export const formatShort = (length: Duration.Duration): string => {
  const millis = Duration.toMillis(length)
  for (const unit of ["h", "m", "s"] as const) {
    if (millis >= letters[unit] && millis % (letters[unit] / 10) === 0) return `${millis / letters[unit]}${unit}`
  }
  return `${millis}ms`
}

/** A duration in the short form. */
export const short: Schema.Schema<Duration.Duration, string> = Schema.transformOrFail(
  Schema.String,
  Schema.DurationFromSelf,
  {
    strict: true,
    decode: (text, _, ast) => {
      const parsed = parseShort(text)
      return parsed === undefined ? ParseResult.fail(new ParseResult.Type(ast, text)) : ParseResult.succeed(parsed)
    },
    encode: (length) => ParseResult.succeed(formatShort(length))
  }
).annotations({ description: "a duration such as 500ms, 30s, 5m or 1h, of at most 24 days" })
