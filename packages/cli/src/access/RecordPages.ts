/** The whole record, read through pages that know nothing of each other. */
import { type AuditEntry, type AuditQuery, Page } from "@mithrandir/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Failure } from "../line/Program.ts"

/** Something came into the middle of the record while it was read. */
export class RecordChanged extends Schema.TaggedError<RecordChanged>()("RecordChanged", {}) {
  override get message() {
    return "the record changed while it was read, so that entries may be missing or there twice; export it again"
  }
}

/** One page of the record. */
export type AskPage = (
  query: Pick<AuditQuery.AuditQuery, "page" | "limit" | "sortBy" | "sortOrder">
) => Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Failure>

/**
 * The record up to the entry that is its last when this begins, the oldest first, held in memory a page at a time. The
 * record only grows, and nearly always at its end. What comes before the last entry read so far would push it into the
 * next page, a second time: so each page that finds the record longer than the one before has that entry looked for
 * where it was. What comes after it is simply read.
 */
export const entries = (ask: AskPage, limit = Page.maxLimit): Stream.Stream<AuditEntry.AuditEntry, Failure> =>
  Stream.unwrap(
    Effect.map(ask({ sortBy: "timestamp", sortOrder: "desc", page: 1, limit: 1 }), ({ data: [newest] }) =>
      newest === undefined ? Stream.empty : upTo(newest.id, ask, limit)
    )
  )

const upTo = (newest: string, ask: AskPage, limit: number): Stream.Stream<AuditEntry.AuditEntry, Failure> =>
  Stream.paginateChunkEffect({ pages: 0, total: 0, last: undefined as string | undefined }, (before) =>
    Effect.gen(function* () {
      const { data, meta } = yield* ask({ ...oldestFirst, page: before.pages + 1, limit })
      if (before.last !== undefined && meta.total !== before.total) {
        yield* stands(ask, before.last, before.pages * limit)
      }
      const end = data.findIndex(({ id }) => id === newest)
      if (end >= 0) return [Chunk.fromIterable(data.slice(0, end + 1)), Option.none()] as const
      const last = data.at(-1)?.id
      // The record never shrinks: one that ends before its end is another.
      if (last === undefined) return yield* new RecordChanged()
      return [Chunk.fromIterable(data), Option.some({ pages: before.pages + 1, total: meta.total, last })] as const
    })
  )

const oldestFirst = { sortBy: "timestamp", sortOrder: "asc" } as const

/** Whether an entry is still at this place, counted from 1: then nothing came before it. */
const stands = (ask: AskPage, id: string, place: number) =>
  Effect.flatMap(ask({ ...oldestFirst, page: place, limit: 1 }), ({ data }) =>
    data[0]?.id === id ? Effect.void : new RecordChanged()
  )
