/** What a command works with: flags before environment before config file before defaults. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "./Config.ts"
import { PortText, ServerUrl } from "./Flags.ts"
import { firstProblem } from "./SchemaProblem.ts"

/** What was said on the command line. */
export interface Given {
  readonly config: Option.Option<string>
  readonly database: Option.Option<string>
  readonly host?: Option.Option<string>
  readonly port?: Option.Option<number>
  readonly url?: Option.Option<string>
}

export interface Settings {
  readonly host: string
  readonly port: number
  /** Absolute. */
  readonly database: string
  /** Whether anybody chose the database, or it is the default. */
  readonly databaseGiven: boolean
  /** The config file that was read, where there was one. */
  readonly configFile: Option.Option<string>
  readonly services: Config.Services
}

export const defaultHost = "127.0.0.1"
export const defaultPort = 4410
export const defaultDatabase = "mithrandir.db"
export const defaultConfigFile = "mithrandir.json"

/** What the environment may say. The one list of it. */
const variables = {
  config: "MITHRANDIR_CONFIG",
  database: "MITHRANDIR_DATABASE",
  host: "MITHRANDIR_HOST",
  port: "MITHRANDIR_PORT",
  url: "MITHRANDIR_URL"
} as const

/**
 * Reads the config file and puts everything in its order. Paths on the command line and in the environment are
 * relative to where we are; one in the config file is relative to that file, so that it names the same database
 * wherever a command is run from.
 */
export const resolve = Effect.fn("Settings.resolve")(function* (
  given: Given,
  /** Whether `mithrandir.json` is read where nobody named a config file. */
  options: { readonly discover: boolean } = { discover: true }
) {
  const path = yield* Path.Path
  const environment = yield* readEnvironment
  const named = Option.orElse(given.config, () => environment.config)
  const file = yield* readConfig(named, options.discover)
  const fromFile = Option.flatMapNullable(file, ({ config, name }) =>
    config.database === undefined ? undefined : path.resolve(path.dirname(name), config.database)
  )
  const database = given.database.pipe(
    Option.orElse(() => environment.database),
    Option.map((name) => path.resolve(name)),
    Option.orElse(() => fromFile)
  )
  const settings: Settings = {
    host: firstOf(
      defaultHost,
      given.host,
      environment.host,
      Option.flatMapNullable(file, ({ config }) => config.host)
    ),
    port: firstOf(
      defaultPort,
      given.port,
      environment.port,
      Option.flatMapNullable(file, ({ config }) => config.port)
    ),
    database: Option.getOrElse(database, () => path.resolve(defaultDatabase)),
    databaseGiven: Option.isSome(database),
    configFile: Option.map(file, ({ name }) => name),
    services: Option.match(file, { onNone: () => Either.right([]), onSome: ({ config }) => config.services })
  }
  return settings
})

/** The server that was named, on the command line or in the environment. */
export const serverUrl = (given: Option.Option<string>) =>
  Option.isSome(given) ? Effect.succeed(given) : Effect.map(readEnvironment, ({ url }) => url)

/** The process's environment, for secrets that a config names. Read when it is asked for. */
const environment = Effect.sync((): Config.Environment => process.env)

const readEnvironment = Effect.gen(function* () {
  const env = yield* environment
  const text = (name: string) => Option.filter(Option.fromNullable(env[name]), (value) => value !== "")
  const read = <A>(name: string, schema: Schema.Schema<A, string>) =>
    Option.match(text(name), {
      onNone: () => Effect.succeedNone,
      onSome: (value) =>
        Schema.decode(schema)(value).pipe(
          Effect.mapBoth({
            onSuccess: Option.some,
            onFailure: ({ issue }) =>
              new Config.ConfigInvalid({ file: "environment", path: name, problem: firstProblem(issue).problem })
          })
        )
    })
  return {
    config: text(variables.config),
    database: yield* read(variables.database, Config.SqliteFile),
    host: text(variables.host),
    port: yield* read(variables.port, PortText),
    url: yield* read(variables.url, ServerUrl)
  }
})

const readConfig = (named: Option.Option<string>, discover: boolean) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const file = Option.getOrElse(named, () => defaultConfigFile)
    if (Option.isNone(named) && (!discover || !(yield* fs.exists(file).pipe(Effect.orElseSucceed(() => false))))) {
      return Option.none<{ readonly name: string; readonly config: Config.Config }>()
    }
    const invalid = (problem: string) => new Config.ConfigInvalid({ file, path: "", problem })
    const info = yield* fs.stat(file).pipe(Effect.mapError((error) => invalid(unreadable(error))))
    if (info.type !== "File") return yield* invalid("expected a file")
    if (info.size > Config.maxBytes) return yield* invalid("expected a file of at most 1 MiB")
    const text = yield* fs.readFileString(file).pipe(Effect.mapError((error) => invalid(unreadable(error))))
    const config = Config.parse(text, file, yield* environment)
    if (Either.isLeft(config)) return yield* config.left
    return Option.some({ name: path.resolve(file), config: config.right })
  })

const unreadable = (error: { readonly _tag: string; readonly reason?: string }): string => {
  switch (error.reason) {
    case "NotFound":
      return "there is no such file"
    case "PermissionDenied":
      return "it may not be read by this user"
    default:
      return "it could not be read"
  }
}

const firstOf = <A>(otherwise: A, ...choices: ReadonlyArray<Option.Option<A> | undefined>): A =>
  Option.getOrElse(Option.firstSomeOf(choices.filter((choice) => choice !== undefined)), () => otherwise)
