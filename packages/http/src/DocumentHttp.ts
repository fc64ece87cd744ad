/** Answers the route of the OpenAPI document. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Document from "./Document.ts"
import type { Mounted } from "./Mount.ts"

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) => {
  // Rendered once, when somebody asks: it does not change while the server runs.
  let body: string | undefined
  return HttpApiBuilder.group(api, "mithrandirDocument", (handlers) =>
    handlers.handle("document", () =>
      Effect.sync(() => {
        body ??= JSON.stringify(Document.make(api))
        return HttpServerResponse.text(body, { contentType: "application/json" })
      })
    )
  )
}
