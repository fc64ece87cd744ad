/** One page of a record, as a query asks for it: what every record in pages reads in the same way. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import { meta, type Page, type SortOrder } from "../model/Page.ts"
import type { Range } from "../model/Range.ts"
import { endBound, startBound } from "../model/Timestamp.ts"

/** What a query in pages says, defaults filled in. */
interface PageQuery {
  readonly page: number
  readonly limit: number
  readonly sortOrder: SortOrder
  readonly startDate?: string
  readonly endDate?: string
}

/** Values by the names of their columns, which reach SQL as text. */
interface Columns {
  readonly [column: string]: string | undefined
}

/** What is sorted by time alone: rows of a table with a `timestamp`, and ids that break ties by insertion, as UUIDv7 do. */
export interface RowsByTime<A> {
  /** The table that holds one row for each of the record. */
  readonly table: string
  /** Reads the rows. */
  readonly decode: (rows: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<A>, ParseError>
  /** What columns have to be. Left undefined: anything. */
  readonly where: Columns
}

/**
 * The page of a record that is sorted by time alone, and how many rows there are in all. To be read in one transaction,
 * so that both are of one moment.
 */
export const readByTime = <A>(
  sql: SqlClient,
  query: PageQuery,
  { decode, table, where }: RowsByTime<A>
): Effect.Effect<Page<A>, SqlError | ParseError> =>
  Effect.gen(function* () {
    const { limit, page } = query
    const from = sql.literal(table)
    const order = sql.literal(`timestamp ${query.sortOrder}, id ${query.sortOrder}`)
    const kept = sql.and([sql`1 = 1`, ...equal(sql, where), ...within(sql, "timestamp", rangeOf(query))])
    const [count] = yield* sql<{ total: number }>`SELECT COUNT(*) AS total FROM ${from} WHERE ${kept}`
    const rows = yield* sql`
      SELECT * FROM ${from} WHERE ${kept} ORDER BY ${order} LIMIT ${limit} OFFSET ${(page - 1) * limit}`
    return { data: yield* decode(rows), meta: meta(page, limit, Number(count?.total ?? 0)) }
  })

/** `column = value`, for each column that has a value. */
export const equal = (sql: SqlClient, columns: Columns): ReadonlyArray<Fragment> =>
  Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : [sql`${sql.literal(column)} = ${value}`]
  )

/** `startDate <= t < endDate`. Both are `Timestamp.Bound`s. */
export const rangeOf = ({ endDate, startDate }: Pick<PageQuery, "startDate" | "endDate">): Range => ({
  from: Option.getOrUndefined(Option.flatMap(Option.fromNullable(startDate), startBound)),
  to: Option.getOrUndefined(Option.flatMap(Option.fromNullable(endDate), endBound))
})

/** A range as conditions on a column. */
export const within = (sql: SqlClient, column: string, { from, to }: Range): ReadonlyArray<Fragment> => [
  ...(from === undefined ? [] : [sql`${sql.literal(column)} >= ${from}`]),
  ...(to === undefined ? [] : [sql`${sql.literal(column)} < ${to}`])
]
