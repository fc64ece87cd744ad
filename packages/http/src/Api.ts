/** Every route there is, as data: the server, the client, the OpenAPI document and the CLI all read this. */
import * as HttpApi from "@effect/platform/HttpApi"
import { AuditApi } from "./AuditApi.ts"
import { CommandsApi } from "./CommandsApi.ts"
import { DiscrepanciesApi } from "./DiscrepanciesApi.ts"
import { DocumentApi } from "./DocumentApi.ts"
import { HealthApi } from "./HealthApi.ts"
import { JobsApi } from "./JobsApi.ts"
import { ReconciliationApi } from "./ReconciliationApi.ts"
import { SecurityApi } from "./SecurityApi.ts"
import { ServicesApi } from "./ServicesApi.ts"
import { StreamApi } from "./StreamApi.ts"

/** The groups, so that the declarations of an API that has them can name them. */
export {
  AuditApi,
  CommandsApi,
  DiscrepanciesApi,
  DocumentApi,
  HealthApi,
  JobsApi,
  ReconciliationApi,
  SecurityApi,
  ServicesApi,
  StreamApi
}

/**
 * The routes, for `HttpApi.addHttpApi`, under a prefix or not. Any of them may also answer with a `Problem`: of the
 * gate, of the request's form, or of ours.
 *
 * @example
 * class MyApi extends HttpApi.make("my").add(MyGroup).addHttpApi(Api.Api.prefix("/ops")) {}
 */
export class Api extends HttpApi.make("mithrandir")
  .add(ReconciliationApi)
  .add(StreamApi)
  .add(DiscrepanciesApi)
  .add(AuditApi)
  .add(CommandsApi)
  .add(ServicesApi)
  .add(JobsApi)
  .add(SecurityApi)
  .add(HealthApi)
  .add(DocumentApi) {}
