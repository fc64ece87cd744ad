/** Answers the route of the registered services. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HealthMonitor } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import { Api } from "./Api.ts"

export const layer = HttpApiBuilder.group(Api, "services", (handlers) =>
  Effect.map(HealthMonitor.HealthMonitor, (monitor) =>
    handlers.handle("registered", () => Effect.map(monitor.services, (data) => ({ data })))
  )
)
