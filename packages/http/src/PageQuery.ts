/** What every query of a record in pages may say, as text in a URL. */
import { Page, Timestamp } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import * as Expected from "./Expected.ts"
import type { Parameters } from "./Operation.ts"

/** Digits alone: `1e3`, ` 1` and `0x1` are numbers to JavaScript. */
const Digits = Schema.transform(
  Schema.String.pipe(Schema.pattern(/^\d{1,10}$/, { message: () => "expected a whole number" })),
  Schema.Number,
  { strict: true, decode: Number, encode: String }
)

const number = (range: Schema.Schema<number>, json: { readonly maximum: number; readonly default: number }) =>
  Schema.optionalWith(
    Schema.compose(Digits, range).annotations({ jsonSchema: { type: "integer", minimum: 1, ...json } }),
    { exact: true }
  )

/** What a request leaves out, the record's own query fills in. */
export const pageFields = {
  page: number(Page.PageNumber, { maximum: 1_000_000_000, default: 1 }),
  limit: number(Page.PageLimit, { maximum: Page.maxLimit, default: Page.defaultLimit }),
  sortOrder: Schema.optionalWith(Expected.oneOf(Page.SortOrder), { exact: true }),
  startDate: Schema.optionalWith(Timestamp.Bound, { exact: true }),
  endDate: Schema.optionalWith(Timestamp.Bound, { exact: true })
}

/** The same, as the OpenAPI document tells it. */
export const pageParameters: Parameters = {
  page: { description: "Which page. Beyond the last one there are no rows." },
  limit: { description: "How many rows a page has." },
  sortOrder: { description: "Descending, unless told otherwise." },
  startDate: {
    description: "From this moment on: a date (its first moment, UTC), or a moment with `Z` or an offset.",
    example: "2026-01-31T12:00:00Z"
  },
  endDate: {
    description: "Before this moment. A date includes that whole day, UTC.",
    example: "2026-01-31"
  }
}
