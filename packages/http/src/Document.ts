/** The OpenAPI document of the routes, made from the routes themselves. */
import type * as HttpApi from "@effect/platform/HttpApi"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Mount from "./Mount.ts"
import { type Json, securitySchemes } from "./Operation.ts"
import { version } from "./Version.ts"

const about = OpenApi.annotations({
  title: "Mithrandir",
  version,
  summary: "Whether what a dashboard shows about job systems is true.",
  description:
    "Mithrandir compares what is believed about job systems with what they say themselves, keeps every difference and " +
    "every action in an append-only record, streams what happens, and runs maintenance commands so that each happens at " +
    "most once.\n\nEvery error is `application/problem+json`, with a stable `code`.",
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
  servers: [{ url: "/", description: "Where this document is served." }]
})

/**
 * OpenAPI 3.1 of our routes, at the paths where an API has them: without a prefix, unless told otherwise. It refers to
 * nothing outside of itself. `x-permission` is the role that an operation asks for, whatever gate is in force. Throws a `TypeError` for an API that lacks our routes.
 */
export const make = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  host: HttpApi.HttpApi<Id, G, E, R>
): Json => documentOf(Mount.of(host).api)

/** The document as the text of a file. */
export const render = (document: Json): string => `${JSON.stringify(document, null, 2)}\n`

const documentOf = <Id extends string>(api: Mount.Mounted<Id>): Json => {
  const { components, paths, ...document } = OpenApi.fromApi(api.annotateContext(about))
  const routes = mended(paths)
  const all = Object.fromEntries(Object.entries(components.schemas).map(([name, schema]) => [name, mended(schema)]))
  const schemas = Object.fromEntries(namesIn(routes, all).map((name) => [name, all[name]]))
  return { ...document, paths: routes, components: { schemas, securitySchemes } }
}

/**
 * The framework's names for anything at all are no ids of ours, its words for a pattern say what the pattern says, its
 * empty object may also be a list, and its whole numbers lose their type where they have a range.
 */
const mended = (schema: unknown): unknown => {
  if (typeof schema !== "object" || schema === null) return schema
  if (Array.isArray(schema)) return schema.map(mended)
  if ("$id" in schema && schema.$id === "/schemas/%7B%7D") return { type: "object", maxProperties: 0 }
  if ("$ref" in schema) {
    const { $ref, ...range } = schema
    const number = numbers[String($ref)]
    if (number !== undefined) return { ...number, ...range }
  }
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, member]) => (isNoise(key, member) ? [] : [[key, mended(member)]]))
  )
}

const numbers: Readonly<Record<string, object>> = {
  "#/components/schemas/Int": { type: "integer" },
  "#/components/schemas/NonNegativeInt": { type: "integer", minimum: 0 }
}

/** A property of these names has a schema, and no text. */
const isNoise = (key: string, member: unknown): boolean =>
  typeof member === "string" &&
  (key === "$id" || key === "title" || (key === "description" && /^an? (string|integer|number) ?/.test(member)))

const prefix = "#/components/schemas/"

/** The schemas that something refers to, and those that they refer to, by name. */
const namesIn = (document: unknown, schemas: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const found = new Set<string>()
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    for (const [key, member] of Object.entries(value)) {
      if (key !== "$ref" || typeof member !== "string" || !member.startsWith(prefix)) look(member)
      else if (!found.has(member.slice(prefix.length))) {
        found.add(member.slice(prefix.length))
        look(schemas[member.slice(prefix.length)])
      }
    }
  }
  look(document)
  return Array.from(found).sort()
}
