/** The routes of the audit, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { AuditCheckpoints, AuditEntry, Command, AuditQuery as Core, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Expected from "./Expected.ts"
import * as Operation from "./Operation.ts"
import { dateFields, dateParameters, pageParameters, pageQuery } from "./PageQuery.ts"
import * as Problem from "./Problem.ts"

const filterFields = {
  actionType: Schema.optionalWith(Schema.String, { exact: true }),
  target: Schema.optionalWith(Schema.String, { exact: true }),
  actor: Schema.optionalWith(Schema.String, { exact: true }),
  outcome: Schema.optionalWith(Expected.oneOf(Command.Outcome), { exact: true })
}

/** What a request may say; what it leaves out, the core's `AuditQuery` fills in. */
export const AuditQuery = pageQuery({
  sortBy: Schema.optionalWith(Expected.oneOf(Core.AuditSort), { exact: true }),
  ...filterFields,
  cursor: Schema.optionalWith(Schema.String.pipe(Schema.maxLength(200)), { exact: true })
})
export type AuditQuery = typeof AuditQuery.Type

const filterParameters = {
  actionType: { description: "Only this action.", example: "retry-job" },
  target: { description: "Only this target." },
  actor: { description: "Only what this actor did." },
  outcome: { description: "Only what ended so." }
}

const etag = { description: "What the page goes by.", required: true, schema: { type: "string" } }

const page = Operation.told({
  id: "listAudit",
  permission: "viewer",
  summary: "Who did what, and how it ended",
  description:
    "The append-only record of commands that have ended, in pages. Rows of one time keep their order. A page goes by an " +
    "`ETag`, which is another one as soon as the record grows.",
  parameters: {
    ...pageParameters,
    sortBy: { description: "`timestamp`, unless told otherwise." },
    ...filterParameters,
    cursor: {
      description:
        "The page after the one whose `nextCursor` this is, with the same sorting and filters, whatever `page` says. " +
        "Who follows cursors sees no row twice and misses none that was there at the beginning, whatever is written."
    },
    "if-none-match": {
      in: "header",
      name: "If-None-Match",
      description: "`ETag`s of what you have.",
      schema: { type: "string" }
    }
  },
  answers: {
    200: { description: "One page of the audit.", headers: { ETag: etag } },
    304: { description: "It is what you have.", headers: { ETag: etag } }
  },
  problems: ["invalid-request", "audit-cursor-invalid", "store-unreadable"]
})

const get = Operation.told({
  id: "getAuditEntry",
  permission: "viewer",
  summary: "What became of one command",
  description: "One entry of the audit. A command has one as soon as it has ended.",
  parameters: { id: { description: "The `commandId`.", example: "retry-4711" } },
  answers: { 200: { description: "The entry." } },
  problems: ["invalid-request", "audit-entry-not-found", "not-found", "store-unreadable"]
})

/** In which form the whole record may be asked for. */
export const ExportFormat = Schema.Literal("ndjson", "csv")

/** Which entries, and in which form. */
export const AuditExport = Schema.Struct({
  format: Schema.optionalWith(Expected.oneOf(ExportFormat), { exact: true }),
  ...filterFields,
  ...dateFields
}).annotations({ parseOptions: { errors: "all" } })

const exported = Operation.told({
  id: "exportAudit",
  permission: "viewer",
  summary: "All of the record",
  description:
    "Every entry that was there at the beginning, in the order of insertion, as it is read: however long the record is, " +
    "little of it is in memory. An answer that breaks off before its end is not whole; one that nobody reads for a minute does. In CSV an apostrophe stands before " +
    "every cell that a spreadsheet would take for a formula, or that begins with one.",
  parameters: {
    format: { description: "`ndjson`, an object a line, unless told otherwise." },
    ...filterParameters,
    ...dateParameters
  },
  answers: {
    200: {
      description: "The entries.",
      content: {
        "application/x-ndjson": { schema: { type: "string" } },
        "text/csv": { schema: { type: "string" } }
      }
    }
  },
  problems: ["invalid-request", "streams-exhausted"]
})

const checkpoint = Operation.told({
  id: "getAuditCheckpoint",
  permission: "viewer",
  summary: "The newest signed checkpoint",
  description:
    "A C2SP signed note: how many entries there are, and the root of the tree over them. Whoever keeps copies of it " +
    "elsewhere can tell for ever whether the record up to there is what it was: `mithrandir audit verify --checkpoint`.",
  answers: { 200: { description: "The note, as it was signed." } },
  problems: ["checkpoint-not-found"]
})

/** The group of the audit's routes. */
export class AuditApi extends HttpApiGroup.make("mithrandirAudit")
  .add(
    HttpApiEndpoint.get("page", "/reconciliation/audit")
      .setUrlParams(AuditQuery)
      .setHeaders(Schema.Struct({ "if-none-match": Schema.optionalWith(Schema.String, { exact: true }) }))
      .addSuccess(Core.AuditPage)
      .addError(Problem.of(Core.AuditCursorInvalid, "audit-cursor-invalid", Problem.about("cursor")))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(page)
  )
  .add(
    HttpApiEndpoint.get("export", "/reconciliation/audit/export")
      .setUrlParams(AuditExport)
      .addSuccess(HttpApiSchema.Text({ contentType: "application/x-ndjson" }))
      .annotateContext(exported)
  )
  .add(
    HttpApiEndpoint.get("checkpoint", "/reconciliation/audit/checkpoint")
      .addSuccess(HttpApiSchema.Text({ contentType: "text/plain; charset=utf-8" }))
      .addError(Problem.of(AuditCheckpoints.AuditCheckpointNotFound, "checkpoint-not-found"))
      .annotateContext(checkpoint)
  )
  .add(
    HttpApiEndpoint.get("get", "/reconciliation/audit/:id")
      .setPath(Schema.Struct({ id: Command.CommandId }))
      .addSuccess(AuditEntry.AuditEntry)
      .addError(Problem.of(AuditEntry.AuditEntryNotFound, "audit-entry-not-found"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(get)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Audit", "Who did what, when, and how it ended.")) {}
