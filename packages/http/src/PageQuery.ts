/** What every query of a record in pages may say, as text in a URL, and what one page of it looks like. */
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

/** `startDate <= timestamp < endDate`. */
export const dateFields = {
  startDate: Schema.optionalWith(Timestamp.Bound, { exact: true }),
  endDate: Schema.optionalWith(Timestamp.Bound, { exact: true })
}

const pageFields = {
  page: number(Page.PageNumber, { maximum: 1_000_000_000, default: 1 }),
  limit: number(Page.PageLimit, { maximum: Page.maxLimit, default: Page.defaultLimit }),
  sortOrder: Schema.optionalWith(Expected.oneOf(Page.SortOrder), { exact: true }),
  ...dateFields
}

/** What a request may say, with the record's own fields; what it leaves out, the record's own query fills in. */
export const pageQuery = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct({ ...pageFields, ...fields }).annotations({ parseOptions: { errors: "all" } })

/** One page of a record, by the name that it has in the OpenAPI document. */
export const pageOf = <A, I>(identifier: string, row: Schema.Schema<A, I>) =>
  Schema.Struct({ data: Schema.Array(row), meta: Page.PageMeta }).annotations({ identifier })

/** What dates say, as the OpenAPI document tells it. */
export const dateParameters = {
  startDate: {
    description: "From this moment on: a date (its first moment, UTC), or a moment with `Z` or an offset.",
    example: "2026-01-31T12:00:00Z"
  },
  endDate: {
    description: "Before this moment. A date includes that whole day, UTC.",
    example: "2026-01-31"
  }
}

/** What every such query may say, as the OpenAPI document tells it. */
export const pageParameters: Parameters = {
  page: { description: "Which page. Beyond the last one there are no rows." },
  limit: { description: "How many rows a page has." },
  sortOrder: { description: "Descending, unless told otherwise." },
  ...dateParameters
}
