/** The route of the registered services, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import * as Problem from "./Problem.ts"

export const Services = Schema.Struct({ data: Schema.Array(Service.Service) }).annotations({ identifier: "Services" })

export class ServicesApi extends HttpApiGroup.make("services").add(
  HttpApiEndpoint.get("registered", "/services/registered")
    .addSuccess(Services)
    .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
) {}
