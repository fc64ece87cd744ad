/** What the OpenAPI document says of a route beyond what its schemas say. */
import * as OpenApi from "@effect/platform/OpenApi"
import type * as Context from "effect/Context"
import { contentType } from "./Problem.ts"
import { type Code, domain, general } from "./ProblemApi.ts"

/** JSON of the document. */
export interface Json {
  readonly [member: string]: unknown
}

/** A parameter. Where its schema is known, what is said here is said beside it. */
export interface Parameter {
  readonly in?: "query" | "header" | "path"
  /** Headers have names that are written in another way than they are read. */
  readonly name?: string
  readonly description: string
  readonly [member: string]: unknown
}

/** By their names, those of headers in lower case. */
export type Parameters = Readonly<Record<string, Parameter>>

/** A way in which a request succeeds. */
export interface Answer {
  readonly description: string
  readonly headers?: Json
  /** Default: what the schema of the status gives. */
  readonly content?: Json
}

/** What is said of a route. */
export interface Told {
  /** Unique in the document, and stable: generated clients name their functions after it. */
  readonly id: string
  readonly summary: string
  readonly description: string
  readonly parameters?: Parameters
  /** By status, or by a class of them: `2XX`. */
  readonly answers: Readonly<Record<string, Answer>>
  /** Beside those that every route can give. */
  readonly problems: ReadonlyArray<Code>
  /** The media types that problems share their statuses with. */
  readonly beside?: Json
}

/** Given by any route: by the gate, by what no HTTP is, and where something breaks. */
const everywhere: ReadonlyArray<Code> = [
  "malformed-http",
  "host-required",
  "unauthenticated",
  "not-local",
  "request-timeout",
  "expectation-failed",
  "misdirected-request",
  "headers-too-large",
  "internal-error"
]

/** Given by any route that takes a body. */
export const ofBodies: ReadonlyArray<Code> = [
  "invalid-request",
  "malformed-json",
  "json-too-deep",
  "cross-origin",
  "body-too-large",
  "unsupported-media-type"
]

/** Annotates a route with what is said of it. */
export const told = (told: Told): Context.Context<never> =>
  OpenApi.annotations({
    identifier: told.id,
    summary: told.summary,
    description: told.description,
    transform: (operation) => ({
      ...operation,
      parameters: parameters(operation["parameters"], told.parameters ?? {}),
      responses: { ...answers(operation["responses"], told.answers), ...problems(told) }
    })
  })

/** Annotates a group of routes with its title and what it is for. */
export const tag = (title: string, description: string): Context.Context<never> =>
  OpenApi.annotations({ title, description })

const parameters = (generated: ReadonlyArray<Parameter & { readonly name: string }>, described: Parameters) => {
  const known = generated.map((parameter) => ({ ...parameter, ...described[parameter.name] }))
  const names = new Set(generated.map(({ name }) => name))
  const others = Object.entries(described).filter(([name]) => !names.has(name))
  return [...known, ...others.map(([name, parameter]) => ({ name, required: false, ...parameter }))]
}

const answers = (generated: Readonly<Record<string, Json>>, described: Told["answers"]) =>
  Object.fromEntries(
    Object.entries(described).map(([status, { content = generated[status]?.["content"], description, headers }]) => [
      status,
      {
        description,
        ...(headers === undefined ? {} : { headers }),
        ...(content === undefined ? {} : { content })
      }
    ])
  )

const problems = (told: Told) => {
  const byStatus = new Map<number, Array<Code>>()
  for (const code of new Set([...told.problems, ...everywhere])) {
    const { status } = kinds[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    Array.from(byStatus).map(([status, codes]) => [
      status,
      {
        description: codes
          .map((code) => `\`${code}\`: ${kinds[code].title}`)
          .join(". ")
          .concat("."),
        ...(headersOf[status] === undefined ? {} : { headers: headersOf[status] }),
        content: { [contentType]: { schema: problemOf(codes) }, ...told.beside }
      }
    ])
  )
}

const kinds = { ...general, ...domain }

const problemOf = (codes: ReadonlyArray<Code>): Json => ({
  allOf: [
    { $ref: "#/components/schemas/Problem" },
    { type: "object", required: ["code"], properties: { code: { type: "string", enum: codes } } }
  ]
})

const headersOf: Readonly<Record<number, Json>> = {
  401: {
    "WWW-Authenticate": { description: "How to say who you are.", required: true, schema: { type: "string" } }
  },
  503: {
    "Retry-After": {
      description: "After how many seconds to come back.",
      required: true,
      schema: { type: "integer", minimum: 0 }
    }
  }
}
