/** All of the record, from another program: an entry after the other, as they come. */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { AuditEntry, type AuditQuery } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AnswerInvalid, AnswerLost, type ConnectionError, connectionError, isUnspoken } from "./ClientError.ts"
import { silence } from "./ClientPatience.ts"
import * as Problem from "./Problem.ts"

/** `Client.auditEntries`. */
export const make =
  (url: string, httpClient: HttpClient.HttpClient) =>
  (filter: AuditQuery.AuditFilter): Stream.Stream<AuditEntry.AuditEntry, Problem.Problem | ConnectionError> =>
    HttpClientRequest.get(`${url}/reconciliation/audit/export`, { urlParams: { ...filter } }).pipe(
      httpClient.execute,
      Effect.flatMap((response) =>
        response.status === 200 ? Effect.succeed(response) : Effect.flatMap(decodeProblem(response), Effect.fail)
      ),
      HttpClientResponse.stream,
      Stream.timeoutFail(() => new AnswerLost({ url }), silence),
      Stream.decodeText(),
      (texts) => linesOf(texts, new AnswerLost({ url })),
      Stream.mapEffect((line) => Effect.mapError(decodeEntry(line), () => new AnswerInvalid({ url }))),
      Stream.mapError((error) => (isUnspoken(error) ? connectionError(url, error) : error))
    )

/** The lines of a text, each of which has its end: one that has none broke off. */
const linesOf = <E, Lost>(texts: Stream.Stream<string, E>, lost: Lost): Stream.Stream<string, E | Lost> =>
  texts.pipe(
    Stream.map((text): string | undefined => text),
    Stream.concat(Stream.succeed(undefined)),
    Stream.mapAccumEffect("", (rest, text): Effect.Effect<readonly [string, ReadonlyArray<string>], Lost> => {
      if (text === undefined) return rest === "" ? Effect.succeed(["", []]) : Effect.fail(lost)
      const lines = `${rest}${text}`.split("\n")
      return Effect.succeed([lines.at(-1) ?? "", lines.slice(0, -1)])
    }),
    Stream.mapConcat((lines) => lines)
  )

const decodeEntry = Schema.decode(Schema.parseJson(AuditEntry.AuditEntry))
const decodeProblem = HttpClientResponse.schemaBodyJson(Problem.Any)
