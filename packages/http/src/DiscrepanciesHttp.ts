/** Answers the route of the record of what differed. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { DiscrepancyLog, ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as KnownServices from "./KnownServices.ts"
import type { Mounted } from "./Mount.ts"

/** Fills in what the request leaves out. What it says was checked already. */
const withDefaults = Schema.decodeSync(DiscrepancyLog.DiscrepancyQuery)

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirDiscrepancies", (handlers) =>
    Effect.gen(function* () {
      const discrepancies = yield* DiscrepancyLog.DiscrepancyLog
      const registry = yield* ServiceRegistry.ServiceRegistry
      return handlers.handle("page", ({ urlParams }) =>
        Effect.gen(function* () {
          if (urlParams.service !== undefined) yield* KnownServices.check(registry, [urlParams.service])
          return yield* discrepancies.page(withDefaults(urlParams))
        })
      )
    })
  )
