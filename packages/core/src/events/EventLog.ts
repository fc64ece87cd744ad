/** The stream's memory: replay from any place that is kept, then everything after it. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  type Event,
  type EventFilter,
  EventName,
  id,
  matches,
  ofStatus,
  parseId,
  type ResetReason
} from "../model/Event.ts"
import { toSql } from "../model/Timestamp.ts"
import { Write } from "../storage/Change.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"

/** What a listener who starts anew is given first. */
export interface Snapshot {
  /** The latest update of each service, then the last status of each command that has not ended. Without places. */
  readonly events: ReadonlyArray<Pick<Event, "name" | "service" | "subject" | "data">>
  /** The place of the newest event when the snapshot was read: go on after it. */
  readonly newest: number
}

/** A part of the log, read in one transaction. */
export interface LogPage {
  /** The matching events, oldest first. */
  readonly events: ReadonlyArray<Event>
  /** The place up to which was looked: the next page begins after it. */
  readonly upTo: number
  /** Where none is kept: the place that the next event will have. */
  readonly oldest: number
}

/** Where a listener goes on. */
export type Resumption =
  | { readonly _tag: "After"; readonly seq: number }
  | { readonly _tag: "Reset"; readonly reason: ResetReason; readonly oldest: number; readonly newest: number }

/** More matching events behind than this, and a listener starts anew: replaying them would cost more than it tells. */
export const maxReplay = 5_000

/** What happened, in commit order: every event has a place, 1, 2, 3, … without a gap. */
export class EventLog extends Context.Tag("@mithrandir/core/EventLog")<
  EventLog,
  {
    /** Takes a `Last-Event-ID` (or `0`: everything that is kept) for a place to go on after. */
    readonly resume: (lastEventId: string, filter: EventFilter) => Effect.Effect<Resumption, StoreUnreadable>
    /**
     * Matching events after a place, oldest first, at most `limit`; the place up to which was looked, and of the oldest
     * event that was kept then. Where that is not next to `after`, some that came between are gone.
     */
    readonly page: (after: number, filter: EventFilter, limit: number) => Effect.Effect<LogPage, StoreUnreadable>
    /** Matching events after a place, and then for ever as they are committed. */
    readonly tail: (after: number, filter: EventFilter) => Stream.Stream<Event, StoreUnreadable>
    /** Every event of one command, and then for ever as they are committed. */
    readonly ofCommand: (commandId: string) => Stream.Stream<Event, StoreUnreadable>
    /** How things stand now, for a listener who starts anew. Of the services and kinds that the filter lets through. */
    readonly snapshot: (filter: EventFilter) => Effect.Effect<Snapshot, StoreUnreadable>
    /** The id of the event at a place. */
    readonly idOf: (seq: number) => string
    /** The place of the newest event. */
    readonly newest: Effect.Effect<number>
    /** Removes what is older than 24 h or beyond the newest 100,000, in small steps. Gives the number removed. */
    readonly prune: Effect.Effect<number, StoreUnavailable | StoreUnreadable>
  }
>() {}

/** What is kept: as long as a laptop may sleep over a night and a day, in no more rows than replay is quick in. */
const keptFor = { hours: 24 }
const keptEvents = 100_000

/** Rows that one step of pruning removes: a few milliseconds. */
const prunedAtOnce = 1_000

/** Events that a tail reads at once: a megabyte or so. */
const pageSize = 500

const Place = Schema.Union(Schema.Number, Schema.NumberFromString)

const Row = Schema.Struct({
  seq: Place,
  name: EventName,
  service: Schema.String,
  subject: Schema.String,
  data: Schema.String
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
const decodeEnds = Schema.decodeUnknown(Schema.Struct({ newest: Place, oldest: Schema.NullOr(Place) }))

const make = Effect.gen(function* () {
  const store = yield* Store

  const pageOf = (after: number, wanted: Wanted, limit: number) =>
    store.readOne(
      // The row of the log itself is there where no event is.
      (sql) => sql`
          SELECT log.newest, (SELECT MIN(seq) FROM event) AS oldest, some.seq, some.name, some.service, some.subject, some.data
          FROM event_seq AS log LEFT JOIN (
            SELECT seq, name, service, subject, data FROM event
            WHERE ${sql.and([sql`seq > ${after}`, ...wanted(sql)])} ORDER BY seq LIMIT ${limit}
          ) AS some ON 1 = 1 ORDER BY some.seq`,
      (rows) =>
        Effect.gen(function* () {
          const { newest, oldest } = yield* decodeEnds(rows[0])
          const events = yield* decodeRows(rows.filter((row) => Predicate.hasProperty(row, "seq") && row.seq !== null))
          // Fewer than asked for: there are no others up to the newest.
          const upTo = events.length < limit ? newest : (events.at(-1)?.seq ?? after)
          return { events, upTo: Math.max(upTo, after), oldest: oldest ?? newest + 1 }
        })
    )

  /** What comes after a place, as soon as there is anything. */
  const next = (
    after: number,
    { holds, in: wanted }: Selection
  ): Effect.Effect<Pick<LogPage, "events" | "upTo">, StoreUnreadable> =>
    Effect.flatMap(
      store.beyond(after),
      (committed): Effect.Effect<Pick<LogPage, "events" | "upTo">, StoreUnreadable> => {
        if (Option.isNone(committed)) return pageOf(after, wanted, pageSize)
        const events = committed.value
        return Effect.succeed({ events: events.filter(holds), upTo: events.at(-1)?.seq ?? after })
      }
    )

  const tailOf = (after: number, selection: Selection): Stream.Stream<Event, StoreUnreadable> =>
    // What is committed while nobody asks is read at once.
    Stream.paginateChunkEffect(after, (position) =>
      Effect.map(next(position, selection), ({ events, upTo }) => {
        return [Chunk.unsafeFromArray([...events]), Option.some(upTo)] as const
      })
    )

  const page = Effect.fn("EventLog.page")((after: number, filter: EventFilter, limit: number) =>
    pageOf(after, wantedBy(filter), limit)
  )

  const resume = Effect.fn("EventLog.resume")((lastEventId: string, filter: EventFilter) =>
    store.read((sql) =>
      Effect.gen(function* () {
        const newest = yield* newestIn(sql)
        const oldest = yield* oldestIn(sql, newest)
        const reset = (reason: ResetReason): Resumption => ({ _tag: "Reset", reason, oldest, newest })
        if (lastEventId === "0") return { _tag: "After", seq: oldest - 1 } as Resumption
        const parsed = parseId(lastEventId)
        if (Option.isNone(parsed)) return reset("malformed")
        const { logId, seq } = parsed.value
        if (logId !== store.logId) return reset("foreign")
        if (seq > newest) return reset("future")
        if (seq < oldest - 1) return reset("pruned")
        // The log has no gaps: of everything, so many.
        if (filter.services === undefined && filter.names === undefined && newest - seq <= maxReplay) {
          return { _tag: "After", seq } as Resumption
        }
        const [behind] = yield* sql<{ events: number }>`
          SELECT COUNT(*) AS events FROM (
            SELECT 1 FROM event WHERE ${sql.and([sql`seq > ${seq}`, ...wantedBy(filter)(sql)])} LIMIT ${maxReplay + 1}
          ) AS some`
        if (Number(behind?.events) > maxReplay) return reset("behind")
        return { _tag: "After", seq } as Resumption
      })
    )
  )

  const snapshot = Effect.fn("EventLog.snapshot")((filter: EventFilter) =>
    store.read((sql) =>
      Effect.gen(function* () {
        const wants = (name: EventName) => filter.names === undefined || filter.names.includes(name)
        const ofServices = filter.services === undefined ? sql`1 = 1` : sql.in("service", filter.services)
        const updates = wants("reconciliation.update")
          ? yield* sql<{ service: string; data: string }>`
              SELECT service, data FROM latest_update WHERE ${ofServices} ORDER BY service`
          : []
        const commands = wants("command.status")
          ? yield* sql`
              SELECT id AS "commandId", service, phase, logs_json AS logs FROM command
              WHERE phase IN ('queued', 'running') AND ${ofServices} ORDER BY created_at, id`.pipe(
              Effect.flatMap(decodeUnfinished)
            )
          : []
        const events: Snapshot["events"] = [
          ...updates.map(({ service, data }) => {
            return { name: "reconciliation.update" as const, service, subject: service, data }
          }),
          ...commands.map(ofStatus)
        ]
        return { events, newest: yield* newestIn(sql) }
      })
    )
  )

  /** The oldest rows that are kept no longer, at most one step of them. */
  const expired = Effect.gen(function* () {
    const newest = yield* store.newest
    const before = toSql(DateTime.subtractDuration(yield* DateTime.now, keptFor.hours * 3_600_000))
    return yield* store.read(
      (sql) => sql<{ seq: number }>`
        SELECT seq FROM (SELECT seq, time FROM event ORDER BY seq LIMIT ${prunedAtOnce}) AS oldest
        WHERE time < ${before} OR seq <= ${newest - keptEvents} ORDER BY seq`
    )
  })

  const prune = Effect.gen(function* () {
    let removed = 0
    while (true) {
      const rows = yield* expired
      const last = rows.at(-1)
      if (last === undefined) return removed
      yield* Effect.catchTag(
        store.commit({ writes: [Write.EventsPruned({ upTo: Number(last.seq) })], events: [] }),
        "CommandIdTaken",
        Effect.die
      )
      removed += rows.length
      if (rows.length < prunedAtOnce) return removed
    }
  })

  return EventLog.of({
    resume,
    page,
    tail: (after, filter) => tailOf(after, { in: wantedBy(filter), holds: (event) => matches(filter, event) }),
    ofCommand: (commandId) =>
      tailOf(0, {
        in: (sql) => [sql`subject = ${commandId}`, sql`name = 'command.status'`],
        holds: ({ name, subject }) => subject === commandId && name === "command.status"
      }),
    snapshot,
    idOf: (seq) => id(store.logId, seq),
    newest: store.newest,
    prune
  })
})

/** Over the store's database. */
export const layer: Layer.Layer<EventLog, never, Store> = Layer.effect(EventLog, make)

type Wanted = (sql: SqlClient) => ReadonlyArray<Fragment>

/** Which events, in the database and in memory. */
interface Selection {
  readonly in: Wanted
  readonly holds: (event: Event) => boolean
}

const wantedBy =
  (filter: EventFilter): Wanted =>
  (sql) => [
    ...(filter.services === undefined ? [] : [sql.in("service", filter.services)]),
    ...(filter.names === undefined ? [] : [sql.in("name", filter.names)])
  ]

const newestIn = (sql: SqlClient) =>
  Effect.map(sql<{ newest: number }>`SELECT newest FROM event_seq`, ([row]) => Number(row?.newest ?? 0))

const oldestIn = (sql: SqlClient, newest: number) =>
  Effect.map(sql<{ seq: number | null }>`SELECT MIN(seq) AS seq FROM event`, ([row]) =>
    row?.seq == null ? newest + 1 : Number(row.seq)
  )

const decodeUnfinished = Schema.decodeUnknown(
  Schema.Array(
    Schema.Struct({
      commandId: Schema.String,
      service: Schema.String,
      phase: Schema.Literal("queued", "running"),
      logs: Schema.parseJson(Schema.Array(Schema.String))
    })
  )
)
