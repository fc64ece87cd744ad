/** The route that passes an upstream's word on stuck jobs through, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Service } from "@mithrandir/core"
import * as Schema from "effect/Schema"

/** `service` is ours; everything else in the query is the upstream's. */
export const StuckQuery = Schema.Struct({ service: Schema.optionalWith(Service.ServiceId, { exact: true }) })

export class JobsApi extends HttpApiGroup.make("jobs").add(
  // Whatever the upstream answers, with its status.
  HttpApiEndpoint.get("stuck", "/api/jobs/stuck").setUrlParams(StuckQuery).addSuccess(Schema.Unknown)
) {}
