/** Every route there is, as data: the server, the client and the CLI all read this. */
import * as HttpApi from "@effect/platform/HttpApi"
import { Admission } from "./Admission.ts"
import { AuditApi } from "./AuditApi.ts"
import { CommandsApi } from "./CommandsApi.ts"
import { HealthApi } from "./HealthApi.ts"
import { JobsApi } from "./JobsApi.ts"
import { ReconciliationApi } from "./ReconciliationApi.ts"
import { ServicesApi } from "./ServicesApi.ts"
import { StreamApi } from "./StreamApi.ts"

/** Any route may also answer with a `Problem`: of the gate, of the request's form, or of ours. */
export class Api extends HttpApi.make("mithrandir")
  .add(StreamApi)
  .add(AuditApi)
  .add(ReconciliationApi)
  .add(CommandsApi)
  .add(ServicesApi)
  .add(JobsApi)
  .add(HealthApi)
  .middleware(Admission) {}
