/** Pages of a record, and what every list of pages says about itself. */
import * as Schema from "effect/Schema"
import { Bound } from "./Timestamp.ts"

/** The most rows one page may have: a page is held in memory whole. */
export const maxLimit = 200
/** Rows of a page that says nothing else. */
export const defaultLimit = 50

/** 1 is the first page. */
export const PageNumber = Schema.Int.pipe(Schema.between(1, 1_000_000_000))
/** Rows a page may have: 1 to `maxLimit`. */
export const PageLimit = Schema.Int.pipe(Schema.between(1, maxLimit))
/** Which way a page is sorted. */
export const SortOrder = Schema.Literal("asc", "desc")
export type SortOrder = typeof SortOrder.Type

/** What every query of a record in pages may say. `startDate <= timestamp < endDate`. */
export const pageFields = {
  page: Schema.optionalWith(PageNumber, { default: () => 1 }),
  limit: Schema.optionalWith(PageLimit, { default: () => defaultLimit }),
  sortOrder: Schema.optionalWith(SortOrder, { default: () => "desc" as const }),
  startDate: Schema.optionalWith(Bound, { exact: true }),
  endDate: Schema.optionalWith(Bound, { exact: true })
}

/** Where a page stands among all. */
export const PageMeta = Schema.Struct({
  page: PageNumber,
  limit: PageLimit,
  /** Rows on all pages together. */
  total: Schema.NonNegativeInt,
  /** 0 where there are no rows. */
  totalPages: Schema.NonNegativeInt
}).annotations({ identifier: "PageMeta" })
export type PageMeta = typeof PageMeta.Type

/** One page of a record. */
export interface Page<A> {
  /** The rows. */
  readonly data: ReadonlyArray<A>
  /** Where it stands. */
  readonly meta: PageMeta
}

/** Where the page of this number stands, of so many rows in all. */
export const meta = (page: number, limit: number, total: number): PageMeta => ({
  page,
  limit,
  total,
  totalPages: Math.ceil(total / limit)
})
