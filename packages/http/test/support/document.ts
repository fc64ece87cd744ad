/** Holds answers against the OpenAPI document: what it does not say must not be there, and what it promises must. */
import { Ajv2020 } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import { Api, Document } from "../../src/index.ts"

/** One answer, as it came over the wire. */
export interface Answered {
  readonly method: string
  /** Path and query, or a whole url. */
  readonly url: string
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

interface Told {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema: object }>>
}
interface Operation {
  readonly responses: Readonly<Record<string, Told>>
}
interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

/** Headers that may be there only where the document says so. */
const promised = ["location", "preference-applied", "retry-after", "www-authenticate"]

/**
 * A check that throws where an answer is not what a document says. What has no operation there is let be, but for
 * problems, which have one form.
 */
export const checker = (document: object): ((answered: Answered) => void) => {
  const { paths } = document as OpenApiDocument
  const ajv = formats.default(new Ajv2020({ strict: true, strictRequired: false, allErrors: true }))
  // Words of OpenAPI, which say nothing of what is valid.
  ajv.addVocabulary(["openapi", "info", "servers", "tags", "security", "paths", "components"])
  ajv.addSchema(document, "document")
  const routes = Object.entries(paths).map(([path, operations]) => ({ path, operations, pattern: patternOf(path) }))

  return (answered) => {
    const path = new URL(answered.url, "http://localhost").pathname
    // Of HEAD everything is promised that is of GET, but for the body.
    const isHead = answered.method === "HEAD"
    const method = isHead ? "get" : answered.method.toLowerCase()
    // A path without parameters is meant, where one with parameters would also fit.
    const route =
      routes.find((one) => one.path === path) ?? routes.find((one) => one.pattern.test(path) && one.operations[method])
    const operation = route?.operations[method]
    const fail = (why: string): never => {
      throw new Error(
        `the document says otherwise of ${answered.method} ${route?.path ?? path}: ${why}\n${answered.status} ${answered.text.slice(0, 500)}`
      )
    }
    if (route === undefined || operation === undefined) {
      if (isHead || answered.headers["content-type"] !== "application/problem+json") return
      const validate = ajv.getSchema("document#/components/schemas/Problem")
      if (validate?.(JSON.parse(answered.text)) !== true) fail(ajv.errorsText(validate?.errors, { separator: "\n" }))
      return
    }
    const status = [String(answered.status), `${String(answered.status)[0]}XX`].find((key) => operation.responses[key])
    if (status === undefined) return fail(`it has no ${answered.status}`)
    const at = ["paths", route.path, method, "responses", status]
    const valid = (value: unknown, ...more: ReadonlyArray<string>): void => {
      const validate = ajv.getSchema(`document#/${[...at, ...more].map(token).join("/")}`)
      if (validate?.(value) !== true) fail(`${more.join(" ")} ${ajv.errorsText(validate?.errors, { separator: "\n" })}`)
    }
    const { content = {}, headers = {} } = operation.responses[status] ?? {}
    checkHeaders(answered, headers, valid, fail)
    if (!isHead) checkBody(answered, content, valid, fail)
  }
}

type Valid = (value: unknown, ...more: ReadonlyArray<string>) => void
type Fail = (why: string) => never

const checkHeaders = (answered: Answered, told: NonNullable<Told["headers"]>, valid: Valid, fail: Fail): void => {
  for (const [name, { required = false, schema }] of Object.entries(told)) {
    const value = answered.headers[name.toLowerCase()]
    if (value === undefined && required) fail(`the header ${name} is missing`)
    if (value === undefined) continue
    valid("type" in schema && schema.type === "integer" ? Number(value) : value, "headers", name, "schema")
  }
  const names = Object.keys(told).map((name) => name.toLowerCase())
  for (const name of promised) {
    if (name in answered.headers && !names.includes(name)) fail(`it has no header ${name}`)
  }
}

const checkBody = (answered: Answered, told: NonNullable<Told["content"]>, valid: Valid, fail: Fail): void => {
  const type = answered.headers["content-type"]?.split(";")[0]
  const known = [type ?? "", "*/*"].find((key) => told[key] !== undefined)
  // Without a body there is no type.
  if (type === undefined && answered.text === "") return
  if (known === undefined) fail(`it has no ${type}`)
  else if (/[/+]json/.test(known)) valid(JSON.parse(answered.text), "content", known, "schema")
  else if (known === "text/event-stream") {
    for (const message of messages(answered.text)) valid([message], "content", known, "schema", "contentSchema")
  }
}

/** The messages of a stream, with their data as JSON; what is not whole yet is left out. */
const messages = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n\n")
    .slice(0, -1)
    .map((block) =>
      Object.fromEntries(block.split("\n").map((line) => [line.split(": ")[0], line.replace(/^\w+: /, "")]))
    )
    .filter((fields) => "data" in fields)
    .map((fields) => ({ ...fields, data: JSON.parse(fields["data"] ?? "") }))

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "[^/]+")}$`)

const token = (part: string): string => encodeURIComponent(part.replace(/~/g, "~0").replace(/\//g, "~1"))

/** Of the standalone server. */
export const check = checker(Document.make(Api.Api))
