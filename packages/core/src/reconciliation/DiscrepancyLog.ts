/** The record of what differed, and when that changed, in pages. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DiscrepancyDetails, PassStatus } from "../model/Event.ts"
import { KnownCounts } from "../model/JobView.ts"
import { type Page, pageFields } from "../model/Page.ts"
import { ServiceId } from "../model/Service.ts"
import { FromSql, Timestamp } from "../model/Timestamp.ts"
import * as RecordPage from "../storage/RecordPage.ts"
import { Store, type StoreUnreadable } from "../storage/Store.ts"

/** One row of `discrepancy_event`: the disputes of a service changed, or it turned stale, or came back. */
export const Discrepancy = Schema.Struct({
  /** The `eventId` of the pass: a UUIDv7. */
  id: Schema.String,
  /** When the pass ended. */
  timestamp: Timestamp,
  service: ServiceId,
  status: PassStatus,
  /** The actual counts; of a `stale` pass, the last ones known. */
  counts: KnownCounts,
  /** Of `counts`, as `JobView.checksum` makes it. */
  checksum: Schema.String,
  /** How long reading the source took. */
  latencyMs: Schema.NonNegativeInt,
  /** null where nothing differed, or a `stale` pass found out nothing. */
  discrepancyDetails: Schema.NullOr(DiscrepancyDetails)
}).annotations({ identifier: "Discrepancy" })
export type Discrepancy = typeof Discrepancy.Type

/** Which rows, by time. `startDate <= timestamp < endDate`. */
export const DiscrepancyQuery = Schema.Struct({
  ...pageFields,
  /** Only of this service, by its id. */
  service: Schema.optionalWith(Schema.String, { exact: true }),
  status: Schema.optionalWith(PassStatus, { exact: true })
})
export type DiscrepancyQuery = typeof DiscrepancyQuery.Type

/** The record of what differed: a row whenever the disputes of a service change, it turns stale, or comes back. */
export class DiscrepancyLog extends Context.Tag("@mithrandir/core/DiscrepancyLog")<
  DiscrepancyLog,
  {
    /** One page of the rows that a query asks for, and how many there are in all. */
    readonly page: (query: DiscrepancyQuery) => Effect.Effect<Page<Discrepancy>, StoreUnreadable>
    /** The status that was recorded of a service last. */
    readonly lastStatus: (service: ServiceId) => Effect.Effect<Option.Option<PassStatus>, StoreUnreadable>
  }
>() {}

const make = Effect.gen(function* () {
  const store = yield* Store

  const page = Effect.fn("DiscrepancyLog.page")((query: DiscrepancyQuery) =>
    store.readAside((sql) =>
      RecordPage.readByTime(sql, query, {
        table: "discrepancy_event",
        where: { service: query.service, status: query.status },
        decode: decodeRows
      })
    )
  )

  const lastStatus = Effect.fn("DiscrepancyLog.lastStatus")((service: ServiceId) =>
    Effect.map(
      store.read(
        (sql) => sql<{ status: PassStatus | null }>`
          SELECT recorded_status AS status FROM latest_update WHERE service = ${service}`
      ),
      (rows) => Option.flatMapNullable(Option.fromNullable(rows[0]), ({ status }) => status)
    )
  )

  return DiscrepancyLog.of({ page, lastStatus })
})

/** Over the store's database. */
export const layer: Layer.Layer<DiscrepancyLog, never, Store> = Layer.effect(DiscrepancyLog, make)

const Row = Schema.Struct({
  id: Schema.String,
  timestamp: FromSql,
  service: ServiceId,
  status: PassStatus,
  counts: Schema.propertySignature(Schema.parseJson(KnownCounts)).pipe(Schema.fromKey("counts_json")),
  checksum: Schema.String,
  latencyMs: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("latency_ms")),
  discrepancyDetails: Schema.propertySignature(Schema.NullOr(Schema.parseJson(DiscrepancyDetails))).pipe(
    Schema.fromKey("discrepancy_details_json")
  )
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
