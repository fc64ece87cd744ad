/** The routes that tell whether the server lives and can work, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Operation from "./Operation.ts"

const live = Operation.told({
  id: "getLive",
  permission: "anyone",
  summary: "Whether the process runs",
  description: "Answers as soon as the server listens, and needs nothing else.",
  answers: { 200: { description: "It runs." } },
  problems: []
})

const ready = Operation.told({
  id: "getReady",
  permission: "anyone",
  summary: "Whether it can work",
  description:
    "Ready is who can write, and whose passes come in time. An upstream that is down does not make the server unready. The " +
    "`errors` of `not-ready` name what fails.",
  answers: { 200: { description: "It can work." } },
  problems: ["not-ready"]
})

/** The group of the health routes. */
export class HealthApi extends HttpApiGroup.make("mithrandirHealth")
  .add(
    HttpApiEndpoint.get("live", "/live")
      .addSuccess(Schema.Struct({ status: Schema.Literal("live") }))
      .annotateContext(live)
  )
  .add(
    // Not ready: a 503 problem, `not-ready`, whose `errors` name what fails.
    HttpApiEndpoint.get("ready", "/ready")
      .addSuccess(Schema.Struct({ status: Schema.Literal("ready") }))
      .annotateContext(ready)
  )
  .prefix("/health")
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Health", "Whether the server lives and can work.")) {}
