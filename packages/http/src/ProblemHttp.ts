/** Turns everything that goes wrong, anywhere, into a problem; and gives every answer the headers it must have. */
import { randomUUID } from "node:crypto"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as HttpApp from "@effect/platform/HttpApp"
import { clientAbortFiberId, RouteNotFound } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashSet from "effect/HashSet"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { Api } from "./Api.ts"
import * as Arrival from "./Arrival.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import type { Mount } from "./Mount.ts"
import * as Problem from "./Problem.ts"
import { retryAfterSeconds } from "./ProblemApi.ts"
import * as SafeHeaders from "./SafeHeaders.ts"

/**
 * Around every route of ours: failures, defects, and what has no route and is ours to refuse. What else the API has
 * keeps its own errors.
 */
export const layer = <Id extends string>(mount: Mount<Id>): Layer.Layer<never, never, Gatekeeper> =>
  HttpApiBuilder.middleware(
    Effect.map(
      Gatekeeper,
      ({ admit }) =>
        (app) =>
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
            const path = pathOf(request)
            const answered = (cause: Cause.Cause<unknown>) =>
              Effect.map(
                Effect.flatMap(
                  hasNoRoute(cause) ? refusal(mount, admit, request) : Effect.succeed(describe(cause)),
                  (described) => answer(request, described, cause)
                ),
                SafeHeaders.add
              )
            if (!mount.owns(request.method, path)) {
              return Effect.catchAllCause(app, (cause) =>
                hasNoRoute(cause) && mount.claims(path) ? answered(cause) : Effect.failCause(cause)
              )
            }
            return HttpApp.appendPreResponseHandler((_, response) => Effect.succeed(SafeHeaders.add(response))).pipe(
              Effect.zipRight(app),
              Effect.catchAllCause((cause) => (hasLeft(cause) ? Effect.failCause(cause) : answered(cause)))
            )
          })
    )
  )

const answer = (
  request: HttpServerRequest.HttpServerRequest,
  { allow, json }: Described,
  cause: Cause.Cause<unknown>
) =>
  Effect.gen(function* () {
    const id = json.status >= 500 ? { id: randomUUID() } : {}
    if (json.status >= 500) {
      // What was foreseen has been logged where it began. What was not is known here alone.
      const logged =
        json.status === 500 ? Effect.logError("an answer failed", told(cause)) : Effect.logWarning(json.code)
      yield* Effect.annotateLogs(logged, { ...id, method: request.method, path: pathOf(request), status: json.status })
    }
    const { code, detail, status, title, type, ...more } = json
    const retryAfter = json.retryAfter ?? (status === 503 ? retryAfterSeconds : undefined)
    return HttpServerResponse.unsafeJson(
      { type, title, status, ...(detail === undefined ? {} : { detail }), code, ...id, ...more },
      {
        status: json.status,
        contentType: Problem.contentType,
        headers: {
          ...(allow === undefined ? {} : { allow }),
          ...(json.status === 401 ? { "www-authenticate": "Bearer" } : {}),
          ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) })
        }
      }
    )
  })

interface Described {
  readonly json: {
    readonly status: number
    readonly code: string
    readonly retryAfter?: number
    readonly [member: string]: unknown
  }
  readonly allow?: string
}

/**
 * The client is gone, and there is nobody to answer. Any other interruption that comes as far as here is not ours (one of
 * ours would end this fiber, and not ask): something within interrupted itself, and whoever asked waits for an answer.
 */
const hasLeft = (cause: Cause.Cause<unknown>): boolean =>
  Cause.isInterruptedOnly(cause) && HashSet.has(Cause.interruptors(cause), clientAbortFiberId)

const hasNoRoute = (cause: Cause.Cause<unknown>): boolean =>
  Option.exists(Cause.failureOption(cause), (error) => error instanceof RouteNotFound)

const describe = (cause: Cause.Cause<unknown>): Described => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  const isOfRequest = error instanceof HttpApiDecodeError && !isOfAnswer(error)
  const known = Option.filter(encode(isOfRequest ? fromDecodeError(error) : error), (json) => isJson(json))
  return { json: Option.getOrElse(known, () => Problem.toJson(Problem.make("internal-error"))) }
}

/**
 * Whether it was our answer that did not fit, as with rows that another program put into the file: nothing that whoever
 * asked could mend. The framework has one error for both; an answer stands in it as what a response is encoded from.
 */
const isOfAnswer = ({ message }: HttpApiDecodeError): boolean => message.startsWith("(<declaration schema> <-> ")

/** What the log is told. Of an answer that does not fit, where: a value may be a token that was made just now. */
const told = (cause: Cause.Cause<unknown>): unknown => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  if (!(error instanceof HttpApiDecodeError)) return cause
  return `it does not fit at ${error.issues.map(({ path }) => path.map(String).join(".")).join(", ")}`
}

const isJson = Schema.is(
  Schema.Struct(
    { status: Schema.Int, code: Schema.String, retryAfter: Schema.optionalWith(Schema.Int, { exact: true }) },
    { key: Schema.String, value: Schema.Unknown }
  )
)

/** A part of the message, enough to say what is wrong. */
const maxProblemChars = 300

/** More fields than any request of ours has: whoever sends more of them wrong learns by these. */
const maxErrors = 16

const fromDecodeError = ({ issues }: HttpApiDecodeError): Problem.Problem =>
  Problem.make("invalid-request", {
    errors: issues.slice(0, maxErrors).map(({ message, path }) => {
      const problem = withoutValue(message)
      return {
        path: path.map(String).join(".").slice(0, maxProblemChars),
        problem: problem.length > maxProblemChars ? `${problem.slice(0, maxProblemChars)}…` : problem
      }
    })
  })

/** What was sent is not said again: it may be a secret that stood in the wrong place. */
const withoutValue = (message: string): string => message.replace(/, actual [\s\S]*$/, "")

/** Whoever the gate would not let in is not told what there is. */
const refusal = <Id extends string>(
  mount: Mount<Id>,
  admit: Context.Tag.Service<Gatekeeper>["admit"],
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Described> =>
  Effect.map(Arrival.of(request), (arrival) => {
    const verdict = admit(arrival, undefined)
    return verdict._tag === "Rejected" ? { json: Problem.toJson(verdict.problem) } : nothingHere(mount, request)
  })

const nothingHere = <Id extends string>(mount: Mount<Id>, request: HttpServerRequest.HttpServerRequest): Described => {
  const methods = mount.methods(pathOf(request))
  // A method that is there was refused for its path: a parameter longer than any of ours.
  if (methods.length === 0 || methods.includes(request.method === "HEAD" ? "GET" : request.method)) {
    return { json: Problem.toJson(Problem.make("not-found")) }
  }
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ")
  return { json: Problem.toJson(Problem.make("method-not-allowed", { detail: `allowed here: ${allow}` })), allow }
}

const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string => url.split("?", 1)[0] ?? url

const errors = new Set<AST.AST>()
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: (reflected) => {
    for (const { ast } of reflected.errors.values()) Option.map(ast, (known) => errors.add(known))
  }
})

/** The error of any route as its JSON. Where an error has its status is its schema's to say, in `*Api.ts`. */
const encode = Schema.encodeUnknownOption(Schema.Union(...Array.from(errors, (ast) => Schema.make<unknown>(ast))))
