/** Moments: one form in the database, another over the API, and the bounds people type into queries. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A moment, UTC, in milliseconds. Over the API: ISO 8601 with `Z`. */
export const Timestamp = Schema.DateTimeUtc.annotations({
  identifier: "Timestamp",
  jsonSchema: { type: "string", format: "date-time" }
})
export type Timestamp = DateTime.Utc

/**
 * The stored form: `YYYY-MM-DD HH:MM:SS.SSS`, UTC. As text it sorts by time, also beside rows that took the
 * column's default, `datetime('now')`, which has no fraction. Of a year that has no four digits it is the nearest
 * moment that has: what was written must be readable.
 */
export const toSql = (at: Timestamp): string =>
  DateTime.formatIso(DateTime.clamp(at, years)).slice(0, 23).replace("T", " ")

const sqlForm = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(\.\d{1,3})?$/

/** Reads the stored form, with or without a fraction. Never as local time, which is what `new Date(text)` would do. */
export const fromSql = (text: string): Timestamp => {
  const match = sqlForm.exec(text)
  if (match === null) throw new TypeError(`not a stored timestamp: ${JSON.stringify(text)}`)
  return DateTime.unsafeMake(`${match[1]}T${match[2]}${match[3] ?? ""}Z`)
}

/** The stored form as a Schema, for rows. */
export const FromSql = Schema.transform(Schema.String.pipe(Schema.pattern(sqlForm)), Schema.DateTimeUtcFromSelf, {
  strict: true,
  decode: fromSql,
  encode: toSql
})

const dateOnly = /^\d{4}-\d{2}-\d{2}$/
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

/** A day that does not exist (February 30th) is refused, where `Date` would roll it over. */
const parse = (text: string): Option.Option<Timestamp> => {
  if (!dateOnly.test(text) && !dateTime.test(text)) return Option.none()
  const day = text.slice(0, 10)
  const exists = Option.exists(DateTime.make(`${day}T00:00:00Z`), (at) => DateTime.formatIso(at).startsWith(day))
  return exists ? Option.filter(DateTime.make(text), inRange) : Option.none()
}

/** The first moment of the year 10,000, and how the end of the last day before it is said so that it sorts after it. */
const endOfYears = 253_402_300_800_000
const lastBound = "9999-12-31 24:00:00"

/** What four digits of a year can say, so that text keeps sorting by time. */
const years = { minimum: DateTime.unsafeMake(-62_167_219_200_000), maximum: DateTime.unsafeMake(endOfYears - 1) }
const inRange = DateTime.between(years)

/**
 * A bound as compared with stored text. On a whole second it goes without `.000`, or rows that took the column
 * default would fall on the wrong side of it.
 */
const bound = (at: Timestamp): string => (at.epochMillis % 1000 === 0 ? toSql(at).slice(0, 19) : toSql(at))

/** The text to compare with, for `startDate <= t`: ISO 8601 with `Z` or an offset, or a date (its first moment, UTC). */
export const startBound = (text: string): Option.Option<string> => Option.map(parse(text), bound)

/** The text to compare with, for `t < endDate`. A bare date includes that whole UTC day. */
export const endBound = (text: string): Option.Option<string> =>
  Option.map(parse(text), (at) => {
    const end = dateOnly.test(text) ? DateTime.add(at, { days: 1 }) : at
    return end.epochMillis < endOfYears ? bound(end) : lastBound
  })

const isBound = (text: string) => Option.isSome(parse(text))

/** A date or a moment as people write one in a query. */
export const Bound = Schema.String.pipe(
  Schema.filter(
    (text) => isBound(text) || "expected a date (2026-01-31) or a moment with Z or an offset (2026-01-31T12:00:00Z)"
  ),
  Schema.annotations({ identifier: "Bound" })
)
