/** Asks what an upstream says of its stuck jobs, and tells its word from ours. */
import type * as HttpClient from "@effect/platform/HttpClient"
import type { HttpClientError } from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as UrlParams from "@effect/platform/UrlParams"
import type { JobSource } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { path } from "./JobsApi.ts"
import * as Problem from "./Problem.ts"
import { typeOf } from "./ProblemApi.ts"

/** The upstream's answer as it came through this server, or the server's own problem with it. */
export const ask = (
  url: string,
  httpClient: HttpClient.HttpClient,
  query: UrlParams.Input
): Effect.Effect<JobSource.RawAnswer, Problem.Problem | HttpClientError> =>
  Effect.gen(function* () {
    const response = yield* httpClient.execute(HttpClientRequest.get(`${url}${path}`, { urlParams: query }))
    const body = new Uint8Array(yield* response.arrayBuffer)
    const contentType = response.headers["content-type"]
    const problem = contentType === Problem.contentType ? ours(Buffer.from(body).toString()) : Option.none()
    return Option.isSome(problem) ? yield* problem.value : { status: response.status, contentType, body }
  })

/** A problem of ours. An upstream may have problems of its own, which are its answers. */
const ours = (text: string): Option.Option<Problem.Problem> => Option.flatMap(decodeTyped(text), decodeProblem)

const decodeProblem = Schema.decodeUnknownOption(Problem.Any)
const decodeTyped = Schema.decodeOption(
  Schema.parseJson(
    Schema.Struct(
      { type: Schema.String.pipe(Schema.startsWith(typeOf(""))) },
      { key: Schema.String, value: Schema.Unknown }
    )
  )
)
