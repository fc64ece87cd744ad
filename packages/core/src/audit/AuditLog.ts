/** The record of what was done, in pages. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type AuditEntry, AuditEntryNotFound } from "../model/AuditEntry.ts"
import { Outcome } from "../model/Command.ts"
import { type Page, pageFields } from "../model/Page.ts"
import { FromSql } from "../model/Timestamp.ts"
import * as AuditTree from "../storage/AuditTree.ts"
import * as RecordPage from "../storage/RecordPage.ts"
import { Store, type StoreUnreadable } from "../storage/Store.ts"

/** What a page of the audit may be sorted by. */
export const AuditSort = Schema.Literal("timestamp", "actor", "actionType", "target", "outcome")

/** Which entries. Absent: all. */
const filterFields = {
  actionType: Schema.optionalWith(Schema.String, { exact: true }),
  target: Schema.optionalWith(Schema.String, { exact: true }),
  actor: Schema.optionalWith(Schema.String, { exact: true }),
  outcome: Schema.optionalWith(Outcome, { exact: true })
}

/** Which entries, in which order. `startDate <= timestamp < endDate`; ties break by insertion. */
export const AuditQuery = Schema.Struct({
  ...pageFields,
  sortBy: Schema.optionalWith(AuditSort, { default: () => "timestamp" as const }),
  ...filterFields
})
export type AuditQuery = typeof AuditQuery.Type

/** What of a query says which entries. */
export type AuditFilter = Pick<AuditQuery, keyof typeof filterFields | "startDate" | "endDate">

/** The record of what was done: one entry for every command that has ended. Read alone; nobody can change it. */
export class AuditLog extends Context.Tag("@mithrandir/core/AuditLog")<
  AuditLog,
  {
    /** One page of the entries that a query asks for, and how many there are in all. */
    readonly page: (query: AuditQuery) => Effect.Effect<Page<AuditEntry>, StoreUnreadable>
    /** What became of one command, by its `commandId`. */
    readonly get: (id: string) => Effect.Effect<AuditEntry, AuditEntryNotFound | StoreUnreadable>
    /**
     * Every entry that a filter lets through and that is there when this begins, in the order of their insertion,
     * whatever is written meanwhile. Read `exportPage` at a time.
     */
    readonly entries: (filter: AuditFilter) => Stream.Stream<AuditEntry, StoreUnreadable>
  }
>() {}

/** Rows held in memory at once while the whole record is read. */
const exportPage = 200

const make = Effect.gen(function* () {
  const store = yield* Store

  const page = Effect.fn("AuditLog.page")((query: AuditQuery) =>
    (isFlat(query) ? store.read : store.readAside)((sql) =>
      RecordPage.read(sql, query, {
        table: "command_audit a",
        conditions: conditions(sql, query),
        total: AuditTree.total(sql),
        select: (where) => sql`
          SELECT a.* FROM command_audit a JOIN audit_position p ON p.id = a.id WHERE ${where}
          ORDER BY ${sql.literal(`${columns[query.sortBy]} ${query.sortOrder}, p.seq ${query.sortOrder}`)}`,
        decode: decodeRows
      })
    )
  )

  const get = Effect.fn("AuditLog.get")((id: string) =>
    Effect.flatMap(
      store.read((sql) => Effect.flatMap(sql`SELECT * FROM command_audit WHERE id = ${id}`, decodeRows)),
      ([entry]) => (entry === undefined ? new AuditEntryNotFound({ id }) : Effect.succeed(entry))
    )
  )

  const newest = Effect.map(store.read(AuditTree.total), (rows) => Number(rows[0]?.total ?? 0))

  const entries = (filter: AuditFilter) =>
    Stream.unwrap(
      Effect.map(newest, (last) =>
        Stream.paginateChunkEffect(0, (after) =>
          store.readAside((sql) =>
            Effect.gen(function* () {
              const where = sql.and([sql`p.seq > ${after} AND p.seq <= ${last}`, ...conditions(sql, filter)])
              const rows = yield* sql<{ seq: number }>`
                SELECT a.*, p.seq FROM audit_position p JOIN command_audit a ON a.id = p.id WHERE ${where}
                ORDER BY p.seq LIMIT ${exportPage}`
              const end = rows.length < exportPage ? Option.none() : Option.fromNullable(rows.at(-1))
              return [
                Chunk.unsafeFromArray([...(yield* decodeRows(rows))]),
                Option.map(end, ({ seq }) => Number(seq))
              ] as const
            })
          )
        )
      )
    )

  return AuditLog.of({ page, get, entries })
})

/** Over the store's database. */
export const layer: Layer.Layer<AuditLog, never, Store> = Layer.effect(AuditLog, make)

/** Costs the same however long the record is: one of the first pages of all of it, in the order of time. */
const isFlat = ({ limit, page, sortBy, sortOrder: _, ...filter }: AuditQuery): boolean =>
  sortBy === "timestamp" && page * limit <= maxFlatRows && Object.keys(filter).length === 0

/** How many rows may be passed over without anybody's noticing. */
const maxFlatRows = 1_000

/** The only names that reach SQL as text. */
const columns: Record<typeof AuditSort.Type, string> = {
  timestamp: "a.timestamp",
  actor: "a.actor",
  actionType: "a.action_type",
  target: "a.target",
  outcome: "a.outcome"
}

const conditions = (sql: SqlClient, query: AuditFilter) => [
  ...RecordPage.equal(sql, {
    "a.action_type": query.actionType,
    "a.target": query.target,
    "a.actor": query.actor,
    "a.outcome": query.outcome
  }),
  ...RecordPage.within(sql, "a.timestamp", query)
]

const Json = Schema.NullOr(Schema.parseJson(Schema.Unknown))

const Row = Schema.Struct({
  id: Schema.String,
  timestamp: FromSql,
  actor: Schema.String,
  actionType: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("action_type")),
  target: Schema.String,
  outcome: Outcome,
  beforeState: Schema.propertySignature(Json).pipe(Schema.fromKey("before_state_json")),
  afterState: Schema.propertySignature(Json).pipe(Schema.fromKey("after_state_json")),
  commandParams: Schema.propertySignature(Json).pipe(Schema.fromKey("command_params_json")),
  logs: Schema.propertySignature(Json).pipe(Schema.fromKey("logs_json"))
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
