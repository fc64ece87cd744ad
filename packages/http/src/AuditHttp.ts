/** Answers the routes of the audit. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { AuditLog, AuditQuery } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Mounted } from "./Mount.ts"

/** Fills in what the request leaves out. What it says was checked already. */
const withDefaults = Schema.decodeSync(AuditQuery.AuditQuery)

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirAudit", (handlers) =>
    Effect.map(AuditLog.AuditLog, (audit) =>
      handlers
        .handleRaw("page", ({ headers, urlParams }) => {
          const query = withDefaults(urlParams)
          const page = Effect.map(audit.pageText(query), ({ bytes, tag }) =>
            HttpServerResponse.uint8Array(bytes, { contentType: "application/json", headers: headersOf(tag) })
          )
          const known = headers["if-none-match"]
          if (known === undefined) return page
          return Effect.flatMap(audit.pageTag(query), (tag) =>
            isAmong(tag, known)
              ? Effect.succeed(HttpServerResponse.empty({ status: 304, headers: headersOf(tag) }))
              : page
          )
        })
        .handle("get", ({ path: { id } }) => Effect.zipRight(kept, audit.get(id)))
    )
  )

/** It is asked for again before it is shown: then it is not sent a second time where it is the same. */
const headersOf = (tag: string) => ({ etag: `"${tag}"`, "cache-control": keptPrivately })

/** Whether one of those in `If-None-Match` is this one, compared weakly: RFC 9110, section 13.1.2. */
const isAmong = (tag: string, known: string): boolean =>
  known.trim() === "*" || known.split(",").some((one) => one.trim().replace(/^W\//, "") === `"${tag}"`)

const keptPrivately = "private, no-cache"

/** An entry never changes: whoever asked may keep the answer, and asks again before it is shown. */
const kept = HttpApp.appendPreResponseHandler((_, response) =>
  Effect.succeed(
    response.status < 400 ? HttpServerResponse.setHeader(response, "cache-control", keptPrivately) : response
  )
)
