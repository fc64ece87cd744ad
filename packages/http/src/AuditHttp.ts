/** Answers the routes of the audit. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
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
        .handle("page", ({ urlParams }) => audit.page(withDefaults(urlParams)))
        .handle("get", ({ path: { id } }) => audit.get(id))
    )
  )
