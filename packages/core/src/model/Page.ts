/** Pages of a record, and what every list of pages says about itself. */
import * as Schema from "effect/Schema"
import { Bound } from "./Timestamp.ts"

/** The most rows one page may have: a page is held in memory whole. */
export const maxLimit = 200
export const defaultLimit = 50

export const PageNumber = Schema.Int.pipe(Schema.between(1, 1_000_000_000))
export const PageLimit = Schema.Int.pipe(Schema.between(1, maxLimit))
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

export const PageMeta = Schema.Struct({
  page: PageNumber,
  limit: PageLimit,
  total: Schema.NonNegativeInt,
  /** 0 where there are no rows. */
  totalPages: Schema.NonNegativeInt
}).annotations({ identifier: "PageMeta" })
export type PageMeta = typeof PageMeta.Type

export interface Page<A> {
  readonly data: ReadonlyArray<A>
  readonly meta: PageMeta
}

export const meta = (page: number, limit: number, total: number): PageMeta => ({
  page,
  limit,
  total,
  totalPages: Math.ceil(total / limit)
})
