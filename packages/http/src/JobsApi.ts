/** The route that passes an upstream's word on stuck jobs through, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Service } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Operation from "./Operation.ts"

/** Where it is, without a prefix. */
export const path = "/api/jobs/stuck"

/** `service` is ours; everything else in the query is the upstream's. */
export const StuckQuery = Schema.Struct({ service: Schema.optionalWith(Service.ServiceId, { exact: true }) })

const passed: Operation.Json = { "*/*": { schema: {} } }

const stuck = Operation.told({
  id: "listStuckJobs",
  permission: "viewer",
  summary: "What an upstream says of its stuck jobs",
  description:
    "Passed through from the service's `/api/v1/jobs/stuck`: the query but for `service`, and its status, media type " +
    "and body, whatever they are. Where it gives no answer, or none can be asked, that is a problem.",
  parameters: {
    service: { description: "Which service; needed where several could answer.", example: "palantir" }
  },
  answers: {
    "2XX": { description: "As the upstream answered.", content: passed },
    "3XX": { description: "As the upstream answered.", content: passed },
    "4XX": { description: "As the upstream answered.", content: passed },
    "5XX": { description: "As the upstream answered.", content: passed }
  },
  problems: [
    "invalid-request",
    "service-required",
    "stuck-not-supported",
    "upstream-unreachable",
    "upstream-invalid",
    "upstream-timeout"
  ],
  beside: passed
})

/** The group of the jobs' route. */
export class JobsApi extends HttpApiGroup.make("mithrandirJobs")
  .add(
    // Whatever the upstream answers, with its status.
    HttpApiEndpoint.get("stuck", path).setUrlParams(StuckQuery).addSuccess(Schema.Unknown).annotateContext(stuck)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Jobs", "What an upstream says itself.")) {}
