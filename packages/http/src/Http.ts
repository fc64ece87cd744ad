/** The whole API: every route answered, behind the gate, with every failure told as a problem. */
import type * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type { AuditLog, Commands, HealthMonitor, Reconciler, ServiceRegistry, Store } from "@mithrandir/core"
import * as Layer from "effect/Layer"
import * as Admission from "./Admission.ts"
import { Api } from "./Api.ts"
import * as AuditHttp from "./AuditHttp.ts"
import * as CommandsHttp from "./CommandsHttp.ts"
import type { EventHub } from "./EventHub.ts"
import type { Gate } from "./Gate.ts"
import * as HealthHttp from "./HealthHttp.ts"
import * as JobsHttp from "./JobsHttp.ts"
import * as JsonBody from "./JsonBody.ts"
import * as ProblemHttp from "./ProblemHttp.ts"
import * as ReconciliationHttp from "./ReconciliationHttp.ts"
import * as ServicesHttp from "./ServicesHttp.ts"
import * as StreamHttp from "./StreamHttp.ts"

/** What the routes stand on. */
export type Core =
  | AuditLog.AuditLog
  | Commands.Commands
  | HealthMonitor.HealthMonitor
  | Reconciler.Reconciler
  | ServiceRegistry.ServiceRegistry
  | Store.Store

/** For `HttpApiBuilder.serve`, `HttpApiBuilder.httpApp` or `HttpApiBuilder.toWebHandler`. */
export const layer: Layer.Layer<HttpApi.Api, never, Core | EventHub | Gate> = HttpApiBuilder.api(Api).pipe(
  Layer.provide([
    AuditHttp.layer,
    CommandsHttp.layer,
    HealthHttp.layer,
    JobsHttp.layer,
    ReconciliationHttp.layer,
    ServicesHttp.layer,
    StreamHttp.layer
  ]),
  Layer.provide([Admission.layer, JsonBody.layer]),
  Layer.provideMerge(ProblemHttp.layer)
)
