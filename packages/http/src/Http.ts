/** The whole API: every route answered, behind the gate, with every failure told as a problem. */
import type * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import type {
  AuditLog,
  Commands,
  DiscrepancyLog,
  HealthMonitor,
  Reconciler,
  SecurityLog,
  ServiceRegistry,
  Store,
  Tokens
} from "@mithrandir/core"
import * as Layer from "effect/Layer"
import type * as Admission from "./Admission.ts"
import * as AdmissionHttp from "./AdmissionHttp.ts"
import { Api } from "./Api.ts"
import * as AuditHttp from "./AuditHttp.ts"
import * as CommandsHttp from "./CommandsHttp.ts"
import * as DiscrepanciesHttp from "./DiscrepanciesHttp.ts"
import * as DocumentHttp from "./DocumentHttp.ts"
import type { EventHub } from "./EventHub.ts"
import type { Gate } from "./Gate.ts"
import * as Gatekeeper from "./Gatekeeper.ts"
import * as HealthHttp from "./HealthHttp.ts"
import * as JobsHttp from "./JobsHttp.ts"
import * as JsonBody from "./JsonBody.ts"
import * as Mount from "./Mount.ts"
import * as ProblemHttp from "./ProblemHttp.ts"
import * as ReconciliationHttp from "./ReconciliationHttp.ts"
import * as SecurityHttp from "./SecurityHttp.ts"
import * as ServicesHttp from "./ServicesHttp.ts"
import * as StreamHttp from "./StreamHttp.ts"
import * as Tickets from "./Tickets.ts"

/** What the routes stand on: parts of `Mithrandir.layer`. */
export type Core =
  | AuditLog.AuditLog
  | Commands.Commands
  | DiscrepancyLog.DiscrepancyLog
  | HealthMonitor.HealthMonitor
  | Reconciler.Reconciler
  | SecurityLog.SecurityLog
  | ServiceRegistry.ServiceRegistry
  | Store.Store
  | Tokens.Tokens

/** Middleware that an embedder has put before our routes: it is the embedder's to provide. */
type Foreign<G extends HttpApiGroup.HttpApiGroup.Any> = Exclude<
  HttpApiGroup.HttpApiGroup.MiddlewareWithName<G, Mount.Groups["identifier"]>,
  Admission.Admission | JsonBody.JsonBody
>

/**
 * Answers our routes within an API of yours that has them, wherever it has them. What goes wrong in them, and unknown
 * routes under their prefix, are problems; your own routes keep their own errors. Throws a `TypeError` for an API that
 * lacks our routes.
 *
 * @example
 * class MyApi extends HttpApi.make("my").add(MyGroup).addHttpApi(Api.Api.prefix("/ops")) {}
 * HttpApiBuilder.api(MyApi).pipe(Layer.provide(Http.layerFor(MyApi)))
 */
export const layerFor = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  host: HttpApi.HttpApi<Id, G, E, R>
): Layer.Layer<HttpApiGroup.HttpApiGroup.ToService<Id, Mount.Groups>, never, Core | EventHub | Gate | Foreign<G>> => {
  const mount = Mount.of(host)
  const { api } = mount
  return Layer.mergeAll(
    AuditHttp.layer(api),
    CommandsHttp.layer(api),
    DiscrepanciesHttp.layer(api),
    DocumentHttp.layer(api),
    HealthHttp.layer(api),
    JobsHttp.layer(api),
    ReconciliationHttp.layer(api),
    SecurityHttp.layer(api),
    ServicesHttp.layer(api),
    StreamHttp.layer(api)
  ).pipe(
    Layer.provide([AdmissionHttp.layer(mount), JsonBody.layer]),
    Layer.merge(ProblemHttp.layer(mount)),
    Layer.provide(Gatekeeper.layer),
    Layer.provide(Tickets.layer)
  )
}

/** Our routes and no others, for `HttpApiBuilder.serve`, `HttpApiBuilder.httpApp` or `HttpApiBuilder.toWebHandler`. */
export const layer: Layer.Layer<HttpApi.Api, never, Core | EventHub | Gate> = Layer.suspend(() =>
  // Not before somebody serves: to make the document of all routes takes longer than most of what a terminal asks for.
  HttpApiBuilder.api(Api).pipe(Layer.provide(layerFor(Api)))
)
