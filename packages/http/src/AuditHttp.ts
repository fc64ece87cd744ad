/** Answers the routes of the audit. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { AuditCheckpoints, AuditEntry, AuditLog, AuditQuery, type Store } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { ExportFormat } from "./AuditApi.ts"
import * as Csv from "./Csv.ts"
import * as HangUp from "./HangUp.ts"
import type { Mounted } from "./Mount.ts"
import * as Problem from "./Problem.ts"

/** Fills in what the request leaves out. What it says was checked already. */
const withDefaults = Schema.decodeSync(AuditQuery.AuditQuery)

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirAudit", (handlers) =>
    Effect.gen(function* () {
      const audit = yield* AuditLog.AuditLog
      const checkpoints = yield* AuditCheckpoints.AuditCheckpoints
      let underway = 0
      return handlers
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
        .handleRaw("export", ({ request, urlParams: { format = "ndjson", ...filter } }) => {
          const headers = {
            "cache-control": "no-store",
            "content-disposition": `attachment; filename="audit.${format}"`
          }
          const { contentType, write } = forms[format]
          const respond = (bytes: Lines) => Effect.succeed(HttpServerResponse.stream(bytes, { contentType, headers }))
          // Whoever asks for the head alone gets what it says, and nothing is read.
          if (request.method === "HEAD") return respond(Stream.empty)
          if (underway >= atOnce) return Effect.fail(Problem.make("streams-exhausted", { retryAfter: 10 }))
          const hangUp = HangUp.of(request)
          HangUp.responseTo(request)?.setTimeout(unreadMs, hangUp)
          return respond(
            Stream.acquireRelease(
              Effect.sync(() => underway++),
              () => Effect.sync(() => underway--)
            ).pipe(
              Stream.flatMap(() => write(audit.lines(filter))),
              // An end in good order would say that this was all.
              Stream.tapErrorCause(() => Effect.sync(hangUp))
            )
          )
        })
        .handle("checkpoint", () =>
          Effect.flatMap(
            checkpoints.newest,
            Option.match({
              onNone: () => new AuditCheckpoints.AuditCheckpointNotFound(),
              onSome: Effect.succeed
            })
          )
        )
        .handle("get", ({ path: { id } }) => Effect.zipRight(kept, audit.get(id)))
    })
  )

/** How many may be writing all of the record out: each has a megabyte in memory, and they share one thread. */
const atOnce = 16

/** How long one waits for somebody who does not read, in milliseconds. */
const unreadMs = 60_000

type Lines = Stream.Stream<Uint8Array, Store.StoreUnreadable>

/** How the record is written out. */
const forms: Record<
  typeof ExportFormat.Type,
  { readonly contentType: string; readonly write: (lines: Lines) => Lines }
> = {
  ndjson: { contentType: "application/x-ndjson", write: (lines) => lines },
  csv: {
    contentType: "text/csv; charset=utf-8; header=present",
    write: (lines) =>
      Stream.concat(
        Stream.succeed(Csv.head(fields)),
        Stream.map(lines, (lines) =>
          linesOf(lines)
            .map((line) => Csv.row(fields, JSON.parse(line)))
            .join("")
        )
      ).pipe(Stream.encodeText)
  }
}

const fields = Object.keys(AuditEntry.AuditEntry.fields)

const linesOf = (lines: Uint8Array): ReadonlyArray<string> => Buffer.from(lines).toString().split("\n").slice(0, -1)

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
