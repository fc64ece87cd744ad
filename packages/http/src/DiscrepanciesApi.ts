/** The route of the record of what differed, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { DiscrepancyLog, Event, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Expected from "./Expected.ts"
import * as Operation from "./Operation.ts"
import { pageOf, pageParameters, pageQuery } from "./PageQuery.ts"
import * as Problem from "./Problem.ts"

/** What a request may say; what it leaves out, `DiscrepancyLog.DiscrepancyQuery` fills in. */
export const DiscrepancyQuery = pageQuery({
  service: Schema.optionalWith(Service.ServiceId, { exact: true }),
  status: Schema.optionalWith(Expected.oneOf(Event.PassStatus), { exact: true })
})
export type DiscrepancyQuery = typeof DiscrepancyQuery.Type

/** One page of the record. */
export const DiscrepancyPage = pageOf("DiscrepancyPage", DiscrepancyLog.Discrepancy)

const page = Operation.told({
  id: "listDiscrepancies",
  permission: "viewer",
  summary: "What differed, and when that changed",
  description:
    "The append-only record of discrepancies, in pages, by time. A service has a new row when what is disputed changes, " +
    "and when it turns `stale` or returns to `verified`; never one for each pass.",
  parameters: {
    ...pageParameters,
    service: { description: "Only this service. One that was never registered is a 400.", example: "palantir" },
    status: { description: "Only passes that ended so." }
  },
  answers: { 200: { description: "One page of the record." } },
  problems: ["invalid-request", "store-unreadable"]
})

/** The group of the record's route. */
export class DiscrepanciesApi extends HttpApiGroup.make("mithrandirDiscrepancies")
  .add(
    HttpApiEndpoint.get("page", "/reconciliation/discrepancies")
      .setUrlParams(DiscrepancyQuery)
      .addSuccess(DiscrepancyPage)
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(page)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Discrepancies", "What differed, since when, and what ended it.")) {}
