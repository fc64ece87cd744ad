/** One page of a record, as a query asks for it: what every record in pages reads in the same way. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import { meta, type Page, type SortOrder } from "../model/Page.ts"
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

/** Which rows, and how they are read. */
export interface Rows<A> {
  /** The table that holds one row for each of the record, with an alias where conditions have one. */
  readonly table: string
  /** What a row has to satisfy, all of it. */
  readonly conditions: ReadonlyArray<Fragment>
  /** Selects, as `total`, how many rows there are in the table, where that is known without counting them. */
  readonly total?: Fragment
  /** Selects the rows that satisfy, in their order, without a limit. */
  readonly select: (where: Fragment) => Fragment
  /** Reads the rows. */
  readonly decode: (rows: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<A>, ParseError>
}

/** The page, and how many rows there are in all. To be read in one transaction, so that both are of one moment. */
export const read = <A>(
  sql: SqlClient,
  { limit, page }: Pick<PageQuery, "page" | "limit">,
  { conditions, decode, select, table, total }: Rows<A>
): Effect.Effect<Page<A>, SqlError | ParseError> =>
  Effect.gen(function* () {
    const where = sql.and([sql`1 = 1`, ...conditions])
    const counted = sql`SELECT COUNT(*) AS total FROM ${sql.literal(table)} WHERE ${where}`
    const [count] = yield* sql<{ total: number }>`${(conditions.length === 0 ? total : undefined) ?? counted}`
    const rows = yield* sql`${select(where)} LIMIT ${limit} OFFSET ${(page - 1) * limit}`
    return { data: yield* decode(rows), meta: meta(page, limit, Number(count?.total ?? 0)) }
  })

/** What is sorted by time alone: rows of a table with a `timestamp`, and ids that break ties by insertion, as UUIDv7 do. */
export interface RowsByTime<A> extends Pick<Rows<A>, "table" | "decode"> {
  /** What columns have to be. Left undefined: anything. */
  readonly where: Columns
}

/** The page of a record that is sorted by time alone. */
export const readByTime = <A>(
  sql: SqlClient,
  query: PageQuery,
  { decode, table, where }: RowsByTime<A>
): Effect.Effect<Page<A>, SqlError | ParseError> => {
  const order = sql.literal(`timestamp ${query.sortOrder}, id ${query.sortOrder}`)
  return read(sql, query, {
    table,
    conditions: [...equal(sql, where), ...within(sql, "timestamp", query)],
    select: (where) => sql`SELECT * FROM ${sql.literal(table)} WHERE ${where} ORDER BY ${order}`,
    decode
  })
}

/** `column = value`, for each column that has a value. */
export const equal = (sql: SqlClient, columns: Columns): ReadonlyArray<Fragment> =>
  Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : [sql`${sql.literal(column)} = ${value}`]
  )

/** `startDate <= column < endDate`, for each that is given. Both are `Timestamp.Bound`s. */
export const within = (
  sql: SqlClient,
  column: string,
  range: Pick<PageQuery, "startDate" | "endDate">
): ReadonlyArray<Fragment> => {
  const start = Option.flatMap(Option.fromNullable(range.startDate), startBound)
  const end = Option.flatMap(Option.fromNullable(range.endDate), endBound)
  return [
    ...Option.toArray(Option.map(start, (bound) => sql`${sql.literal(column)} >= ${bound}`)),
    ...Option.toArray(Option.map(end, (bound) => sql`${sql.literal(column)} < ${bound}`))
  ]
}
