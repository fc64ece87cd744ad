/** Entries of the audit as SQLite gives them: JSON, put together from the columns of `command_audit`. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { Place } from "../model/AuditCalendar.ts"
import type * as AuditCursor from "../model/AuditCursor.ts"
import type { AuditFilter, AuditQuery } from "../model/AuditQuery.ts"
import * as AuditTree from "../storage/AuditTree.ts"
import * as RecordPage from "../storage/RecordPage.ts"

/** Entries that may be counted or passed over without anybody's noticing. */
export const near = 1_000

/** The only names that reach SQL as text. */
const columns: Record<AuditQuery["sortBy"], string> = {
  timestamp: "a.timestamp",
  actor: "a.actor",
  actionType: "a.action_type",
  target: "a.target",
  outcome: "a.outcome"
}

/** Whatever another program wrote: a text. */
const text = (column: string) => `json_quote(CAST(${column} AS TEXT))`

/** As it is: JSON. What another program wrote that is none is shown as a text. */
const json = (column: string) =>
  `CASE WHEN ${column} IS NULL THEN 'null' WHEN typeof(${column}) = 'text' AND json_valid(${column}) THEN ${column} ELSE ${text(column)} END`

/** ISO 8601 with `Z` and milliseconds, of the stored form with or without a fraction. */
const iso =
  "substr(a.timestamp, 1, 10) || 'T' || substr(a.timestamp, 12, 8) || " +
  "substr(substr(a.timestamp, 20) || substr('.000', length(a.timestamp) - 18), 1, 4) || 'Z'"

const entry = [
  `'{"id":' || ${text("a.id")}`,
  `',"timestamp":' || json_quote(${iso})`,
  `',"actor":' || ${text("a.actor")}`,
  `',"actionType":' || ${text("a.action_type")}`,
  `',"target":' || ${text("a.target")}`,
  `',"outcome":"' || a.outcome`,
  `'","beforeState":' || ${json("a.before_state_json")}`,
  `',"afterState":' || ${json("a.after_state_json")}`,
  `',"commandParams":' || ${json("a.command_params_json")}`,
  `',"logs":' || ${json("a.logs_json")} || '}'`
].join(" || ")

/** What a page is made of. */
export interface Found extends AuditTree.Head {
  readonly total: number
  /** The entries, with commas between them. */
  readonly entries: Uint8Array | null
  /** Their ids, as a JSON array. */
  readonly ids: string
  /** Whether the entry that the page comes after is there, where it comes after one. */
  readonly isKnown: number
}

/** Which of a record's entries, as conditions on its columns. */
export interface Selection {
  /** Of the filters alone. */
  readonly filters: ReadonlyArray<Fragment>
  /** All of it. */
  readonly where: Fragment
}

export const valuesOf = ({ actionType, actor, outcome, target }: AuditFilter) => ({
  "a.action_type": actionType,
  "a.target": target,
  "a.actor": actor,
  "a.outcome": outcome
})

/** What a filter says, as conditions. */
export const selectionOf = (sql: SqlClient, query: AuditFilter): Selection => {
  const filters = RecordPage.equal(sql, valuesOf(query))
  const range = RecordPage.within(sql, "a.timestamp", RecordPage.rangeOf(query))
  return { filters, where: sql.and([...filters, ...range, sql`1 = 1`]) }
}

/** Which of the selected entries are on a page. */
export interface Window {
  readonly place: Place
  readonly limit: number
  /** Read from the other end. */
  readonly isTurned?: boolean
}

export const counted = (sql: SqlClient, where: Fragment) =>
  sql`(SELECT COUNT(*) FROM command_audit AS a WHERE ${where})`

/** No more than `near`, and one. */
export const countedNear = (sql: SqlClient, where: Fragment) =>
  sql`(SELECT COUNT(*) FROM (SELECT 1 FROM command_audit AS a WHERE ${where} LIMIT ${near + 1}))`

export const everything = (sql: SqlClient) => sql`(SELECT COALESCE(MAX(seq), 0) FROM audit_position)`

/**
 * One page. To pass entries over takes an index alone; rows are looked up once it is known which they are. Rows of one
 * value are in the order of their insertion as their rowids are, which SQLite keeps when it numbers them anew (VACUUM); a
 * cursor names its row by its id, which lasts.
 */
export const select = (
  sql: SqlClient,
  { sortBy, sortOrder }: AuditQuery,
  { where }: Selection,
  { isTurned = false, limit, place: { bound, skip } }: Window,
  cursor: AuditCursor.AuditCursor | undefined,
  total: Fragment
) => {
  const isAscending = (sortOrder === "asc") !== isTurned
  const column = sql.literal(columns[sortBy])
  const order = sql.literal(isAscending ? "ASC" : "DESC")
  const beyond = sql.literal(isAscending ? ">" : "<")
  const from =
    cursor !== undefined
      ? sql`(${column}, a.rowid) ${beyond}
(SELECT ${column}, a.rowid FROM command_audit AS a WHERE a.id = ${cursor.id})`
      : bound !== undefined
        ? sql`${column} ${sql.literal(isAscending ? ">=" : "<")} ${bound}`
        : sql`1 = 1`
  const isKnown =
    cursor === undefined ? sql`1` : sql`EXISTS (SELECT 1 FROM command_audit AS a WHERE a.id = ${cursor.id})`
  const back = isTurned ? sql`ORDER BY ${column} ${sql.literal(sortOrder)}, a.rowid ${sql.literal(sortOrder)}` : sql``
  return sql<Found>`
    SELECT ${sql.literal(AuditTree.headColumns)}, ${total} AS total, ${isKnown} AS isKnown,
      CAST(group_concat(entry, ',') AS BLOB) AS entries, json_group_array(CAST(id AS TEXT)) AS ids
    FROM (
      SELECT ${sql.literal(entry)} AS entry, a.id AS id
      FROM (
        SELECT a.rowid AS place FROM command_audit AS a
        WHERE ${where} AND ${from} ORDER BY ${column} ${order}, a.rowid ${order} LIMIT ${limit} OFFSET ${skip}
      ) AS k CROSS JOIN command_audit AS a ON a.rowid = k.place ${back}
    )`
}

/** What is read at once of all of the record: so many entries, and so many characters with the last of them. */
const batch = { entries: 500, characters: 1_000_000 }

/**
 * Entries of the record in its order, as lines of JSON, after a place and up to another: the next few. No text: there are
 * none. A line feed in JSON is white space.
 */
export const lines = (
  sql: SqlClient,
  filter: AuditFilter,
  { after, last }: { readonly after: number; readonly last: number }
) =>
  Effect.map(
    sql<{ readonly seq: number; readonly text: Uint8Array | null }>`
      SELECT MAX(seq) AS seq, CAST(group_concat(line, '') AS BLOB) AS text
      FROM (
        SELECT seq, line, SUM(length(line)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - length(line) AS before
        FROM (
          SELECT p.seq AS seq, replace(replace(${sql.literal(entry)}, char(10), ' '), char(13), ' ') || char(10) AS line
          FROM audit_position AS p CROSS JOIN command_audit AS a ON a.id = p.id
          WHERE ${sql.and([sql`p.seq > ${after} AND p.seq <= ${last}`, selectionOf(sql, filter).where])}
          ORDER BY p.seq LIMIT ${batch.entries}
        )
      ) WHERE before < ${batch.characters}`,
    ([row]) => row ?? { seq: last, text: null }
  )
