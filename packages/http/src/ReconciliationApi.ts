/** The routes of reconciliation, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Event, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { JsonBody } from "./JsonBody.ts"
import * as Problem from "./Problem.ts"

export const RunRequest = Schema.Struct({
  /** Absent: every service. */
  service: Schema.optionalWith(Service.ServiceId, { exact: true }),
  /** Take what the source says for true, ending the open disputes. */
  accept: Schema.optionalWith(Schema.Boolean, { exact: true })
}).annotations({
  identifier: "RunRequest",
  parseOptions: { errors: "all", onExcessProperty: "error" },
  message: Problem.anObject
})
export type RunRequest = typeof RunRequest.Type

export const Updates = Schema.Struct({ data: Schema.Array(Event.ReconciliationUpdate) }).annotations({
  identifier: "Updates"
})

export class ReconciliationApi extends HttpApiGroup.make("reconciliation")
  .add(
    HttpApiEndpoint.get("status", "/reconciliation/status")
      .addSuccess(Updates)
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
  )
  .add(
    HttpApiEndpoint.post("run", "/reconciliation/run")
      .setPayload(RunRequest)
      .addSuccess(Updates)
      .addError(Problem.of(Service.ServiceNotFound, "service-not-found", () => "service"))
      .addError(Problem.of(Store.StoreUnavailable, "store-unavailable"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .middleware(JsonBody)
  ) {}
