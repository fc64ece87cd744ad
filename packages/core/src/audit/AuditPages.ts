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
import * as AuditTree from "../storage/AuditTree.ts"
import * as RecordPage from "../storage/RecordPage.ts"
import type { Store, StoreUnreadable } from "../storage/Store.ts"

/** A page as it is sent. */
export interface PageText {
  /** What it goes by: of another page, or of the same once the record has grown, it is another. */
  readonly tag: string
  /** JSON, UTF-8: an `AuditPage`. */
  readonly bytes: Uint8Array
}

export interface AuditPages {
  /** The page that a query asks for. */
  readonly read: (query: AuditQuery) => Effect.Effect<PageText, AuditCursorInvalid | StoreUnreadable>
  /** What that page would go by, for somebody who may have it. */
  readonly tag: (query: AuditQuery) => Effect.Effect<string, AuditCursorInvalid | StoreUnreadable>
}

/** Pages that are kept until something is added to the record, in bytes. */
const keptBytes = 8 * 1024 * 1024

/** Calendars that are kept: of values that were asked for last. A record of a year takes each some 100 KiB. */
const keptCalendars = 256

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
interface Found extends AuditTree.Head {
  readonly total: number
  /** The entries, with commas between them. */
  readonly entries: Uint8Array | null
  /** Their ids, as a JSON array. */
  readonly ids: string
  /** Whether the entry that the page comes after is there, where it comes after one. */
  readonly isKnown: number
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
 * One page. To pass entries over takes an index alone; rows are looked up once it is known which they are. Rows of one
 * value are in the order of their insertion as their rowids are, which SQLite keeps when it numbers them anew (VACUUM); a
 * cursor names its row by its id, which lasts.
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
          WHERE ${sql.and([sql`p.seq > ${after} AND p.seq <= ${last}`, ...conditions(sql, filter)])}
          ORDER BY p.seq LIMIT ${batch.entries}
        )
      ) WHERE before < ${batch.characters}`,
    ([row]) => row ?? { seq: last, text: null }
  )

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
        return sql<{ size: number; hours: string }>`
          SELECT ${everything(sql)} AS size, json_group_object(CAST(hour AS TEXT), count) AS hours FROM (
            SELECT substr(a.timestamp, 1, 13) AS hour, COUNT(*) AS count FROM command_audit AS a
            WHERE ${sql.and([...filters, sql`1 = 1`])} GROUP BY 1)`
      }),
      ([row]): Kept => {
        const calendar = new AuditCalendar()
        for (const [hour, count] of Object.entries<number>(JSON.parse(row?.hours ?? "{}"))) calendar.add(hour, count)
        return { calendar, seq: Number(row?.size ?? 0) }
      }
    )

  /** There is one thread to count in: whoever wants the same finds it counted. */
  const counting = Effect.unsafeMakeSemaphore(1)

  const calendarOf = (query: AuditQuery, size: number) =>
    Effect.gen(function* () {
      const name = calendarName(query)
      const known = calendars.get(name)
      const kept = known !== undefined && size - known.seq <= maxTail ? known : yield* count(query)
      calendars.delete(name)
      calendars.set(name, kept)
      for (const oldest of calendars.keys()) if (calendars.size > keptCalendars) calendars.delete(oldest)
      return kept
    }).pipe(counting.withPermits(1))

  /** Counts what came since, within a transaction: then it is of its moment. */
  const catchUp = (sql: SqlClient, kept: Kept, { filters }: Selection) =>
    Effect.map(
      sql<{ size: number; moments: string }>`
        SELECT ${everything(sql)} AS size, json_group_array(CAST(a.timestamp AS TEXT)) AS moments
        FROM audit_position AS p CROSS JOIN command_audit AS a ON a.id = p.id
        WHERE ${sql.and([sql`p.seq > ${kept.seq}`, ...filters])}`,
      ([row]) => {
        for (const moment of JSON.parse(row?.moments ?? "[]")) kept.calendar.add(moment)
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
      const isNear = skip <= near
      if (isAll ? isNear : !calendars.has(calendarName(query))) {
        const found = yield* store.readOne(
          (sql) => {
            const selection = selectionOf(sql, query)
            const total = isAll ? everything(sql) : countedNear(sql, selection.where)
            const window = { place: { skip: isNear ? skip : 0 }, limit: isNear ? query.limit : 0 }
            return select(sql, query, selection, window, cursor, total)
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

  const newest = Effect.flatMap(
    store.auditHead,
    Option.match({
      onNone: () =>
        store.readOne((sql) => sql<AuditTree.Head>`SELECT ${sql.literal(AuditTree.headColumns)}`, only<AuditTree.Head>),
      onSome: Effect.succeed
    })
  )

  const tagOf = ({ leaf, size }: AuditTree.Head, name: string) =>
    `${size}-${Buffer.from(leaf?.subarray(0, 9) ?? []).toString("base64url")}-${hash("sha256", name, "base64url").slice(0, 12)}`

  /** Pages by the names of their queries, all of one state of the record. */
  const keptPages = new Map<string, PageText>()
  let keptHead: AuditTree.Head = { size: 0, leaf: null }
  let kept = 0

  const keptFor = (head: AuditTree.Head, name: string) => (isSame(head, keptHead) ? keptPages.get(name) : undefined)

  const keep = (head: AuditTree.Head, name: string, page: PageText) => {
    if (!isSame(head, keptHead)) {
      keptPages.clear()
      kept = 0
      keptHead = head
    }
    if (keptPages.has(name)) return
    keptPages.set(name, page)
    kept += weight(name, page)
    for (const [oldest, page] of keptPages) {
      if (kept <= keptBytes) return
      keptPages.delete(oldest)
      kept -= weight(oldest, page)
    }
  }

  const read: AuditPages["read"] = (query) =>
    Effect.gen(function* () {
      const name = nameOf(query)
      const before = yield* newest
      const known = keptFor(before, name)
      if (known !== undefined) return known
      const cursor = yield* cursorOf(query)
      const found = yield* isFlat(query) ? readFlat(query, before.size, cursor) : readAside(query, cursor)
      if (Number(found.isKnown) === 0) return yield* new AuditCursorInvalid()
      const page = { tag: tagOf(found, name), bytes: encode(query, found, cursor) }
      keep(found, name, page)
      return page
    })

  const tag: AuditPages["tag"] = (query) =>
    Effect.zipWith(newest, cursorOf(query), (head) => {
      const name = nameOf(query)
      return keptFor(head, name)?.tag ?? tagOf(head, name)
    })

  return { read, tag }
}

/** What a page takes of memory, in bytes: its query may be longer than itself. */
const weight = (name: string, { bytes }: PageText): number => bytes.length + 2 * name.length + 256

const isSame = (one: AuditTree.Head, other: AuditTree.Head): boolean =>
  one.size === other.size && Buffer.compare(one.leaf ?? nothing, other.leaf ?? nothing) === 0

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
  { entries, ids, total }: Found,
  cursor: AuditCursor.AuditCursor | undefined
): Uint8Array => {
  const shown: ReadonlyArray<string> = JSON.parse(ids)
  const page = cursor?.page ?? asked
  const hasMore = cursor === undefined ? (page - 1) * limit + shown.length < total : shown.length === limit
  const next = { sortBy, sortOrder, id: shown.at(-1) ?? "", page: Math.min(page + 1, 999_999_999) }
  const about: typeof AuditPageMeta.Type = {
    ...meta(page, limit, Number(total)),
    nextCursor: hasMore && shown.length > 0 ? AuditCursor.text(next) : null
  }
  return Buffer.concat([opening, entries ?? nothing, Buffer.from(`],"meta":${JSON.stringify(about)}}`)])
}

const opening = Buffer.from('{"data":[')
const nothing = Buffer.of()
