/** What the environment says: the variables of the process and, where one is not given there, those of `.env`. */
import { parseEnv } from "node:util"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as Struct from "effect/Struct"
import { printable } from "../output/Output.ts"
import * as Config from "./Config.ts"
import { ConfigInvalid, type Mistake } from "./ConfigInvalid.ts"
import * as JsonText from "./JsonText.ts"
import { firstProblem } from "./SchemaProblem.ts"
import * as Secret from "./Secret.ts"
import * as ServiceEntry from "./ServiceEntry.ts"
import * as TextFile from "./TextFile.ts"
import * as Typo from "./Typo.ts"

/** Variables by their names. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The two places that variables are in, the first before the second. What errors call them. */
export const origins = ["environment", ".env"] as const
export type Origin = (typeof origins)[number]

/** The variables of this process, as they were when they were asked for. Nobody else gets those of the file. */
export interface Environment extends Readonly<Record<Origin, Variables>> {
  /** What is wrong with the file itself. */
  readonly mistakes: ReadonlyArray<Mistake>
}

/** The file of variables, in the directory that we are started in. */
export const file = ".env"

/** The variables of the process alone. */
export const own: Effect.Effect<Environment> = Effect.sync(() => ({
  environment: { ...process.env },
  [file]: {},
  mistakes: []
}))

/** The variables of the process, and those of the file. Never fails: what is wrong with the file is among the mistakes. */
export const read: Effect.Effect<Environment, never, FileSystem.FileSystem> = Effect.gen(function* () {
  const text = yield* Effect.either(TextFile.read(file))
  const { mistakes, variables } = Either.match(text, { onLeft: unread, onRight: parse })
  return { ...(yield* own), [file]: variables, mistakes }
})

interface FileSays {
  readonly variables: Variables
  readonly mistakes: ReadonlyArray<Mistake>
}

const unread = ({ absent, problem }: TextFile.TextFileUnreadable): FileSays => ({
  variables: {},
  mistakes: absent ? [] : [{ source: file, path: "", problem }]
})

/**
 * Node's own reading of such a file. It takes a line without `=` for a part of the next one's name, and leaves out the
 * last one: which lines are none is found by ourselves.
 */
const parse = (text: string): FileSays => ({
  variables: parseEnv(text),
  mistakes: brokenLines(text).map((line) => ({ source: file, path: `line ${line}`, problem: "expected NAME=value" }))
})

/** The numbers, from 1, of lines that are neither empty, nor a comment, nor a variable, nor within a quoted value. */
const brokenLines = (text: string): ReadonlyArray<number> => {
  const lines = text.split(/\r\n|\n|\r/)
  const broken: Array<number> = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]?.trim() ?? ""
    if (line === "" || line.startsWith("#")) continue
    const said = /^(?:export\s+)?[^\s=]+\s*=\s*(["'`]?)(.*)$/.exec(line)
    if (said === null) {
      broken.push(at + 1)
      continue
    }
    const [, quote = "", value = ""] = said
    if (quote === "" || value.includes(quote)) continue
    // It goes on to the line that ends it; where none does, the quote is a letter as any other.
    const end = lines.findIndex((later, index) => index > at && later.includes(quote))
    if (end > at) at = end
  }
  return broken
}

/** An empty value counts as not given: so scripts and containers hand on what they were not given themselves. */
const given = (variables: Variables, name: string): string | undefined =>
  (Object.hasOwn(variables, name) ? variables[name] : undefined) || undefined

/** Finds a variable wherever it is. */
export const lookup =
  (environment: Environment): Secret.Lookup =>
  (name) =>
    origins.map((origin) => given(environment[origin], name)).find((value) => value !== undefined)

/** What is of one run, and so has no place in a config file. */
const OneRun = Schema.Struct({
  config: Schema.optionalWith(Schema.String, { exact: true }),
  url: Schema.optionalWith(ServiceEntry.HttpUrl, { exact: true }),
  token: Schema.optionalWith(
    Schema.String.pipe(Schema.filter(Secret.isToken)).annotations({ description: Secret.tokenText }),
    { exact: true }
  ),
  tokenFile: Schema.optionalWith(Schema.String, { exact: true })
})
type OneRun = typeof OneRun.Type

/** What a key is called as a variable: `host` is `MITHRANDIR_HOST`. */
export const variable = (key: string): string => `MITHRANDIR_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`

/** What was said, as far as it could be understood, and what could not. */
export interface Said<A> {
  readonly values: A
  readonly mistakes: ReadonlyArray<Mistake>
}

/** What one of the two places says of the config. */
export const said = (environment: Environment, origin: Origin): Said<Config.ConfigFile> => {
  // Whoever reads them needs them; whoever does not is told all the same, before they are needed.
  const mistakes: Array<Mistake> = Struct.keys(OneRun.fields).flatMap((key) =>
    Either.match(oneRunOf(environment, origin, key), { onLeft: ({ mistakes }) => mistakes, onRight: () => [] })
  )
  const value: Record<string, unknown> = {}
  for (const key of Config.keys) {
    const text = given(environment[origin], variable(key))
    if (text === undefined) continue
    Either.match(fromText(key, text), {
      onLeft: (problem) => mistakes.push({ source: origin, path: variable(key), problem }),
      onRight: (read) => {
        value[key] = read
      }
    })
  }
  return Either.match(Config.decode(value), {
    onLeft: (problems) => ({
      values: {},
      mistakes: [
        ...mistakes,
        ...problems.map(({ path, problem }) => ({ source: origin, path: path.replace(/^\w+/, variable), problem }))
      ]
    }),
    onRight: (values) => ({ values, mistakes })
  })
}

/** Text as it is where the file has text; digits, and no other way to write a number; JSON for everything else. */
const fromText = (key: Config.Key, text: string): Either.Either<unknown, string> => {
  switch (shapes.get(key)) {
    case "StringKeyword":
      return Either.right(text)
    case "NumberKeyword":
      return Either.right(/^\d{1,15}$/.test(text) ? Number(text) : text)
    default:
      return text.length > TextFile.maxBytes ? Either.left("expected at most 1 MiB") : JsonText.parse(text)
  }
}

/** How each key stands in a file. */
const shapes: ReadonlyMap<PropertyKey, AST.AST["_tag"]> = new Map(
  AST.getPropertySignatures(Schema.encodedSchema(Config.ConfigFile).ast).map(({ name, type }) => [name, type._tag])
)

/** The path of the config file, wherever it is given. */
export const config = (environment: Environment): Option.Option<string> =>
  Option.fromNullable(lookup(environment)(variable("config")))

/** The server to go through, wherever it is given. */
export const url = (environment: Environment): Either.Either<Option.Option<string>, ConfigInvalid> =>
  oneRun(environment, "url")

/** The token to show to that server, wherever it is given. */
export const token = (environment: Environment): Either.Either<Option.Option<Redacted.Redacted>, ConfigInvalid> =>
  oneRun(environment, "token").pipe(Either.map(Option.map(Secret.make)))

/** The file that has it, wherever it is given. */
export const tokenFile = (environment: Environment): Either.Either<Option.Option<string>, ConfigInvalid> =>
  oneRun(environment, "tokenFile")

const oneRun = (environment: Environment, key: keyof OneRun): Either.Either<Option.Option<string>, ConfigInvalid> => {
  const found = origins.map((origin) => oneRunOf(environment, origin, key))
  return found.find((one) => Either.isLeft(one) || Option.isSome(one.right)) ?? Either.right(Option.none())
}

const oneRunOf = (
  environment: Environment,
  origin: Origin,
  key: keyof OneRun
): Either.Either<Option.Option<string>, ConfigInvalid> => {
  const text = given(environment[origin], variable(key))
  if (text === undefined) return Either.right(Option.none())
  return decodeOneRun({ [key]: text }).pipe(
    Either.mapBoth({
      onLeft: ({ issue }) => {
        const { problem } = firstProblem(issue)
        return new ConfigInvalid({ mistakes: [{ source: origin, path: variable(key), problem }] })
      },
      onRight: (values) => Option.fromNullable(values[key])
    })
  )
}

const decodeOneRun = Schema.decodeUnknownEither(OneRun)

/** Every variable that means something. */
export const known: ReadonlyArray<string> = [...Config.keys, ...Object.keys(OneRun.fields), "debug"].map(variable)

/** Variables that are of the project's own tests. */
const ofTests = variable("test_")

/** More than a few are no slips. */
const maxSuspicions = 10

/** Variables that look like one that is known, typed wrongly: nobody reads them, and nobody would say so. */
export const suspicions = (environment: Environment): ReadonlyArray<string> =>
  origins
    .flatMap((origin) =>
      Object.keys(environment[origin]).flatMap((name) => {
        const meant = given(environment[origin], name) === undefined ? undefined : meantBy(name)
        return meant === undefined ? [] : [printable(`${origin}: ${name} is not known; did you mean ${meant}?`)]
      })
    )
    .slice(0, maxSuspicions)

const meantBy = (name: string): string | undefined => {
  if (known.includes(name) || name.startsWith(ofTests)) return undefined
  const spelt = name.toUpperCase().replaceAll(/[-.]/g, "_")
  return known.find((one) => Typo.isWithin(spelt, one, Typo.patience(one.slice(variable("").length))))
}
