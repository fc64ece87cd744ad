/** The whole record, read through pages that know nothing of each other. */
import { type AuditEntry, type AuditLog, Page } from "@mithrandir/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Failure } from "./Program.ts"

/** Something came into the middle of the record while it was read. */
export class RecordChanged extends Schema.TaggedError<RecordChanged>()("RecordChanged", {}) {
  override get message() {
    return "the record changed while it was read, so that entries may be missing or there twice; export it again"
  }
}

/** One page of the record, the oldest entries first. */
export type AskPage = (
  query: Pick<AuditLog.AuditQuery, "page" | "limit" | "sortBy" | "sortOrder">
) => Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Failure>

/**
 * As many entries as there are at the first page, the oldest first, held in memory a page at a time. The record only
 * grows, and nearly always at its end. Whether it grew before an entry is known by looking whether that entry is still
 * where it was: this is done with every page that finds the record longer than the one before, and at the end.
 */
export const entries = (ask: AskPage, limit = Page.maxLimit): Stream.Stream<AuditEntry.AuditEntry, Failure> =>
  Stream.paginateChunkEffect(start, (before) =>
    Effect.gen(function* () {
      const { data, meta } = yield* ask({ ...oldestFirst, page: before.pages + 1, limit })
      const count = before.pages === 0 ? meta.total : before.count
      if (meta.total !== before.total && before.last !== undefined)
        yield* stands(ask, before.last, before.pages * limit)
      const left = count - before.pages * limit
      const entries = data.slice(0, left)
      // The record never shrinks: fewer than there were is another record.
      if (entries.length < Math.min(limit, left)) return yield* new RecordChanged()
      const last = entries.at(-1)?.id
      const pages = before.pages + 1
      const isEnd = pages * limit >= count
      if (isEnd && last !== undefined) yield* stands(ask, last, count)
      return [
        Chunk.fromIterable(entries),
        isEnd ? Option.none() : Option.some({ pages, count, total: meta.total, last })
      ] as const
    })
  )

const start = { pages: 0, count: 0, total: 0, last: undefined as string | undefined }

const oldestFirst = { sortBy: "timestamp", sortOrder: "asc" } as const

/** Whether an entry is still at this place, counted from 1: then nothing came before it. */
const stands = (ask: AskPage, id: string, place: number) =>
  Effect.flatMap(ask({ ...oldestFirst, page: place, limit: 1 }), ({ data }) =>
    data[0]?.id === id ? Effect.void : new RecordChanged()
  )
