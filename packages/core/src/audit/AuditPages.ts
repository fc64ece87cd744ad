/**
 * Pages of the audit, as the text that answers a request: SQLite puts it together from the rows of `command_audit`, and
 * nothing in between parses or writes it.
 *
 * A page in the order of time, with one filter at most, takes the same time however long the record is, and wherever in
 * it the page is. What it takes beside an index are the numbers of entries in each hour, which are counted once in the
 * reader's thread, kept, and brought up to date with the entries that are new. All else is read in that thread.
 */
import { hash } from "node:crypto"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AuditCalendar, type Parts, type Place, type Split, split } from "../model/AuditCalendar.ts"
import * as AuditCursor from "../model/AuditCursor.ts"
import { AuditCursorInvalid, type AuditFilter, type AuditPageMeta, type AuditQuery } from "../model/AuditQuery.ts"
import { meta } from "../model/Page.ts"
import * as RecordPage from "../storage/RecordPage.ts"
import type { Store, StoreUnreadable } from "../storage/Store.ts"

/** A page as it is sent. */
export interface PageText {
  /** What it goes by: the same of the same bytes, and of no others. */
  readonly tag: string
  /** JSON, UTF-8: an `AuditPage`. */
  readonly bytes: Uint8Array
}

export interface AuditPages {
  /** The page that a query asks for. */
  readonly read: (query: AuditQuery) => Effect.Effect<PageText, AuditCursorInvalid | StoreUnreadable>
  /** What that page would go by, for somebody who may have it. */
  readonly tag: (query: AuditQuery) => Effect.Effect<string, StoreUnreadable>
}

/** Pages that are kept until something is added to the record, in bytes. */
const keptBytes = 8 * 1024 * 1024

/** Calendars that are kept: of values that were asked for last. Each has so many hours as there are in its record. */
const keptCalendars = 32

/** Entries that may be counted or passed over without anybody's noticing. */
const near = 1_000

/** Entries that may be new since a calendar was made. Beyond, it is made anew. */
const maxTail = 5_000

/** The only names that reach SQL as text. */
const columns: Record<AuditQuery["sortBy"], string> = {
  timestamp: "a.timestamp",
  actor: "a.actor",
  actionType: "a.action_type",
  target: "a.target",
  outcome: "a.outcome"
}

/** As it is: JSON. What another program wrote that is none is shown as a text. */
const json = (column: string) =>
  `CASE WHEN ${column} IS NULL THEN 'null' WHEN json_valid(${column}) THEN ${column} ELSE json_quote(${column}) END`

/** ISO 8601 with `Z` and milliseconds, of the stored form with or without a fraction. */
const iso =
  "substr(a.timestamp, 1, 10) || 'T' || substr(a.timestamp, 12, 8) || " +
  "substr(substr(a.timestamp, 20) || substr('.000', length(a.timestamp) - 18), 1, 4) || 'Z'"

const entry = [
  `'{"id":' || json_quote(a.id)`,
  `',"timestamp":"' || ${iso}`,
  `'","actor":' || json_quote(a.actor)`,
  `',"actionType":' || json_quote(a.action_type)`,
  `',"target":' || json_quote(a.target)`,
  `',"outcome":"' || a.outcome`,
  `'","beforeState":' || ${json("a.before_state_json")}`,
  `',"afterState":' || ${json("a.after_state_json")}`,
  `',"commandParams":' || ${json("a.command_params_json")}`,
  `',"logs":' || ${json("a.logs_json")} || '}'`
].join(" || ")

/** What an answer depends on beside its query: how many entries there are, and what the last of them is. */
interface Head {
  readonly size: number
  readonly leaf: Uint8Array | null
}

const head = `(SELECT COALESCE(MAX(seq), 0) FROM audit_position) AS size,
  (SELECT hash FROM audit_node WHERE level = 0 ORDER BY number DESC LIMIT 1) AS leaf`

/** What a page is made of. */
interface Found extends Head {
  readonly total: number
  /** The entries, with commas between them. */
  readonly entries: Uint8Array | null
  /** Their places in the record, likewise. */
  readonly seqs: string | null
}

const only = <A>(rows: ReadonlyArray<unknown>): Effect.Effect<A> => Effect.succeed(rows[0] as A)

/** Which of a record's entries, as conditions on its columns. */
interface Selection {
  /** Of the filters alone. */
  readonly filters: ReadonlyArray<Fragment>
  readonly range: RecordPage.Range
  /** All of it. */
  readonly where: Fragment
}

const valuesOf = ({ actionType, actor, outcome, target }: AuditFilter) => ({
  "a.action_type": actionType,
  "a.target": target,
  "a.actor": actor,
  "a.outcome": outcome
})

/** What a filter says, as conditions. */
export const conditions = (sql: SqlClient, query: AuditFilter): ReadonlyArray<Fragment> => [
  ...RecordPage.equal(sql, valuesOf(query)),
  ...RecordPage.within(sql, "a.timestamp", RecordPage.rangeOf(query))
]

const selectionOf = (sql: SqlClient, query: AuditFilter): Selection => {
  const filters = RecordPage.equal(sql, valuesOf(query))
  const range = RecordPage.rangeOf(query)
  return { filters, range, where: sql.and([...filters, ...RecordPage.within(sql, "a.timestamp", range), sql`1 = 1`]) }
}

/** Which of the selected entries are on a page. */
interface Window {
  readonly place: Place
  readonly limit: number
  /** Read from the other end. */
  readonly isTurned?: boolean
}

const counted = (sql: SqlClient, where: Fragment) => sql`(SELECT COUNT(*) FROM command_audit AS a WHERE ${where})`

/** No more than `near`, and one. */
const countedNear = (sql: SqlClient, where: Fragment) =>
  sql`(SELECT COUNT(*) FROM (SELECT 1 FROM command_audit AS a WHERE ${where} LIMIT ${near + 1}))`

const everything = (sql: SqlClient) => sql`(SELECT COALESCE(MAX(seq), 0) FROM audit_position)`

/**
 * One page. Rows are looked up once it is known which they are. To pass entries over takes the index alone: what is at
 * the place, then how many of those passed over have another value than that; no more have to be put in the order of
 * their insertion than those that share it.
 */
const select = (
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
  const [notBeyond, beyond] = isAscending ? ([">=", "<"] as const) : (["<=", ">"] as const)
  const within =
    bound === undefined ? where : sql`${where} AND ${column} ${sql.literal(isAscending ? ">=" : "<")} ${bound}`
  const edge =
    cursor !== undefined
      ? sql`SELECT ${column} FROM command_audit AS a WHERE a.id = (SELECT id FROM audit_position WHERE seq = ${cursor.seq})`
      : sql`SELECT ${column} FROM command_audit AS a WHERE ${within} ORDER BY ${column} ${order} LIMIT 1 OFFSET ${skip}`
  const hasEdge = cursor !== undefined || skip > 0
  const upToEdge = hasEdge ? sql`${within} AND ${column} ${sql.literal(notBeyond)} (SELECT at FROM edge)` : within
  const kept =
    cursor === undefined
      ? upToEdge
      : sql`${upToEdge} AND (${column}, p.seq) ${sql.literal(isAscending ? ">" : "<")} ((SELECT at FROM edge), ${cursor.seq})`
  const offset =
    cursor === undefined && skip > 0
      ? sql`${skip} - (SELECT COUNT(*) FROM command_audit AS a WHERE ${within} AND ${column} ${sql.literal(beyond)} (SELECT at FROM edge))`
      : sql`0`
  const back = isTurned ? sql`ORDER BY ${column} ${sql.literal(sortOrder)}, k.seq ${sql.literal(sortOrder)}` : sql``
  return sql<Found>`
    ${hasEdge ? sql`WITH edge(at) AS MATERIALIZED (${edge})` : sql``}
    SELECT ${sql.literal(head)}, ${total} AS total,
      CAST(group_concat(entry, ',') AS BLOB) AS entries, group_concat(seq, ',') AS seqs
    FROM (
      SELECT ${sql.literal(entry)} AS entry, k.seq AS seq
      FROM (
        SELECT a.rowid AS place, p.seq AS seq FROM command_audit AS a CROSS JOIN audit_position AS p ON p.id = a.id
        WHERE ${kept} ORDER BY ${column} ${order}, p.seq ${order} LIMIT ${limit} OFFSET ${offset}
      ) AS k CROSS JOIN command_audit AS a ON a.rowid = k.place ${back}
    )`
}

/** Costs the same however long the record is. */
const isFlat = (query: AuditQuery): boolean =>
  query.sortBy === "timestamp" && Object.values(valuesOf(query)).filter((value) => value !== undefined).length <= 1

/** The numbers of entries in each hour, up to a place in the record. */
interface Kept {
  readonly calendar: AuditCalendar
  seq: number
}

export const make = (store: typeof Store.Service): AuditPages => {
  const calendars = new Map<string, Kept>()

  const calendarName = (query: AuditQuery) => JSON.stringify(valuesOf(query))

  /** Counts all of it, beside everything else. */
  const count = (query: AuditQuery) =>
    Effect.map(
      store.readAside((sql) => {
        const { filters } = selectionOf(sql, query)
        return sql<{ size: number; hours: string | null }>`
          SELECT ${everything(sql)} AS size, group_concat(hour || '=' || count, ',') AS hours FROM (
            SELECT substr(a.timestamp, 1, 13) AS hour, COUNT(*) AS count FROM command_audit AS a
            WHERE ${sql.and([...filters, sql`1 = 1`])} GROUP BY 1)`
      }),
      ([row]): Kept => {
        const calendar = new AuditCalendar()
        for (const hour of row?.hours?.split(",") ?? []) {
          const [name = "", count] = hour.split("=")
          calendar.add(name, Number(count))
        }
        return { calendar, seq: Number(row?.size ?? 0) }
      }
    )

  const calendarOf = (query: AuditQuery, size: number) =>
    Effect.gen(function* () {
      const name = calendarName(query)
      const known = calendars.get(name)
      const kept = known !== undefined && size - known.seq <= maxTail ? known : yield* count(query)
      calendars.delete(name)
      calendars.set(name, kept)
      for (const oldest of calendars.keys()) if (calendars.size > keptCalendars) calendars.delete(oldest)
      return kept
    })

  /** Counts what came since, within a transaction: then it is of its moment. */
  const catchUp = (sql: SqlClient, kept: Kept, { filters }: Selection) =>
    Effect.map(
      sql<{ size: number; moments: string | null }>`
        SELECT ${everything(sql)} AS size, group_concat(a.timestamp, ',') AS moments
        FROM audit_position AS p CROSS JOIN command_audit AS a ON a.id = p.id
        WHERE ${sql.and([sql`p.seq > ${kept.seq}`, ...filters])}`,
      ([row]) => {
        for (const moment of row?.moments?.split(",") ?? []) kept.calendar.add(moment)
        kept.seq = Number(row?.size ?? 0)
      }
    )

  /** How many there are in the hours of which a range takes a part. */
  const countParts = (sql: SqlClient, { filters }: Selection, { head, tail }: Split) => {
    const part = (range: RecordPage.Range | undefined) =>
      range === undefined
        ? sql`0`
        : counted(sql, sql.and([...filters, ...RecordPage.within(sql, "a.timestamp", range)]))
    return head === undefined && tail === undefined
      ? Effect.succeed({ head: 0, tail: 0 })
      : Effect.map(
          sql<Parts>`SELECT ${part(head)} AS head, ${part(tail)} AS tail`,
          ([row]) => row ?? { head: 0, tail: 0 }
        )
  }

  /** A page by a calendar that is of the same moment. */
  const selectBy = (
    sql: SqlClient,
    query: AuditQuery,
    selection: Selection,
    { calendar }: Kept,
    hours: Split,
    parts: Parts,
    cursor: AuditCursor.AuditCursor | undefined
  ) => {
    const total = calendar.count(hours, parts)
    const offset = cursor === undefined ? (query.page - 1) * query.limit : 0
    const window =
      offset < total && cursor === undefined
        ? { place: calendar.seek(hours, parts, offset, query.sortOrder), limit: query.limit }
        : { place: { skip: 0 }, limit: cursor === undefined ? 0 : query.limit }
    return select(sql, query, selection, window, cursor, sql`${total}`)
  }

  const readFlat = (query: AuditQuery, size: number, cursor: AuditCursor.AuditCursor | undefined) =>
    Effect.gen(function* () {
      const skip = cursor === undefined ? (query.page - 1) * query.limit : 0
      const isAll = Object.values({ ...valuesOf(query), ...RecordPage.rangeOf(query) }).every(
        (value) => value === undefined
      )
      if (skip <= near && (isAll || !calendars.has(calendarName(query)))) {
        const found = yield* store.readOne(
          (sql) => {
            const selection = selectionOf(sql, query)
            const total = isAll ? everything(sql) : countedNear(sql, selection.where)
            return select(sql, query, selection, { place: { skip }, limit: query.limit }, cursor, total)
          },
          only<Found>
        )
        if (isAll || found.total <= near) return found
      }
      const kept = yield* calendarOf(query, size)
      const hours = split(RecordPage.rangeOf(query))
      if (hours.head === undefined && hours.tail === undefined && kept.seq === size) {
        const found = yield* store.readOne(
          (sql) => selectBy(sql, query, selectionOf(sql, query), kept, hours, { head: 0, tail: 0 }, cursor),
          only<Found>
        )
        if (found.size === size) return found
      }
      return yield* store.read((sql) =>
        Effect.gen(function* () {
          const selection = selectionOf(sql, query)
          yield* catchUp(sql, kept, selection)
          const parts = yield* countParts(sql, selection, hours)
          return yield* Effect.flatMap(selectBy(sql, query, selection, kept, hours, parts, cursor), only<Found>)
        })
      )
    })

  const readAside = (query: AuditQuery, cursor: AuditCursor.AuditCursor | undefined) =>
    store.readAside((sql) =>
      Effect.gen(function* () {
        const selection = selectionOf(sql, query)
        const [row] = yield* sql<{ total: number }>`SELECT ${counted(sql, selection.where)} AS total`
        const total = Number(row?.total ?? 0)
        const skip = (query.page - 1) * query.limit
        const left = Math.max(0, Math.min(query.limit, total - skip))
        const window =
          cursor !== undefined
            ? { place: { skip: 0 }, limit: query.limit }
            : skip > total / 2
              ? { place: { skip: Math.max(0, total - skip - left) }, limit: left, isTurned: true }
              : { place: { skip }, limit: left }
        return yield* Effect.flatMap(select(sql, query, selection, window, cursor, sql`${total}`), only<Found>)
      })
    )

  const newest = store.readOne((sql) => sql<Head>`SELECT ${sql.literal(head)}`, only<Head>)

  const tagOf = ({ leaf, size }: Head, name: string) =>
    `${size}-${Buffer.from(leaf?.subarray(0, 9) ?? []).toString("base64url")}-${hash("sha256", name, "base64url").slice(0, 12)}`

  let keptOf = ""
  const keptPages = new Map<string, Uint8Array>()
  let kept = 0

  const keep = (ofHead: string, { bytes, tag }: PageText) => {
    if (keptOf !== ofHead) {
      keptPages.clear()
      kept = 0
      keptOf = ofHead
    }
    if (keptPages.has(tag)) return
    keptPages.set(tag, bytes)
    kept += bytes.length
    for (const [oldest, { length }] of keptPages) {
      if (kept <= keptBytes) return
      keptPages.delete(oldest)
      kept -= length
    }
  }

  const read: AuditPages["read"] = (query) =>
    Effect.gen(function* () {
      const name = nameOf(query)
      const before = yield* newest
      const known = keptPages.get(tagOf(before, name))
      if (known !== undefined) return { tag: tagOf(before, name), bytes: known }
      const cursor = yield* cursorOf(query)
      const found = yield* isFlat(query) ? readFlat(query, before.size, cursor) : readAside(query, cursor)
      if (cursor !== undefined && cursor.seq > found.size) return yield* new AuditCursorInvalid()
      const page = { tag: tagOf(found, name), bytes: encode(query, found, cursor) }
      keep(tagOf(found, ""), page)
      return page
    })

  return { read, tag: (query) => Effect.map(newest, (head) => tagOf(head, nameOf(query))) }
}

/** The same for the same page of the same record. It begins with the version of how pages are written. */
const nameOf = ({ cursor, endDate, limit, page, sortBy, sortOrder, startDate, ...filter }: AuditQuery): string =>
  JSON.stringify([1, cursor ?? page, limit, sortBy, sortOrder, startDate, endDate, Object.entries(filter).sort()])

const cursorOf = ({ cursor, sortBy, sortOrder }: AuditQuery) =>
  cursor === undefined
    ? Effect.succeed(undefined)
    : Effect.mapError(
        Option.filter(AuditCursor.read(cursor), (read) => read.sortBy === sortBy && read.sortOrder === sortOrder),
        () => new AuditCursorInvalid()
      )

const encode = (
  { limit, page: asked, sortBy, sortOrder }: AuditQuery,
  { entries, seqs, total }: Found,
  cursor: AuditCursor.AuditCursor | undefined
): Uint8Array => {
  const places = seqs?.split(",") ?? []
  const page = cursor?.page ?? asked
  const hasMore = cursor === undefined ? (page - 1) * limit + places.length < total : places.length === limit
  const next = { sortBy, sortOrder, seq: Number(places.at(-1)), page: page + 1 }
  const about: typeof AuditPageMeta.Type = {
    ...meta(page, limit, Number(total)),
    nextCursor: hasMore && places.length > 0 ? AuditCursor.text(next) : null
  }
  return Buffer.concat([opening, entries ?? nothing, Buffer.from(`],"meta":${JSON.stringify(about)}}`)])
}

const opening = Buffer.from('{"data":[')
const nothing = Buffer.of()
