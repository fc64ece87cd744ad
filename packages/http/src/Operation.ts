/** What the OpenAPI document says of a route beyond what its schemas say. */
import * as OpenApi from "@effect/platform/OpenApi"
import * as Context from "effect/Context"
import { Needed, type Permission } from "./Permission.ts"
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
  /** Whom it is for. */
  readonly permission: Permission
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
  "uri-too-long",
  "headers-too-large",
  "internal-error"
]

/** Given by any route that is for a role. */
const ofRoles: ReadonlyArray<Code> = ["forbidden", "too-many-failures"]

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
export const told = (told: Told): Context.Context<Needed> => Context.add(documented(told), Needed, told.permission)

const documented = (told: Told): Context.Context<never> =>
  OpenApi.annotations({
    identifier: told.id,
    summary: told.summary,
    description: told.description,
    transform: (operation) => ({
      ...operation,
      "x-permission": told.permission,
      security: securityOf(told),
      parameters: parameters(operation["parameters"], told.parameters ?? {}),
      responses: { ...answers(operation["responses"], told.answers), ...problems(told) }
    })
  })

/** How whoever is asked for a role says who they are. */
export const securitySchemes: Json = {
  token: {
    type: "http",
    scheme: "bearer",
    description:
      "A token of `mithrandir token create`. Where none was ever made the server is for its own machine alone, and asks " +
      "for none. Mounted in another API, who may come in is that API's to say."
  },
  ticket: {
    type: "apiKey",
    in: "query",
    name: "ticket",
    description: "A ticket of `POST /reconciliation/stream/ticket`, good for one stream."
  }
}

const securityOf = ({ parameters = {}, permission }: Told): ReadonlyArray<Json> => [
  ...(permission === "anyone" ? [] : [{ token: [] }]),
  ...("ticket" in parameters ? [{ ticket: [] }] : [])
]

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
  const codes = [...told.problems, ...(told.permission === "anyone" ? [] : ofRoles), ...everywhere]
  for (const code of new Set(codes)) {
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
  429: {
    "Retry-After": {
      description: "After how many seconds to come back.",
      required: true,
      schema: { type: "integer", minimum: 1 }
    }
  },
  503: {
    "Retry-After": {
      description: "After how many seconds to come back.",
      required: true,
      schema: { type: "integer", minimum: 0 }
    }
  }
}
