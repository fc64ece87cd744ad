/** `mithrandir.json`: what may stand in it, and what is wrong with one that does not fit. */
import { Limits as HttpLimits } from "@mithrandir/http"
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { ConfigInvalid } from "./ConfigInvalid.ts"
import { optional, Text } from "./Field.ts"
import * as JsonText from "./JsonText.ts"
import { allProblems, type Problem } from "./SchemaProblem.ts"
import * as ServiceEntry from "./ServiceEntry.ts"

/** Where the database is. Later also a `postgres://` url. */
export const SqliteFile = Schema.String.pipe(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no file's path can have it
  Schema.pattern(/^(?![A-Za-z][A-Za-z0-9+.-]*:\/\/)(?!:memory:$)[^\u0000]+$/)
).annotations({ description: "the path of a SQLite file" })

/** Where to listen: a name or an address. */
export const Host = Text

const portRule = { type: "integer", minimum: 0, maximum: 65_535 } as const

/** A TCP port; 0 takes any free one. */
export const Port = Schema.Number.pipe(
  Schema.filter((port) => Number.isInteger(port) && port >= portRule.minimum && port <= portRule.maximum, {
    jsonSchema: portRule
  })
).annotations({ description: "a port, 0 to 65535" })

/** More names or origins than anybody has, compared with every request. */
const maxNames = 100

/** A list of texts of one form, each once. */
const listOf = (item: Schema.Schema<string>, description: string) =>
  Schema.Array(item)
    .pipe(
      Schema.filter((all) => all.length <= maxNames && new Set(all).size === all.length, {
        jsonSchema: { maxItems: maxNames, uniqueItems: true }
      })
    )
    .annotations({ description: `a list of ${description}, each once, at most ${maxNames}` })

const HostName = Schema.String.pipe(
  Schema.pattern(/^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?$/)
).annotations({ description: "a host name or address, with a port or without" })

/** As browsers write it: in lower case, without a path, and without the port that goes without saying. */
const Origin = Schema.String.pipe(
  Schema.pattern(/^https?:\/\/[^\sA-Z/?#@\\]+$/),
  Schema.filter((text) => URL.canParse(text) && new URL(text).origin === text)
).annotations({ description: "an origin as browsers write it, such as https://dash.example.com" })

/** Beyond what any server would live through. */
const limitRule = { type: "integer", minimum: 1, maximum: 1_000_000 } as const

const Limit = Schema.Number.pipe(
  Schema.filter((limit) => Number.isInteger(limit) && limit >= limitRule.minimum && limit <= limitRule.maximum, {
    jsonSchema: limitRule
  })
).annotations({ description: "a whole number, 1 to 1000000" })

/** How much anybody may ask for. */
const LimitsEntry = Schema.Struct({
  commandsPerMinute: optional(Limit, {
    description: "Commands, dry runs and passes of one actor: so many at once, and so many more a minute.",
    default: HttpLimits.defaults.commandsPerMinute
  }),
  failuresPerMinute: optional(Limit, {
    description: "Requests from one address without a good token that are answered with 401 and not 429.",
    default: HttpLimits.defaults.failuresPerMinute
  }),
  streamsPerActor: optional(Limit, {
    description: "Streams that one actor may have open.",
    default: HttpLimits.defaults.streamsPerActor
  }),
  streams: optional(Limit, {
    description: "Streams that may be open in all; what is beyond is a 503.",
    default: HttpLimits.defaults.streams
  }),
  backlogKiB: optional(Limit, {
    description: "KiB of a stream that a listener may leave untaken before it is cut off; it goes on by id.",
    default: HttpLimits.defaults.backlogKiB
  }),
  backlogSeconds: optional(Limit, {
    description: "Seconds for which a listener may leave any of its stream untaken.",
    default: HttpLimits.defaults.backlogSeconds
  })
})
export type LimitsEntry = typeof LimitsEntry.Type

/** Where the server listens, and where its database is, unless somebody says otherwise. */
export const defaults = { host: "127.0.0.1", port: 4410, database: "mithrandir.db" } as const

/** The whole file, and the one list of what can be configured. Secrets are still as they stand in it. */
export const ConfigFile = Schema.Struct({
  $schema: optional(Schema.String, {
    description: "Where editors find what may stand here.",
    examples: ["./node_modules/@mithrandir/cli/config.schema.json"]
  }),
  host: optional(Host, { description: "Where to listen: a name or an address.", default: defaults.host }),
  port: optional(Port, { description: "Where to listen; 0 takes any free port.", default: defaults.port }),
  hosts: optional(listOf(HostName, "host names"), {
    description:
      "By which names clients reach the server, beside its address and this machine's own names: what else a Host header may say. A name without a port holds for any.",
    examples: [["ops.example.com"]]
  }),
  origins: optional(listOf(Origin, "origins as browsers write them (https://dash.example.com)"), {
    description: "Origins of pages elsewhere that may use the server, with a token. Compared exactly.",
    examples: [["https://dash.example.com"]]
  }),
  limits: optional(LimitsEntry, {
    description: "How much anybody may ask for; what is beyond is a 429, unless it says otherwise."
  }),
  database: optional(SqliteFile, {
    description:
      "The SQLite file, relative to this file. Beside it are the signed checkpoints of its audit, <database>.checkpoints, and the key that signs them, <database>.audit-key.",
    default: defaults.database
  }),
  services: optional(Schema.Array(ServiceEntry.ServiceEntry), { description: "The job services to reconcile." })
})
export type ConfigFile = typeof ConfigFile.Type

/** Something that can be configured; `$schema` is of editors. */
export type Key = Exclude<keyof ConfigFile, "$schema">

/** All there is to configure, in the order of the file. */
export const keys: ReadonlyArray<Key> = Record.keys(Struct.omit(ConfigFile.fields, "$schema"))

/** Reads the text of a config file. `source` is what it is called in errors. */
export const parse = (text: string, source: string): Either.Either<ConfigFile, ConfigInvalid> =>
  JsonText.parse(text).pipe(
    Either.mapLeft((problem): Arr.NonEmptyReadonlyArray<Problem> => [{ path: "", problem }]),
    Either.flatMap(decode),
    Either.mapLeft((problems) => new ConfigInvalid({ mistakes: Arr.map(problems, (one) => ({ source, ...one })) }))
  )

/** What a value says that could stand in a file, or everything that is wrong with it. */
export const decode = (value: unknown): Either.Either<ConfigFile, Arr.NonEmptyReadonlyArray<Problem>> => {
  const decoded = Either.mapLeft(decodeFile(value, everything), ({ issue }) => allProblems(issue))
  const problems = [...(Either.isLeft(decoded) ? decoded.left : []), ...ServiceEntry.repeatedIds(value)]
  return Arr.isNonEmptyReadonlyArray(problems) ? Either.left(problems) : decoded
}

/** Reads a list of services alone, as JSON. Paths of problems begin with the place in the list. */
export const parseServices = (
  text: string
): Either.Either<ReadonlyArray<ServiceEntry.ServiceEntry>, Arr.NonEmptyReadonlyArray<Problem>> =>
  JsonText.parse(text).pipe(
    Either.mapLeft((problem): Arr.NonEmptyReadonlyArray<Problem> => [{ path: "", problem }]),
    Either.flatMap((services) => decode({ services })),
    Either.mapBoth({
      onLeft: Arr.map(({ path, problem }) => ({ path: path.replace(/^services/, ""), problem })),
      onRight: ({ services = [] }) => services
    })
  )

/** Reads one key alone, as JSON. Paths of problems begin with the key. */
export const parseKey = <K extends Key>(
  key: K,
  text: string
): Either.Either<NonNullable<ConfigFile[K]>, Arr.NonEmptyReadonlyArray<Problem>> =>
  JsonText.parse(text).pipe(
    Either.mapLeft((problem): Arr.NonEmptyReadonlyArray<Problem> => [{ path: key, problem }]),
    Either.flatMap((value) => decode({ [key]: value })),
    // It was given, so it is there.
    Either.map((file) => file[key] as NonNullable<ConfigFile[K]>)
  )

const decodeFile = Schema.decodeUnknownEither(ConfigFile)
const everything = { onExcessProperty: "error", errors: "all" } as const
