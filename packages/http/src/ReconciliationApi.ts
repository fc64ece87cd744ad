/** The routes of reconciliation, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Event, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Expected from "./Expected.ts"
import { JsonBody } from "./JsonBody.ts"
import * as Operation from "./Operation.ts"
import * as Problem from "./Problem.ts"

/** What is asked of a pass. */
export const RunRequest = Schema.Struct({
  /** Absent: every service. */
  service: Schema.optionalWith(Service.ServiceId, { exact: true }),
  /** Take what the source says for true, ending the open disputes. */
  accept: Schema.optionalWith(Schema.Boolean, { exact: true })
}).annotations({
  identifier: "RunRequest",
  description:
    "`service`: absent, every service. `accept`: take what the source says for true, ending the open disputes.",
  parseOptions: { errors: "all", onExcessProperty: "error" },
  message: Expected.anObject
})
export type RunRequest = typeof RunRequest.Type

/** How passes ended. */
export const Updates = Schema.Struct({ data: Schema.Array(Event.ReconciliationUpdate) }).annotations({
  identifier: "Updates"
})

const status = Operation.told({
  id: "getStatus",
  permission: "viewer",
  summary: "The latest pass of every service",
  description: "Services that no pass has looked at yet are left out.",
  answers: { 200: { description: "The latest pass of each." } },
  problems: ["store-unreadable"]
})

const run = Operation.told({
  id: "reconcile",
  permission: "operator",
  summary: "A pass now",
  description:
    "Looks at one service, or at each, and answers when that is done. A source that gives no usable answer makes its " +
    "pass `stale`, and no error of this route.",
  answers: { 200: { description: "How each pass ended." } },
  problems: [...Operation.ofBodies, "too-many-commands", "service-not-found", "store-unavailable", "store-unreadable"]
})

/** The group of the routes of reconciliation. */
export class ReconciliationApi extends HttpApiGroup.make("mithrandirReconciliation")
  .add(
    HttpApiEndpoint.get("status", "/reconciliation/status")
      .addSuccess(Updates)
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(status)
  )
  .add(
    HttpApiEndpoint.post("run", "/reconciliation/run")
      .setPayload(RunRequest)
      .addSuccess(Updates)
      .addError(Problem.of(Service.ServiceNotFound, "service-not-found", Problem.about("service")))
      .addError(Problem.of(Store.StoreUnavailable, "store-unavailable"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .middleware(JsonBody)
      .annotateContext(run)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Reconciliation", "Whether what is believed is true.")) {}
