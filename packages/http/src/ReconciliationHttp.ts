/** Answers the routes of reconciliation. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Reconciler } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import { CurrentPrincipal } from "./Admission.ts"
import type { Mounted } from "./Mount.ts"

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirReconciliation", (handlers) =>
    Effect.map(Reconciler.Reconciler, (reconciler) =>
      handlers
        .handle("status", () => Effect.map(reconciler.status, (data) => ({ data })))
        .handle("run", ({ payload: { accept, service } }) =>
          Effect.gen(function* () {
            const { actor } = yield* CurrentPrincipal
            const data = yield* reconciler.run({
              ...(service === undefined ? {} : { service }),
              ...(accept === true ? { acceptAs: actor } : {})
            })
            return { data }
          })
        )
    )
  )
