/** The half-open range of time that people filter by. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import * as Option from "effect/Option"
import { endBound, startBound } from "../model/Timestamp.ts"

/** `startDate <= column < endDate`, for each that is given. Both are `Timestamp.Bound`s. */
export const within = (
  sql: SqlClient,
  column: string,
  range: { readonly startDate?: string; readonly endDate?: string }
): ReadonlyArray<Fragment> => {
  const start = Option.flatMap(Option.fromNullable(range.startDate), startBound)
  const end = Option.flatMap(Option.fromNullable(range.endDate), endBound)
  return [
    ...Option.toArray(Option.map(start, (bound) => sql`${sql.literal(column)} >= ${bound}`)),
    ...Option.toArray(Option.map(end, (bound) => sql`${sql.literal(column)} < ${bound}`))
  ]
}
