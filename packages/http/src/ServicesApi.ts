/** The route of the registered services, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Operation from "./Operation.ts"
import * as Problem from "./Problem.ts"

/** Every service that was ever registered. */
export const Services = Schema.Struct({ data: Schema.Array(Service.Service) }).annotations({ identifier: "Services" })

const registered = Operation.told({
  id: "listServices",
  permission: "viewer",
  summary: "Every service, with its health",
  description: "Services come from the configuration. One that left it is still listed, as `retired`.",
  answers: { 200: { description: "Every service that was ever registered." } },
  problems: ["store-unreadable"]
})

/** The group of the services' route. */
export class ServicesApi extends HttpApiGroup.make("mithrandirServices")
  .add(
    HttpApiEndpoint.get("registered", "/services/registered")
      .addSuccess(Services)
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(registered)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Services", "The job systems that own the truth.")) {}
