/** Requests that the OpenAPI document allows, and what becomes of them when somebody means no good. */
import fc from "fast-check"

export interface Sent {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

interface Schema {
  readonly [keyword: string]: unknown
}
interface Parameter {
  readonly name: string
  readonly in: "path" | "query" | "header"
  readonly schema?: Schema
}
interface Operation {
  readonly parameters?: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}
interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** What people who mean no good put where text is expected. */
const nasty = [
  ...[
    "",
    " ",
    ".",
    "..",
    "../../etc/passwd",
    "%00",
    "%2e%2e",
    "\\",
    "'",
    '"',
    "it's",
    "' OR 1=1 --",
    '"; DROP TABLE token; --'
  ],
  ...[
    "=1+1",
    "<script>",
    "{{7*7}}",
    "\u202e",
    "\ud83d\ude00",
    "__proto__",
    "constructor",
    "null",
    "NaN",
    "1e309",
    "-0",
    "0x10"
  ],
  ...["a,b", ",", "a".repeat(300), "2026-02-30", "2026-01-01T00:00:00+99:00", "\n", "\r\nX: y", "\u0000", "\u001b[2J"]
]

const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...nasty, null, true, 0, -1, 1.5, 1e308, [], {}, [[[]]], { a: { b: {} } }),
  fc.string(),
  fc.jsonValue({ maxDepth: 3 })
)

/** Names that are known here, so that not every request ends at the first of them. */
const known: Readonly<Record<string, ReadonlyArray<string>>> = {
  service: ["alpha", "beta"],
  actionType: ["delete-job", "retry-job", "purge-queue", "restart-service"],
  target: ["j1", "j2", "q"],
  // Their schema says no more than that they are text, most of which is no date.
  startDate: ["2026-01-31", "2026-01-31T12:00:00Z"],
  endDate: ["2099-12-31", "2026-01-31T12:00:00.5+02:00"]
}

/** A member of an object, or a parameter: what its schema allows, or often what is known by its name. */
const named = (name: string, schema: Schema, all: OpenApiDocument, depth = 0): fc.Arbitrary<unknown> =>
  known[name] === undefined
    ? valid(schema, all, depth)
    : fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...known[name]) },
        { weight: 1, arbitrary: valid(schema, all, depth) }
      )

/** Values that a schema allows, as far as it can say. */
const valid = (schema: Schema, all: OpenApiDocument, depth = 0): fc.Arbitrary<unknown> => {
  const { $ref, type } = schema
  if (typeof $ref === "string") return valid(all.components.schemas[$ref.split("/").at(-1) ?? ""] ?? {}, all, depth + 1)
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"])
  const several = (schema["anyOf"] ?? schema["oneOf"]) as ReadonlyArray<Schema> | undefined
  if (several !== undefined) return fc.oneof(...several.map((one) => valid(one, all, depth + 1)))
  if (Array.isArray(schema["allOf"])) return valid({ ...schema, allOf: undefined, ...schema["allOf"][0] }, all, depth)
  switch (type) {
    case "string":
      return text(schema)
    case "integer":
      return fc.integer({
        min: Number(schema["minimum"] ?? 0),
        max: Math.min(Number(schema["maximum"] ?? 50), 2 ** 30)
      })
    case "number":
      return fc.double({ noNaN: true })
    case "boolean":
      return fc.boolean()
    case "array": {
      const items = depth > 5 ? fc.constant(null) : valid((schema["items"] ?? {}) as Schema, all, depth + 1)
      return fc.array(items, { minLength: Number(schema["minItems"] ?? 0), maxLength: 3 })
    }
    case "object": {
      const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>)
      const members = Object.fromEntries(properties.map(([name, one]) => [name, named(name, one, all, depth + 1)]))
      return fc.record(members, { requiredKeys: (schema["required"] ?? []) as Array<string> })
    }
    default:
      return anything
  }
}

const text = ({ format, maxLength, minLength, pattern }: Schema): fc.Arbitrary<string> => {
  if (typeof pattern === "string") return fc.stringMatching(new RegExp(pattern))
  if (format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
  const usual = fc.constantFrom(
    "alpha",
    "beta",
    "j1",
    "q",
    "delete-job",
    "retry-job",
    "purge-queue",
    "2026-01-31",
    "none"
  )
  const [shortest, longest] = [Number(minLength ?? 0), Number(maxLength ?? 40)]
  const fitting = nasty.filter(({ length }) => length >= shortest && length <= longest)
  return fc.oneof(usual, fc.constantFrom(...fitting), fc.string({ minLength: shortest, maxLength: longest }))
}

/** One part, as it should be or not. */
const maybe = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: anything })

const asText = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""))

/** Headers carry no more than this, in any client. */
const headerText = (value: unknown): string =>
  asText(value)
    .replace(/[^\t\x20-\x7e]/g, "?")
    .trim()

const mutate = (body: unknown): fc.Arbitrary<string> => {
  const whole = JSON.stringify(body) ?? ""
  const keys = typeof body === "object" && body !== null ? Object.keys(body) : []
  const changed = fc
    .tuple(fc.constantFrom(...keys, "extra", "__proto__", "actor"), anything)
    .map(([key, value]) => JSON.stringify({ ...(body as object), [key]: value }))
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(whole) },
    { weight: 3, arbitrary: changed },
    { weight: 1, arbitrary: fc.nat(whole.length).map((length) => whole.slice(0, length)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "[",
        "{}",
        "null",
        "[]",
        '"',
        "\ufeff{}",
        "[".repeat(1_000),
        `"${"x".repeat(70_000)}"`
      )
    },
    { weight: 1, arbitrary: fc.string() }
  )
}

/** An operation as often as it has something to be wrong: most of what there is to try stands in few of them. */
const inProportion = <A extends { readonly operation: Operation }>(one: A): ReadonlyArray<A> => {
  const { parameters = [], requestBody } = one.operation
  return Array.from({ length: 1 + parameters.length + (requestBody === undefined ? 0 : 10) }, () => one)
}

const types = [
  "application/json",
  "application/json; charset=utf-8",
  "text/plain",
  "application/x-www-form-urlencoded",
  ""
]

/** Any request for any route of a document, most of them nearly right. */
export const requests = (document: object): fc.Arbitrary<Sent> => {
  const all = document as OpenApiDocument
  const operations = Object.entries(all.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation }))
  )
  return fc.constantFrom(...operations.flatMap(inProportion)).chain(({ method, operation, path }) => {
    const parameters = operation.parameters ?? []
    const of = (place: Parameter["in"]) => parameters.filter((one) => one.in === place)
    const values = (place: Parameter["in"], requiredKeys: Array<string>, spoil = maybe) =>
      fc.record(Object.fromEntries(of(place).map(({ name, schema = {} }) => [name, spoil(named(name, schema, all))])), {
        requiredKeys
      })
    const schema = operation.requestBody?.content["application/json"]?.schema
    const body =
      schema === undefined
        ? fc.option(fc.string(), { nil: undefined, freq: 10 })
        : maybe(valid(schema, all)).chain(mutate)
    return fc
      .record({
        at: values(
          "path",
          of("path").map(({ name }) => name)
        ),
        // One that is wrong ends a request before any other is looked at: of most requests none is.
        query: fc.oneof(
          { weight: 3, arbitrary: values("query", [], (good) => good) },
          { weight: 1, arbitrary: values("query", []) }
        ),
        headers: values("header", []),
        stray: fc.option(fc.tuple(fc.string({ minLength: 1 }), fc.string()), { nil: undefined, freq: 5 }),
        type: fc.oneof(
          { weight: 6, arbitrary: fc.constant("application/json") },
          { weight: 1, arbitrary: fc.constantFrom(...types) }
        ),
        method: fc.oneof(
          { weight: 20, arbitrary: fc.constant(method) },
          { weight: 1, arbitrary: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD") }
        ),
        body
      })
      .map(({ at, body, headers, method, query, stray, type }): Sent => {
        const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(wellFormed(asText(at[name]))))
        const pairs = [...Object.entries(query), ...(stray === undefined ? [] : [stray])]
        const search = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, asText(value)]))
        const sent = Object.entries(headers).flatMap(([name, value]) => {
          // A wait would be waited for, and a stream has a test of its own.
          const words = headerText(value).replace(/wait=\d+/, "wait=0")
          return name.toLowerCase() === "accept" || words === "" ? [] : [[name, words]]
        })
        return {
          method,
          url: pairs.length === 0 ? filled : `${filled}?${search}`,
          headers: {
            ...Object.fromEntries(sent),
            ...(type === "" || body === undefined ? {} : { "content-type": type })
          },
          ...(body === undefined || method === "GET" || method === "HEAD" ? {} : { body })
        }
      })
  })
}

/** Half a surrogate pair has no percent-encoding. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, "\ufffd")
