/** How long something takes, as people write it: `"5 seconds"`, `"250 millis"`, `"10 minutes"`. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** Node's timers wrap at 24.8 days, so that a longer wait would end at once. */
const longest = Duration.days(24)

const pattern = /^\d+(\.\d+)? (nano|micro|milli|second|minute|hour|day|week)s?$/

/** A duration as text, from `least` to 24 days. */
export const schema = (least: Duration.Duration) => {
  const description = `a duration such as "5 seconds", from ${Duration.format(least)} to ${Duration.format(longest)}`
  return Schema.transformOrFail(Schema.String, Schema.DurationFromSelf, {
    strict: true,
    decode: (text, _, ast) => {
      const parsed = pattern.test(text) ? Duration.decodeUnknown(text) : Option.none()
      return Option.isSome(parsed) && Duration.between(parsed.value, { minimum: least, maximum: longest })
        ? ParseResult.succeed(parsed.value)
        : ParseResult.fail(new ParseResult.Type(ast, text))
    },
    encode: (length) => ParseResult.succeed(words(length))
  }).annotations({ description, jsonSchema: { type: "string", pattern: pattern.source, description } })
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
