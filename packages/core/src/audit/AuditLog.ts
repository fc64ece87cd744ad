/** The record of what was done, in pages. */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AuditEntry, AuditEntryNotFound, Row } from "../model/AuditEntry.ts"
import {
  type AuditCursorInvalid,
  type AuditFilter,
  type AuditPage,
  AuditPageMeta,
  type AuditQuery
} from "../model/AuditQuery.ts"
import * as AuditTree from "../storage/AuditTree.ts"
import { Store, StoreUnreadable } from "../storage/Store.ts"
import type { PageText } from "./AuditPages.ts"
import * as AuditPages from "./AuditPages.ts"
import * as AuditRows from "./AuditRows.ts"

/** The record of what was done: one entry for every command that has ended. Read alone; nobody can change it. */
export class AuditLog extends Context.Tag("@mithrandir/core/AuditLog")<
  AuditLog,
  {
    /** One page of the entries that a query asks for, and how many there are in all. */
    readonly page: (query: AuditQuery) => Effect.Effect<AuditPage, AuditCursorInvalid | StoreUnreadable>
    /** The same as the JSON that it is sent as: a page that was asked for before is kept until the record grows. */
    readonly pageText: (query: AuditQuery) => Effect.Effect<PageText, AuditCursorInvalid | StoreUnreadable>
    /** The `tag` of that page, for somebody who may have it. */
    readonly pageTag: (query: AuditQuery) => Effect.Effect<string, AuditCursorInvalid | StoreUnreadable>
    /** What became of one command, by its `commandId`. */
    readonly get: (id: string) => Effect.Effect<AuditEntry, AuditEntryNotFound | StoreUnreadable>
    /**
     * Every entry that a filter lets through and that is there when this begins, in the order of their insertion,
     * whatever is written meanwhile. Read some hundred at a time, beside everything else.
     */
    readonly entries: (filter: AuditFilter) => Stream.Stream<AuditEntry, StoreUnreadable>
    /** The same as JSON, UTF-8: some hundred at a time, each with a line feed after it. */
    readonly lines: (filter: AuditFilter) => Stream.Stream<Uint8Array, StoreUnreadable>
  }
>() {}

const make = Effect.gen(function* () {
  const store = yield* Store

  const pages = AuditPages.make(store)

  const page = Effect.fn("AuditLog.page")((query: AuditQuery) =>
    Effect.flatMap(pages.read(query), ({ bytes }) => fitting(decodePage(Buffer.from(bytes).toString())))
  )

  const get = Effect.fn("AuditLog.get")((id: string) =>
    Effect.flatMap(
      store.read((sql) => Effect.flatMap(sql`SELECT * FROM command_audit WHERE id = ${id}`, decodeRows)),
      ([entry]) => (entry === undefined ? new AuditEntryNotFound({ id }) : Effect.succeed(entry))
    )
  )

  const newest = Effect.map(store.read(AuditTree.total), (rows) => Number(rows[0]?.total ?? 0))

  const lines = (filter: AuditFilter) =>
    Stream.unwrap(
      Effect.map(newest, (last) =>
        Stream.paginateChunkEffect(0, (after) =>
          Effect.map(
            store.readAside((sql) => AuditRows.lines(sql, filter, { after, last })),
            ({ seq, text }) =>
              text === null
                ? ([Chunk.empty<Uint8Array>(), Option.none()] as const)
                : ([Chunk.of(text), seq < last ? Option.some(seq) : Option.none()] as const)
          )
        )
      )
    )

  const entries = (filter: AuditFilter) =>
    Stream.mapConcatEffect(lines(filter), (text) => fitting(decodeEntries(linesOf(text))))

  return AuditLog.of({ page, pageText: pages.read, pageTag: pages.tag, get, lines, entries })
})

/** Over the store's database. */
export const layer: Layer.Layer<AuditLog, never, Store> = Layer.effect(AuditLog, make)

/** As in the table: of other writers of it, an id may be one that no command could have. */
const Entry = Schema.Struct({ ...AuditEntry.fields, id: Schema.String, actionType: Schema.String })

/** What another program wrote, and no answer of ours can have. */
const fitting = <A>(decoded: Effect.Effect<A, ParseError>): Effect.Effect<A, StoreUnreadable> =>
  Effect.catchTag(decoded, "ParseError", (error) =>
    Effect.zipRight(Effect.logError("an entry of the audit does not fit", error.message), new StoreUnreadable())
  )

const decodeEntries = Schema.decode(Schema.Array(Schema.parseJson(Entry)))
/** The lines of a text that ends with the end of one. */
const linesOf = (text: Uint8Array): ReadonlyArray<string> => Buffer.from(text).toString().split("\n").slice(0, -1)
const decodePage = Schema.decode(Schema.parseJson(Schema.Struct({ data: Schema.Array(Entry), meta: AuditPageMeta })))
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
