/** How flags and arguments are read, and those that commands share, each said once. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "../config/Config.ts"
import { choice, firstProblem } from "../config/SchemaProblem.ts"
import * as ServiceEntry from "../config/ServiceEntry.ts"
import * as Output from "../output/Output.ts"
import type { Argument, Flag, Read } from "./Program.ts"
import * as Token from "./Token.ts"

/** What every flag says of itself. */
type Words = Pick<Flag<unknown>, "name" | "alias" | "help" | "default" | "group"> & { readonly placeholder: string }

/** Text that a schema reads; what does not fit is refused as `--name: expected …`. */
const reader = <A, I extends string>(name: string, schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (text: string): Either.Either<A, string> =>
    Either.mapLeft(decode(text), ({ issue }) => `${name}: ${firstProblem(issue).problem}`)
}

const unless = <A, B>(
  read: (text: string) => Either.Either<A, string>,
  absent: Either.Either<B, string>,
  found: (value: A) => B
): Read<B> => {
  return (text) => (text === undefined ? absent : Either.map(read(text), found))
}

const orNone = <A>(read: (text: string) => Either.Either<A, string>): Read<Option.Option<A>> =>
  unless(read, Either.right(Option.none()), Option.some)

/** A flag that may be left out, and whose text is read by hand. What is wrong with it names the flag. */
export const parsed = <A>(
  words: Words & { readonly read: (text: string) => Either.Either<A, string> }
): Flag<Option.Option<A>> => ({ ...words, _tag: "flag", required: false, read: orNone(words.read) })

/** A flag that may be left out. */
export const optional = <A, I extends string>({
  schema,
  ...words
}: Words & { readonly schema: Schema.Schema<A, I> }): Flag<Option.Option<A>> =>
  parsed({ ...words, read: reader(`--${words.name}`, schema) })

/** A flag that has to be there. */
export const required = <A, I extends string>({
  schema,
  ...words
}: Words & { readonly schema: Schema.Schema<A, I> }): Flag<A> => ({
  ...words,
  _tag: "flag",
  required: true,
  read: unless<A, A>(
    reader(`--${words.name}`, schema),
    Either.left(`--${words.name} ${words.placeholder} is missing: ${words.help}`),
    (value) => value
  )
})

/** A flag that is there or not. */
export const toggle = (words: Pick<Words, "name" | "alias" | "help" | "group">): Flag<boolean> => ({
  ...words,
  _tag: "flag",
  required: false,
  read: (text) => Either.right(text !== undefined)
})

interface ArgumentWords<A, I> {
  readonly name: string
  readonly help: string
  readonly schema: Schema.Schema<A, I>
}

/** An argument that has to be there. */
export const argument = <A, I extends string>({ schema, ...words }: ArgumentWords<A, I>): Argument<A> => ({
  ...words,
  _tag: "argument",
  required: true,
  read: unless<A, A>(
    reader(words.name, schema),
    Either.left(`${words.name} is missing: ${words.help}`),
    (value) => value
  )
})

/** An argument that may be left out. Only the last ones can. */
export const optionalArgument = <A, I extends string>({
  schema,
  ...words
}: ArgumentWords<A, I>): Argument<Option.Option<A>> => ({
  ...words,
  _tag: "argument",
  required: false,
  read: orNone(reader(words.name, schema))
})

/** Any text but the empty one. */
export const Text = Schema.NonEmptyString.annotations({ description: "a text" })

/** A text of which length is all that is wrong, or what a schema says of it. */
export const sized = <A>(most: number, schema: Schema.Schema<A, string>): Schema.Schema<A, string> => {
  const Sized = Schema.String.pipe(
    Schema.filter((text) => (text !== "" && text.length <= most) || `expected a text of 1 to ${most} characters`)
  )
  return Schema.compose(Sized, schema)
}

/** Where a file is. */
export const Path = Schema.NonEmptyString.annotations({ description: "a path" })

export const config = optional({
  name: "config",
  placeholder: "FILE",
  help: "the config file",
  default: "mithrandir.json, where there is one",
  group: "house",
  schema: Path
})

export const database = optional({
  name: "database",
  placeholder: "FILE",
  help: "the SQLite file",
  default: "the config's, or mithrandir.db",
  group: "house",
  schema: Config.SqliteFile
})

export const url = optional({
  name: "url",
  placeholder: "URL",
  help: "go through the server at this url",
  default: "the one that has the database, where one runs",
  group: "house",
  // A path after the host is the prefix that the API is mounted under.
  schema: ServiceEntry.HttpUrl
})

export const token = optional({
  name: "token",
  placeholder: "TOKEN",
  help: "for a server that wants one. Other users of this machine can see flags: MITHRANDIR_TOKEN is better",
  group: "house",
  schema: Token.Token
})

export const tokenFile = optional({
  name: "token-file",
  placeholder: "FILE",
  help: "a file with that token, readable by its owner alone; also MITHRANDIR_TOKEN_FILE",
  group: "house",
  schema: Path
})

/** What every one-off run takes: where the house is. */
export const access = { config, database, url, token, tokenFile }

/** Where what a command writes goes, if not to stdout. */
export const file = optional({
  name: "file",
  placeholder: "PATH",
  help: "write to this file, which is there only once it is whole",
  default: "stdout",
  schema: Path
})

/** A whole number on the command line, in the words of `of`. */
export const numeric = <A>(of: Schema.Schema<A, number>, description: string): Schema.Schema<A, string> =>
  // Digits alone: `1e3` and `0x1` are numbers to JavaScript, and typing errors here.
  Schema.compose(
    Schema.compose(Schema.String.pipe(Schema.pattern(/^\d{1,10}$/)), Schema.NumberFromString),
    of
  ).annotations({
    description
  })

/** A port as text. */
export const PortText = numeric(Config.Port, "a port, 0 to 65535")

/** A list of texts with commas between them, each read by a schema. */
export const listOf = <A, I extends string>(each: Schema.Schema<A, I>, description: string) =>
  Schema.transform(Schema.String, Schema.Array(Schema.String), {
    strict: true,
    decode: (text) => text.split(",").map((part) => part.trim()),
    encode: (parts) => parts.join(",")
  }).pipe(Schema.compose(Schema.Array(each), { strict: false }), Schema.annotations({ description }))

/** A key of the config as JSON, as the file has it. */
const json = <K extends Config.Key>(
  key: K,
  words: Omit<Words, "name" | "placeholder">
): Flag<Option.Option<NonNullable<Config.ConfigFile[K]>>> =>
  parsed({
    ...words,
    name: key,
    placeholder: "JSON",
    read: (text) =>
      Either.mapBoth(Config.parseKey(key, text), {
        onLeft: ([{ path, problem }]) => `--${path}: ${problem}`,
        onRight: (value) => value
      })
  })

/** Where a server listens, and whom it answers. */
export const listen = {
  host: optional({
    name: "host",
    placeholder: "HOST",
    help: "where to listen",
    default: Config.defaults.host,
    schema: Config.Host
  }),
  port: optional({
    name: "port",
    placeholder: "PORT",
    help: "where to listen; 0 takes any free port",
    default: String(Config.defaults.port),
    schema: PortText
  }),
  hosts: json("hosts", { help: "names that clients reach the server by", default: "[]" }),
  origins: json("origins", { help: "origins of pages elsewhere that may use it, with a token", default: "[]" }),
  limits: json("limits", { help: "how much anybody may ask for", default: "{}" })
}

/** The services, in place of those that the config file has. */
export const services = parsed({
  name: "services",
  placeholder: "JSON",
  help: "the services, as a config file lists them",
  default: "the config's",
  group: "house",
  read: (text) =>
    Either.mapLeft(
      Config.parseServices(text),
      ([{ path, problem }]) => `--services: ${path}${path === "" ? "" : ": "}${problem}`
    )
})

/** How data is printed, of the forms that a command has. */
export const output = <F extends Output.Format>(formats: readonly [F, ...ReadonlyArray<F>]): Flag<F> => {
  const [usual] = formats
  const words = { name: "output", alias: "o", placeholder: formats.join("|"), help: "how to print data" } as const
  return {
    ...words,
    _tag: "flag",
    required: false,
    default: usual,
    group: "output",
    read: unless<F, F>(
      reader("--output", Schema.Literal(...formats).annotations({ description: choice(formats) })),
      Either.right(usual),
      (format) => format
    )
  }
}
