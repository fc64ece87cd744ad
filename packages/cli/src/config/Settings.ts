/** What a command works with: flags before environment before `.env` before config file before defaults. */
import * as Path from "@effect/platform/Path"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { flow } from "effect/Function"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { printable } from "../output/Output.ts"
import * as Config from "./Config.ts"
import { ConfigInvalid, type Mistake } from "./ConfigInvalid.ts"
import * as Environment from "./Environment.ts"
import * as Secret from "./Secret.ts"
import * as ServiceEntry from "./ServiceEntry.ts"
import * as TextFile from "./TextFile.ts"
import * as TokenFile from "./TokenFile.ts"

/** What was said on the command line. */
export interface Given {
  readonly config: Option.Option<string>
  readonly database: Option.Option<string>
  readonly host?: Option.Option<string>
  readonly port?: Option.Option<number>
  readonly hosts?: Option.Option<ReadonlyArray<string>>
  readonly origins?: Option.Option<ReadonlyArray<string>>
  readonly limits?: Option.Option<Config.LimitsEntry>
  /** The services, secrets as they were typed. */
  readonly entries?: Option.Option<ReadonlyArray<ServiceEntry.ServiceEntry>>
  readonly url?: Option.Option<string>
}

/** Where the value of a key is from. `file` is the config file. */
export type Origin = "flag" | Environment.Origin | "file" | "default"

export interface Settings {
  readonly host: string
  readonly port: number
  /** By which names it is reached, beside those that go without saying. */
  readonly hosts: ReadonlyArray<string>
  /** Whose pages may use it. */
  readonly origins: ReadonlyArray<string>
  /** How much anybody may ask for, where that is said. */
  readonly limits: Config.LimitsEntry
  /** Absolute. */
  readonly database: string
  /** The config file that was read, where there was one. Absolute. */
  readonly configFile: Option.Option<string>
  /** The services, their secrets at hand. */
  readonly services: ServiceEntry.Services
  /** The services as they were given, secrets included where they were. */
  readonly entries: ReadonlyArray<ServiceEntry.ServiceEntry>
  /** Where each is from. */
  readonly from: Readonly<Record<Config.Key, Origin>>
  /** What secrets were looked up in. */
  readonly environment: Environment.Environment
  /** What looks wrong and stops nobody: variables that nobody reads, secrets that everybody may. A line each. */
  readonly warnings: ReadonlyArray<string>
}

const defaultConfigFile = "mithrandir.json"

/**
 * Reads the environment, `.env` and the config file, and puts everything in its order. Paths on the command line and in
 * the environment are relative to where we are; one in the config file is relative to that file, so that it names the
 * same database wherever a command is run from. What does not fit, anywhere, is told all at once.
 */
export const resolve = Effect.fn("Settings.resolve")(function* (
  given: Given,
  /** Whether `.env` and `mithrandir.json` are read where nobody named a config file. */
  options: { readonly discover: boolean } = { discover: true }
) {
  const own = yield* Environment.own
  const chosen = Option.orElse(given.config, () => Environment.config(own))
  const environment = options.discover || Option.isSome(chosen) ? yield* Environment.read : own
  const file = yield* readConfig(
    Option.orElse(chosen, () => Environment.config(environment)),
    options.discover,
    // Which of its secrets are at hand is asked where its services are those that count.
    Option.isNone(given.entries ?? Option.none()) &&
      Environment.lookup(environment)(Environment.variable("services")) === undefined
      ? Environment.lookup(environment)
      : undefined
  )
  const said = Environment.origins.map((origin) => ({ origin, ...Environment.said(environment, origin) }))
  const mistakes = [
    ...environment.mistakes,
    ...said.flatMap((one) => one.mistakes),
    ...(Either.isLeft(file) ? file.left.mistakes : [])
  ]
  const layers = [
    fromFlags(given),
    ...said.map(({ origin, values }): Layer => {
      return { origin, values, services: { source: origin, path: Environment.variable("services") } }
    }),
    ...Option.toArray(Option.flatten(Option.getRight(file)))
  ]
  const settings = inOrder(yield* Path.Path, environment, layers)
  if (Arr.isNonEmptyReadonlyArray(mistakes)) {
    // A secret that is not at hand matters to some alone; beside other mistakes it is told, or it would be the next.
    const missing = Either.isLeft(settings.services) ? settings.services.left.mistakes : []
    return yield* new ConfigInvalid({ mistakes: Arr.appendAll(mistakes, missing) })
  }
  return { ...settings, warnings: [...settings.warnings, ...(yield* exposures(environment, layers))] }
})

/** The files with secrets in them that everybody on the machine may get at: a line each, which mends it. */
const exposures = Effect.fn("Settings.exposures")(function* (
  environment: Environment.Environment,
  layers: ReadonlyArray<Layer>
) {
  const literals = layers.flatMap(({ origin, services: { path, source }, values }) =>
    ServiceEntry.literals(values.services ?? []).map((literal) => ({ origin, source, path: `${path}${literal}` }))
  )
  const named = layers.flatMap(({ values }) => ServiceEntry.variables(values.services ?? []))
  const variables = [Environment.variable("token"), ...named]
    .filter((name) => Object.hasOwn(environment[Environment.file], name))
    .map((path) => ({ origin: Environment.file, source: Environment.file, path }))
  const inFiles = [...literals, ...variables].filter(({ origin }) => origin === "file" || origin === Environment.file)
  const bySource = Object.entries(Arr.groupBy(inFiles, ({ source }) => source))
  const open = yield* Effect.filter(bySource, ([source]) => Effect.orElseSucceed(TextFile.isOpen(source), () => false))
  return open.map(([source, secrets]) => {
    const paths = secrets.map(({ path }) => path).join(", ")
    return printable(
      `${source}: everybody on this machine may get at the secrets in it (${paths}); run: chmod o= ${source}`
    )
  })
})

/** Why there are no services, and what to do about it, where the lists that were given are empty. */
export const whyNone = ({ configFile, from }: Settings): string => {
  switch (from.services) {
    case "flag":
      return "--services lists none; add one to it"
    case "environment":
    case ".env":
      return `${from.services}: ${Environment.variable("services")} lists none; add one to it`
    default:
      return Option.match(configFile, {
        onNone: () => "name a config with --config FILE",
        onSome: (file) => `${file} has none; add one to its "services"`
      })
  }
}

/** What one of the places says that settings are from. */
interface Layer {
  readonly origin: Origin
  readonly values: { readonly [K in Config.Key]?: Config.ConfigFile[K] | undefined }
  /** What its services are called in errors. */
  readonly services: Omit<Mistake, "problem">
  /** The config file, where that is the place. Absolute. */
  readonly file?: string
}

/** Of each key what the first layer says that says anything. */
const inOrder = (path: Path.Path, environment: Environment.Environment, layers: ReadonlyArray<Layer>): Settings => {
  const choose = <K extends Config.Key>(key: K, otherwise: Required<Config.ConfigFile>[K]) => {
    for (const layer of layers) {
      const value = layer.values[key]
      if (value !== undefined) return { value, origin: layer.origin, layer }
    }
    return { value: otherwise, origin: "default", layer: undefined } as const
  }
  const host = choose("host", Config.defaults.host)
  const port = choose("port", Config.defaults.port)
  const database = choose("database", Config.defaults.database)
  const services = choose("services", [])
  const hosts = choose("hosts", [])
  const origins = choose("origins", [])
  const limits = choose("limits", {})
  const base = database.layer?.file === undefined ? "" : path.dirname(database.layer.file)
  return {
    host: host.value,
    port: port.value,
    database: path.resolve(base, database.value),
    configFile: Option.fromNullable(layers.find(({ file }) => file !== undefined)?.file),
    services:
      services.layer === undefined
        ? Either.right([])
        : ServiceEntry.reveal(services.value, services.layer.services, Environment.lookup(environment)),
    entries: services.value,
    hosts: hosts.value,
    origins: origins.value,
    limits: limits.value,
    from: {
      host: host.origin,
      port: port.origin,
      hosts: hosts.origin,
      origins: origins.origin,
      limits: limits.origin,
      database: database.origin,
      services: services.origin
    },
    environment,
    warnings: Environment.suspicions(environment)
  }
}

const fromFlags = ({ database, entries, host, hosts, limits, origins, port }: Given): Layer => ({
  origin: "flag",
  values: {
    database: Option.getOrUndefined(database),
    host: Option.getOrUndefined(host ?? Option.none()),
    port: Option.getOrUndefined(port ?? Option.none()),
    hosts: Option.getOrUndefined(hosts ?? Option.none()),
    origins: Option.getOrUndefined(origins ?? Option.none()),
    limits: Option.getOrUndefined(limits ?? Option.none()),
    services: Option.getOrUndefined(entries ?? Option.none())
  },
  services: { source: "--services", path: "" }
})

const readConfig = (named: Option.Option<string>, discover: boolean, lookup: Secret.Lookup | undefined) =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    if (Option.isNone(named) && !discover) return Option.none<Layer>()
    const source = Option.getOrElse(named, () => defaultConfigFile)
    const text = yield* Effect.either(TextFile.read(source))
    if (Either.isLeft(text)) {
      const { absent, problem } = text.left
      // Only who names a file wants it to be there.
      if (absent && Option.isNone(named)) return Option.none<Layer>()
      return yield* new ConfigInvalid({ mistakes: [{ source, path: "", problem }] })
    }
    const values = yield* Either.mapLeft(Config.parse(text.right, source), ({ mistakes }) => {
      const missing = lookup === undefined ? [] : ServiceEntry.missing(text.right, { source, path: "services" }, lookup)
      return new ConfigInvalid({ mistakes: [...mistakes, ...missing] })
    })
    const layer: Layer = { origin: "file", values, services: { source, path: "services" }, file: path.resolve(source) }
    return Option.some(layer)
  }).pipe(Effect.either)

/** The server that was named, on the command line or in the environment. */
export const serverUrl = (given: Option.Option<string>) =>
  // What else is wrong with the environment is told by `resolve`, all at once.
  Option.isSome(given) ? Effect.succeed(given) : Effect.flatMap(Environment.read, Environment.url)

/** The token for that server: on the command line, itself or in a file; else in the environment, in the same order. */
export const serverToken = Effect.fn("Settings.serverToken")(function* (given: {
  readonly token: Option.Option<Redacted.Redacted>
  readonly tokenFile: Option.Option<string>
}) {
  if (Option.isSome(given.token)) return Option.map(given.token, flow(Redacted.value, Secret.make))
  if (Option.isSome(given.tokenFile)) return Option.some(yield* TokenFile.read(given.tokenFile.value))
  const environment = yield* Environment.read
  if (Arr.isNonEmptyReadonlyArray(environment.mistakes)) {
    return yield* new ConfigInvalid({ mistakes: environment.mistakes })
  }
  const token = yield* Environment.token(environment)
  if (Option.isSome(token)) return token
  const file = yield* Environment.tokenFile(environment)
  return Option.isSome(file) ? Option.some(yield* TokenFile.read(file.value)) : Option.none<Redacted.Redacted>()
})
