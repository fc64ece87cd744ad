/** The route of the audit, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { AuditEntry, AuditLog, Command, Page, Store, Timestamp } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import * as Problem from "./Problem.ts"

/** Digits alone: `1e3`, ` 1` and `0x1` are numbers to JavaScript. */
const Digits = Schema.transform(
  Schema.String.pipe(Schema.pattern(/^\d{1,10}$/, { message: () => "expected a whole number" })),
  Schema.Number,
  { strict: true, decode: Number, encode: String }
)

/** What a request may say; what it leaves out, `AuditLog.AuditQuery` fills in. */
export const AuditQuery = Schema.Struct({
  page: Schema.optionalWith(Schema.compose(Digits, Page.PageNumber), { exact: true }),
  limit: Schema.optionalWith(Schema.compose(Digits, Page.PageLimit), { exact: true }),
  sortBy: Schema.optionalWith(Problem.oneOf(AuditLog.AuditSort), { exact: true }),
  sortOrder: Schema.optionalWith(Problem.oneOf(Page.SortOrder), { exact: true }),
  actionType: Schema.optionalWith(Schema.String, { exact: true }),
  target: Schema.optionalWith(Schema.String, { exact: true }),
  actor: Schema.optionalWith(Schema.String, { exact: true }),
  outcome: Schema.optionalWith(Problem.oneOf(Command.Outcome), { exact: true }),
  startDate: Schema.optionalWith(Timestamp.Bound, { exact: true }),
  endDate: Schema.optionalWith(Timestamp.Bound, { exact: true })
}).annotations({ parseOptions: { errors: "all" } })
export type AuditQuery = typeof AuditQuery.Type

export const AuditPage = Schema.Struct({
  data: Schema.Array(AuditEntry.AuditEntry),
  meta: Page.PageMeta
}).annotations({ identifier: "AuditPage" })

export class AuditApi extends HttpApiGroup.make("audit").add(
  HttpApiEndpoint.get("page", "/reconciliation/audit")
    .setUrlParams(AuditQuery)
    .addSuccess(AuditPage)
    .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
) {}
