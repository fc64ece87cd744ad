/** Answers the routes of the audit. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { AuditLog } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Mounted } from "./Mount.ts"

/** Fills in what the request leaves out. What it says was checked already. */
const withDefaults = Schema.decodeSync(AuditLog.AuditQuery)

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirAudit", (handlers) =>
    Effect.map(AuditLog.AuditLog, (audit) =>
      handlers
        .handle("page", ({ urlParams }) => Effect.zipRight(kept, audit.page(withDefaults(urlParams))))
        .handle("get", ({ path: { id } }) => Effect.zipRight(kept, audit.get(id)))
    )
  )

/** An entry never changes: whoever asked may keep the answer, and asks again before it is shown. */
const kept = HttpApp.appendPreResponseHandler((_, response) =>
  Effect.succeed(
    response.status < 400 ? HttpServerResponse.setHeader(response, "cache-control", "private, no-cache") : response
  )
)
