/** Answers the route of the registered services. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HealthMonitor } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import type { Mounted } from "./Mount.ts"

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirServices", (handlers) =>
    Effect.map(HealthMonitor.HealthMonitor, (monitor) =>
      handlers.handle("registered", () => Effect.map(monitor.services, (data) => ({ data })))
    )
  )
