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
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AuditCalendar, type Parts, type Split, split } from "../model/AuditCalendar.ts"
import * as AuditCursor from "../model/AuditCursor.ts"
import { AuditCursorInvalid, type AuditPageMeta, type AuditQuery } from "../model/AuditQuery.ts"
import { meta } from "../model/Page.ts"
import type { Range } from "../model/Range.ts"
import * as AuditTree from "../storage/AuditTree.ts"
import * as RecordPage from "../storage/RecordPage.ts"
import type { Store, StoreUnreadable } from "../storage/Store.ts"
import {
  counted,
  countedNear,
  everything,
  type Found,
  near,
  type Selection,
  select,
  selectionOf,
  valuesOf
} from "./AuditRows.ts"

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

/** Entries that may be new since a calendar was made. Beyond, it is made anew. */
const maxTail = 5_000

const only = <A>(rows: ReadonlyArray<unknown>): Effect.Effect<A> => Effect.succeed(rows[0] as A)

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
    const part = (range: Range | undefined) =>
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
