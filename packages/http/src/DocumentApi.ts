/** The route of the OpenAPI document, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Operation from "./Operation.ts"

const get = Operation.told({
  id: "getDocument",
  permission: "viewer",
  summary: "This document",
  description: "Every route, as OpenAPI 3.1, at the paths where it is mounted.",
  answers: { 200: { description: "This document." } },
  problems: []
})

/** The group of the document's route. */
export class DocumentApi extends HttpApiGroup.make("mithrandirDocument")
  .add(
    HttpApiEndpoint.get("document", "/openapi.json")
      .addSuccess(
        Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
          jsonSchema: {
            type: "object",
            required: ["openapi", "info", "paths"],
            properties: { openapi: { type: "string" }, info: { type: "object" }, paths: { type: "object" } }
          }
        })
      )
      .annotateContext(get)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Document", "What this API is.")) {}
