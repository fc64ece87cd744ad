/** The routes that tell whether the server lives and can work, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"

export class HealthApi extends HttpApiGroup.make("health")
  .add(HttpApiEndpoint.get("live", "/live").addSuccess(Schema.Struct({ status: Schema.Literal("live") })))
  // Not ready: a 503 problem, `not-ready`, whose `errors` name what fails.
  .add(HttpApiEndpoint.get("ready", "/ready").addSuccess(Schema.Struct({ status: Schema.Literal("ready") })))
  .prefix("/health") {}
