/** What may be asked of the record of what was done, and what one page of it is. */
import * as Schema from "effect/Schema"
import { AuditEntry } from "./AuditEntry.ts"
import { Outcome } from "./Command.ts"
import { PageMeta, pageFields } from "./Page.ts"

/** What a page of the audit may be sorted by. */
export const AuditSort = Schema.Literal("timestamp", "actor", "actionType", "target", "outcome")
export type AuditSort = typeof AuditSort.Type

/** Which entries. Absent: all. */
const filterFields = {
  actionType: Schema.optionalWith(Schema.String, { exact: true }),
  target: Schema.optionalWith(Schema.String, { exact: true }),
  actor: Schema.optionalWith(Schema.String, { exact: true }),
  outcome: Schema.optionalWith(Outcome, { exact: true })
}

/**
 * Which entries, in which order. `startDate <= timestamp < endDate`; ties break by insertion. `cursor`: the page after
 * the one that it came with, whatever `page` says; the sorting has to be that page's, and the filters should be.
 */
export const AuditQuery = Schema.Struct({
  ...pageFields,
  sortBy: Schema.optionalWith(AuditSort, { default: () => "timestamp" as const }),
  cursor: Schema.optionalWith(Schema.String, { exact: true }),
  ...filterFields
})
export type AuditQuery = typeof AuditQuery.Type

/** What of a query says which entries. */
export type AuditFilter = Pick<AuditQuery, keyof typeof filterFields | "startDate" | "endDate">

/** Where a page of the audit stands, and how to go on after it. */
export const AuditPageMeta = Schema.Struct({
  ...PageMeta.fields,
  /** The `cursor` of the next page; null where nothing is left. Opaque. */
  nextCursor: Schema.NullOr(Schema.String)
}).annotations({ identifier: "AuditPageMeta" })

/** One page of the audit. */
export const AuditPage = Schema.Struct({ data: Schema.Array(AuditEntry), meta: AuditPageMeta }).annotations({
  identifier: "AuditPage"
})
export type AuditPage = typeof AuditPage.Type

/** It is no cursor of this record, or of a page that was sorted otherwise. */
export class AuditCursorInvalid extends Schema.TaggedError<AuditCursorInvalid>()("AuditCursorInvalid", {}) {
  override get message() {
    return "expected the nextCursor of a page of this record, sorted in the same way; begin with the first page"
  }
}
