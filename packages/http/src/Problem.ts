/** What is said when something goes wrong: RFC 9457 `application/problem+json`, from errors and back into errors. */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { type DomainCode, domain, type GeneralCode, general, typeOf } from "./ProblemApi.ts"

/** One thing that does not fit. `path` leads to it, `a.b.0`; empty: all of it. `problem` says what would. */
export const FieldProblem = Schema.Struct({ path: Schema.String, problem: Schema.String }).annotations({
  identifier: "FieldProblem"
})
export type FieldProblem = typeof FieldProblem.Type

/** The media type of problems. */
export const contentType = "application/problem+json"

/** What a problem says beside its code. */
const members = {
  /** The HTTP status. */
  status: Schema.Int,
  /** What the code means. */
  title: Schema.String,
  /** What it means here, in a sentence. */
  detail: Schema.optionalWith(Schema.String, { exact: true }),
  /** What does not fit, and where. */
  errors: Schema.optionalWith(Schema.Array(FieldProblem), { exact: true }),
  /** Of a 5xx: what to look for in the server's log. Of an audit entry that is not there: the command's id. */
  id: Schema.optionalWith(Schema.String, { exact: true }),
  /** Of a 429, and of some 503s: after how many seconds it may be tried again. */
  retryAfter: Schema.optionalWith(Schema.Int, { exact: true })
}

/**
 * Something about the request, or the server, that the core has no error for. Clients also get it for a code that
 * they do not know.
 */
export class Problem extends Schema.TaggedError<Problem>()("Problem", {
  /** Stable; `ProblemApi` lists them. */
  code: Schema.String,
  ...members
}) {
  override get message() {
    const errors = this.errors?.map(({ path, problem }) => (path === "" ? problem : `${path}: ${problem}`)) ?? []
    return [this.detail ?? this.title, ...errors].join("; ")
  }
}

/** A problem by its code; the list gives it status and title. */
export const make = (
  code: GeneralCode,
  more: Partial<Pick<Problem, "detail" | "errors" | "id" | "retryAfter">> = {}
): Problem => new Problem({ code, ...general[code], ...more })

/** A 400 that names what does not fit. */
export const invalid = (path: string, problem: string): Problem =>
  make("invalid-request", { errors: [{ path, problem }] })

const isDomainCode = (code: string): boolean => Object.hasOwn(domain, code)

const Json = Schema.Struct({
  type: Schema.String,
  // What has an error of its own must not be read as this: clients try the members of a status in any order.
  code: Schema.String.pipe(Schema.filter((code) => !isDomainCode(code) || "expected a code without its own error")),
  ...members
}).annotations({
  identifier: "Problem",
  jsonSchema: {
    type: "object",
    description: "RFC 9457. Some codes have members of their own beside these.",
    required: ["type", "title", "status", "code"],
    properties: {
      type: { type: "string", description: "`urn:mithrandir:problem:` and the code. Nothing is to be found there." },
      title: { type: "string", description: "What the code means." },
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string", description: "What it means here, in a sentence." },
      code: { type: "string", description: "Stable: what programs go by." },
      id: {
        type: "string",
        description:
          "Of a 5xx: what to look for in the server's log. Of an audit entry that is not there: the command's id."
      },
      retryAfter: {
        type: "integer",
        minimum: 1,
        description:
          "Of a 429, and of some 503s: after how many seconds it may be tried again. The same as `Retry-After`."
      },
      errors: {
        type: "array",
        description: "What does not fit, and where: a path as `a.b.0`; empty, all of it.",
        items: {
          type: "object",
          required: ["path", "problem"],
          properties: { path: { type: "string" }, problem: { type: "string" } },
          additionalProperties: false
        }
      }
    },
    additionalProperties: true
  }
})

/** A problem as its JSON. */
export const toJson = ({ code, detail, errors, id, retryAfter, status, title }: Problem): typeof Json.Encoded => ({
  type: typeOf(code),
  title,
  status,
  code,
  ...(detail === undefined ? {} : { detail }),
  ...(errors === undefined ? {} : { errors }),
  ...(id === undefined ? {} : { id }),
  ...(retryAfter === undefined ? {} : { retryAfter })
})

const at = (status: number) =>
  Schema.transform(Json, Schema.typeSchema(Problem), {
    strict: true,
    decode: ({ type: _type, ...problem }) => new Problem(problem),
    encode: toJson
  }).pipe(asProblem(status))

/** `Problem` at every status there is, for what every route may answer. */
export const Any: Schema.Schema<Problem, typeof Json.Encoded> = Schema.Union(
  ...Array.from(new Set([...Object.values(general), ...Object.values(domain)].map(({ status }) => status)), at)
)

/** The class of an error of the core. */
interface ErrorClass<A, I> extends Schema.Schema<A, I> {
  readonly _tag: string
}

interface DomainJson {
  readonly code: DomainCode
  readonly [field: string]: unknown
}

/**
 * An error of the core as a problem: the members that every problem has, and the error's own fields beside them.
 * `field` says which field of the request it speaks of, and what of it.
 */
export const of = <A extends Error, I extends { readonly _tag: string }>(
  error: ErrorClass<A, I>,
  code: DomainCode,
  field?: (error: A) => FieldProblem
): Schema.Schema<A, DomainJson> => {
  const { status, title } = domain[code]
  const json: Schema.Schema<DomainJson> = Schema.Struct(
    { code: Schema.Literal(code) },
    { key: Schema.String, value: Schema.Unknown }
  ).annotations({ identifier: error._tag })
  return Schema.transform(json, error, {
    strict: false,
    decode: (problem: object) => ({ ...problem, _tag: error._tag }),
    encode: ({ _tag, ...fields }: I, value: A) => ({
      type: typeOf(code),
      title,
      status,
      code,
      detail: value.message,
      ...(field === undefined ? {} : { errors: [field(value)] }),
      ...fields
    })
  }).pipe(asProblem(status))
}

/** A field of the request, of which an error says all that there is to say. */
export const about =
  (path: string) =>
  ({ message }: Error): FieldProblem => ({ path, problem: message })

/** Marks a schema as the body of this status. */
function asProblem(status: number) {
  return <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, I> =>
    HttpApiSchema.withEncoding(schema.annotations(HttpApiSchema.annotations({ status })), {
      kind: "Json",
      contentType
    })
}
