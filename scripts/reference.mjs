// Renders what the program says of itself as pages for people: the API from its OpenAPI document, the config from its
// JSON Schema, the command line from its own help.
import { readFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"

/** What stands at the head of each page. */
const generated = "<!-- Made from the code by `npm run generate`; changes belong there. -->"

/** A cell of a table: on one line, without what would end the cell. */
const cell = (text = "") => text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|")

const table = (heads, rows) =>
  rows.length === 0
    ? ""
    : [heads, heads.map(() => "---"), ...rows.map((row) => row.map(cell))]
        .map((row) => `| ${row.join(" | ")} |`)
        .join("\n")

const page = (...parts) => `${parts.filter((part) => part !== "" && part !== undefined).join("\n\n")}\n`

const nameOf = (ref) => ref.split("/").at(-1)

/** GitHub's anchor of a heading. */
const anchor = (text) =>
  text
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-")

const bounds = ({ exclusiveMinimum, maxItems, maximum, maxLength, minItems, minimum, minLength }, unit) => {
  const low = minimum ?? minItems ?? minLength ?? exclusiveMinimum
  const high = maximum ?? maxItems ?? maxLength
  if (low === undefined && high === undefined) return ""
  const suffix = unit === undefined ? "" : ` ${unit}`
  if (high === undefined) return low === 0 || low === 1 ? "" : ` (at least ${low}${suffix})`
  return low === undefined ? ` (at most ${high}${suffix})` : ` (${low} to ${high}${suffix})`
}

/** The one kind of text whose units are in its pattern. */
const isDuration = ({ pattern }) => pattern?.includes("|milli|") ?? false

const plural = (type) => type.replace(/^(text|object|whole number|number)\b/, "$1s")

/** What a value may be, in a word or a few. `link` says what becomes of a name. */
const typeOf = (schema, link) => {
  if (schema === undefined || schema === true || Object.keys(schema).length === 0) return "any JSON"
  if (schema.$ref !== undefined) return link(nameOf(schema.$ref))
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ")
  const several = schema.anyOf ?? schema.oneOf
  if (several !== undefined) return [...new Set(several.map((one) => typeOf(one, link)))].join(" or ")
  if (schema.allOf !== undefined) return typeOf(schema.allOf[0], link)
  if (schema.properties?.env !== undefined) return '`{ "env": "NAME" }`'
  if (isDuration(schema)) return `[duration](#durations), ${schema.$comment}`
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, link)).join(" or ")
  switch (schema.type) {
    case "array":
      return `list of ${plural(typeOf(schema.items, link))}${bounds(schema)}`
    case "string":
      return `${schema.format === undefined ? "text" : schema.format}${bounds(schema, "characters")}`
    case "integer":
      return `whole number${bounds(schema)}`
    case "number":
      return `number${bounds(schema)}`
    case "boolean":
      return "true or false"
    case "object":
      return "object"
    case undefined:
      // Of a text nothing but its form may be said.
      return schema.pattern === undefined ? "any JSON" : "text"
    case "null":
      return "null"
    default:
      return "any JSON"
  }
}

const properties = (schema, link) =>
  table(
    ["name", "", "type", ""],
    Object.entries(schema.properties ?? {}).map(([name, property]) => [
      `\`${name}\``,
      (schema.required ?? []).includes(name) ? "required" : "",
      typeOf(property, link),
      [
        property.description ?? "",
        property.default === undefined ? "" : `Default: \`${JSON.stringify(property.default)}\`.`
      ]
        .filter(Boolean)
        .join(" ")
    ])
  )

const methods = ["get", "head", "post", "put", "patch", "delete"]

/** The API, from its OpenAPI 3.1 document. */
const http = (document) => {
  const schemas = document.components?.schemas ?? {}
  const link = (name) => (name in schemas ? `[${name}](#${anchor(name)})` : name)
  const deref = (value, group) =>
    value?.$ref === undefined ? value : document.components?.[group]?.[nameOf(value.$ref)]
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.filter((method) => method in item).map((method) => ({ path, method, operation: item[method] }))
  )
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags ?? []))]

  /** What can go wrong, apart: a code and its words. */
  const problemsOf = ({ description = "" }) => Array.from(description.matchAll(/`([a-z-]+)`: ([^`]*)\./g))
  const codesOf = ({ responses }) =>
    new Set(
      Object.values(responses).flatMap((response) => problemsOf(deref(response, "responses")).map(([, code]) => code))
    )
  /** What can go wrong with every route is said once. */
  const common = operations
    .map(({ operation }) => codesOf(operation))
    .reduce((all, codes) => new Set(Array.from(all).filter((code) => codes.has(code))))
  const everywhere = Object.entries(operations[0].operation.responses).flatMap(([status, response]) =>
    problemsOf(deref(response, "responses"))
      .filter(([, code]) => common.has(code))
      .map(([, code, words]) => [status, `\`${code}\``, `${words}.`])
  )

  const answers = (operation) =>
    table(
      ["status", "media type", "body", ""],
      Object.entries(operation.responses).flatMap(([status, response]) => {
        const { content, description = "", headers } = deref(response, "responses")
        const problems = problemsOf({ description })
        const own = problems.filter(([, code]) => !common.has(code))
        if (problems.length > 0 && own.length === 0) return []
        const words = problems.length === 0 ? description : own.map(([text]) => text).join(" ")
        const more = Object.keys(headers ?? {})
        const heads = more.length === 0 ? "" : ` Headers: ${more.map((name) => `\`${name}\``).join(", ")}.`
        return Object.entries(content ?? { "": {} }).map(([type, { schema }], index) => [
          index === 0 ? status : "",
          type,
          type === "" ? "" : typeOf(schema, link),
          index === 0 ? `${words}${heads}` : ""
        ])
      })
    )

  const parameters = (operation) =>
    table(
      ["parameter", "in", "", "type", ""],
      (operation.parameters ?? [])
        .map((parameter) => deref(parameter, "parameters"))
        .map(({ description, in: place, name, required, schema }) => [
          `\`${name}\``,
          place,
          required ? "required" : "",
          typeOf(schema, link),
          description ?? schema?.description ?? ""
        ])
    )

  const bodyOf = (operation) => {
    const body = deref(operation.requestBody, "requestBodies")
    if (body === undefined) return ""
    const types = Object.entries(body.content).map(([type, { schema }]) => `${typeOf(schema, link)}, as \`${type}\``)
    return `Body: ${types.join("; or ")}.`
  }

  return page(
    "# HTTP reference",
    generated,
    document.info.description,
    "Beside what each route says of itself, every route may answer with one of these:",
    table(["status", "code", ""], everywhere),
    "To another method than its own a path answers 405, `method-not-allowed`, with those that it has in `Allow`.",
    ...tags.flatMap((tag) => [
      `## ${tag}`,
      document.tags?.find(({ name }) => name === tag)?.description,
      ...operations
        .filter(({ operation }) => operation.tags?.includes(tag))
        .flatMap(({ method, operation, path }) => [
          `### ${method.toUpperCase()} ${path}`,
          operation.summary,
          operation.description === operation.summary ? "" : operation.description,
          parameters(operation),
          bodyOf(operation),
          answers(operation)
        ])
    ]),
    "## Schemas",
    ...Object.entries(schemas).flatMap(([name, schema]) => [
      `### ${name}`,
      schema.description,
      schema.type === "object" && schema.properties !== undefined
        ? properties(schema, link)
        : `${typeOf(schema, link)}.`
    ])
  )
}

/** Which lengths of time there are words for, of the pattern that they have to fit. */
const durations = (pattern) => {
  const units = /\(([\w|]+)\)s\?\$$/.exec(pattern)[1].split("|")
  return [
    "## Durations",
    `A duration is a number, a space and a unit: \`"5 seconds"\`, \`"1.5 minutes"\`, \`"250 millis"\`. The units are ${units.map((unit) => `\`${unit}\``).join(", ")}, each with or without an s. On the command line it is shorter: \`--wait 30s\`.`
  ]
}

/** What is of one run, and stands in no file. */
const ofOneRun = [
  ["MITHRANDIR_CONFIG", "--config", "Which config file is read. Without it `mithrandir.json`, where there is one."],
  ["MITHRANDIR_URL", "--url", "The server that one-off runs go through, as an http:// or https:// url."],
  [
    "MITHRANDIR_TOKEN",
    "--token",
    "What that server wants to be shown. Other users of the machine can see flags, and not this."
  ],
  ["MITHRANDIR_TOKEN_FILE", "--token-file", "A file with that token, readable by its owner alone."],
  ["MITHRANDIR_DEBUG", "", "With any value: stack traces, and what is logged for developers."],
  ["NO_COLOR", "", "With any value: no colours, on a terminal either."]
]

/** The config file, from its JSON Schema. */
const config = (schema) => {
  const definitions = schema.definitions ?? schema.$defs ?? {}
  const resolve = (value) => (value?.$ref === undefined ? value : { ...definitions[nameOf(value.$ref)], ...value })
  const link = (name) => {
    const { description } = definitions[name]
    return `${typeOf(definitions[name], link)}${description === undefined ? "" : `: ${description}`}`
  }
  const top = resolve(schema)
  const entries = Object.entries(top.properties).filter(([name]) => name !== "$schema")
  const services = resolve(top.properties.services)
  const kinds = (resolve(services.items).anyOf ?? resolve(services.items).oneOf ?? [services.items]).map(resolve)
  return page(
    "# Configuration reference",
    generated,
    schema.description,
    table(
      ["key", "flag", "variable", "type", "default", ""],
      entries.map(([name, value]) => {
        const property = resolve(value)
        return [
          `\`${name}\``,
          `\`--${name}\``,
          `\`MITHRANDIR_${name.toUpperCase()}\``,
          typeOf(property, link),
          property.default === undefined ? "" : `\`${JSON.stringify(property.default)}\``,
          property.description ?? ""
        ]
      })
    ),
    "Each is looked for in this order, and what is found first holds: the flag, the variable, the variable in `.env`, the file, the default. An empty variable counts as none. What is of one run has no key in the file:",
    table(
      ["variable", "flag", ""],
      ofOneRun.map(([name, flag, words]) => [`\`${name}\``, flag === "" ? "" : `\`${flag}\``, words])
    ),
    ...kinds.flatMap((kind) => [
      `## A service of type \`${resolve(kind.properties.type).const ?? resolve(kind.properties.type).enum?.[0]}\``,
      kind.description,
      properties(
        { ...kind, properties: Object.fromEntries(Object.entries(kind.properties).map(([k, v]) => [k, resolve(v)])) },
        link
      )
    ]),
    ...durations(Object.values(kinds[0].properties).find(isDuration).pattern)
  )
}

/** The command line, from what each command says for `--help`. */
const cli = (helps) =>
  page(
    "# Command line reference",
    generated,
    ...Object.entries(helps).flatMap(([words, help]) => [
      `## mithrandir ${words}`.trimEnd(),
      ["```text", stripVTControlCharacters(help).trimEnd(), "```"].join("\n")
    ])
  )

const read = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"))

/** The pages by their names, of what was generated and built last. */
export const pages = () => ({
  "docs/reference/cli.md": cli(read("packages/cli/dist/help.json")),
  "docs/reference/config.md": config(read("packages/cli/config.schema.json")),
  "docs/reference/http.md": http(read("packages/http/openapi.json"))
})
