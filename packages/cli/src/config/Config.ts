/** `mithrandir.json`: what may stand in it, and what is wrong with one that does not fit. */
import { Egress, Service } from "@mithrandir/core"
import { Limits as HttpLimits } from "@mithrandir/http"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { ConfigInvalid, type Mistake } from "./ConfigInvalid.ts"
import * as DurationText from "./DurationText.ts"
import * as JsonText from "./JsonText.ts"
import { allProblems, type Problem } from "./SchemaProblem.ts"
import * as Secret from "./Secret.ts"

/** What JSON Schema says of a text, in its words; the filter says the same. */
const textRule = { minLength: 1, maxLength: 256, pattern: "^\\S([\\s\\S]*\\S)?$" }

const Text = Schema.String.pipe(
  Schema.filter((text) => text !== "" && text.trim() === text && Array.from(text).length <= textRule.maxLength, {
    jsonSchema: textRule
  })
).annotations({ description: "a text of 1 to 256 characters that neither begins nor ends with a space" })

/** The pattern is what editors know too; the parser knows the rest, and whom we never ask. */
const url = (pattern: RegExp, kind: string, description: string) =>
  Schema.String.pipe(
    Schema.pattern(pattern),
    Schema.filter((text) => {
      const host = URL.canParse(text) ? new URL(text).hostname : ""
      if (host === "") return false
      const flaw = Egress.hostFlaw(host)
      return flaw === undefined || `expected ${kind} of another host: ${flaw}`
    })
  ).annotations({ description: `${kind}${description}` })

/** Where something speaks HTTP. Who logs in there is never part of it: urls are shown. */
export const HttpUrl = url(
  /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/,
  "an http:// or https:// url",
  " without user, password, query or fragment"
)

/** A path that is no number may be the end of a password with a slash in it, and would be shown. */
const RedisUrl = url(
  /^[Rr][Ee][Dd][Ii][Ss][Ss]?:\/\/([^\s/?#]*@)?[^\s/?#@]+(\/\d*)?(\?[^\s#]*)?$/,
  "a redis:// or rediss:// url",
  ", its path the number of a database if anything"
)

/** The least time between two passes: a service that is asked more often does little else. */
const leastPollInterval = Duration.millis(100)

/** The shortest time that anything may take: less could never succeed. */
const leastTimeout = Duration.millis(1)

/** What editors tell of a key. `default` is what holds where it is left out. */
type About<A> = {
  readonly description: string
  readonly default?: A
  readonly examples?: Arr.NonEmptyReadonlyArray<A>
}

const required = <A, I>(schema: Schema.Schema<A, I>, about: About<A>) =>
  Schema.propertySignature(schema).annotations(about)

const optional = <A, I>(schema: Schema.Schema<A, I>, about: About<A>) =>
  Schema.optionalWith(schema, { exact: true }).annotations(about)

/** What holds of a service where its config does not say. */
export const serviceDefaults = {
  pollInterval: Duration.seconds(5),
  settle: Duration.millis(250),
  requestTimeout: Duration.seconds(3),
  commandTimeout: Duration.seconds(30),
  finishedKept: Duration.minutes(10),
  expectation: "lifecycle"
} as const

/** BullMQ's own prefix of every key. */
export const defaultPrefix = "bull"

const naming = {
  id: required(Service.ServiceId, {
    description: "What the service is called in records, commands and queries. Each is there once.",
    examples: ["palantir"]
  }),
  name: optional(Text, { description: "What people call it. Default: its id.", examples: ["Palantir"] })
}

const treatment = {
  healthEndpoint: optional(HttpUrl, {
    description:
      "Where its health is asked for over HTTP. Default: the service itself is asked for a sign of life. Link-local addresses and metadata services are refused.",
    examples: ["http://127.0.0.1:4420/api/v1/health"]
  }),
  metadata: optional(
    Service.Metadata.annotations({ description: "an object of facts to show", jsonSchema: { type: "object" } }),
    { description: "Facts to show with the service. No secrets: whoever may list services sees them." }
  ),
  pollInterval: optional(DurationText.schema(leastPollInterval), {
    description: "How often it is compared. At least 100 millis.",
    default: serviceDefaults.pollInterval
  }),
  settle: optional(DurationText.schema(Duration.zero), {
    description: "How long a difference is given to settle before it is read again.",
    default: serviceDefaults.settle
  }),
  requestTimeout: optional(DurationText.schema(leastTimeout), {
    description: "How long one answer may take.",
    default: serviceDefaults.requestTimeout
  }),
  commandTimeout: optional(DurationText.schema(leastTimeout), {
    description: "How long a command may take from its acceptance to its effect.",
    default: serviceDefaults.commandTimeout
  }),
  finishedKept: optional(DurationText.schema(Duration.zero), {
    description:
      'How long finished jobs stay listed there. Between two looks further apart, absence proves nothing; "0 seconds" says that they may vanish at once.',
    default: serviceDefaults.finishedKept
  }),
  expectation: optional(Schema.Literal("lifecycle", "strict"), {
    description:
      "lifecycle: what jobs ordinarily do explains a difference. strict: nothing does but finished jobs leaving; for an expected side with a feed of its own.",
    default: serviceDefaults.expectation
  })
}

/** A Palantir, over HTTP. */
const PalantirService = Schema.Struct({
  ...naming,
  type: required(Schema.Literal("palantir"), { description: "A Palantir, over HTTP." }),
  url: required(HttpUrl, {
    description:
      "Where it is, base path included: what comes before /api/v1. Link-local addresses and metadata services are refused.",
    examples: ["http://127.0.0.1:4420"]
  }),
  token: optional(Secret.Token, {
    description: "Sent as a bearer token, to this url's origin only.",
    examples: [{ env: "PALANTIR_TOKEN" }]
  }),
  ...treatment
}).annotations({ title: "A Palantir" })

/** The most queues one BullMQ service may have: each is a client-side object and a script call per pass. */
const maxQueues = 1000

/** BullMQ's own rule; our ids are `queue:id`. */
const QueueName = Text.pipe(Schema.pattern(/^[^:]*$/)).annotations({ description: "a queue's name, without a colon" })

const queuesRule = { minItems: 1, maxItems: maxQueues, uniqueItems: true }

const Queues = Schema.Array(QueueName)
  .pipe(
    Schema.filter(
      (queues) => queues.length > 0 && queues.length <= maxQueues && new Set(queues).size === queues.length,
      { jsonSchema: queuesRule }
    )
  )
  .annotations({ description: `1 to ${maxQueues} queue names, each once and without a colon` })

/** BullMQ queues of one Redis. */
const BullMqService = Schema.Struct({
  ...naming,
  type: required(Schema.Literal("bullmq"), { description: "BullMQ queues of one Redis." }),
  url: required(RedisUrl, {
    description:
      "Where that Redis is, with the number of the database as its path where it is not 0. Link-local addresses and metadata services are refused.",
    examples: ["redis://127.0.0.1:6379"]
  }),
  queues: required(Queues, { description: "The queues to look after, each once.", examples: [["mail"]] }),
  prefix: optional(Text, { description: "BullMQ's prefix of every key.", default: defaultPrefix }),
  password: optional(Secret.Secret, {
    description: "Redis's password, where the url does not have it.",
    examples: [{ env: "REDIS_PASSWORD" }]
  }),
  ...treatment
}).annotations({ title: "BullMQ" })

/** One entry of `services`, as it stands in the file. */
export const ServiceEntry = Schema.Union(PalantirService, BullMqService)
export type ServiceEntry = typeof ServiceEntry.Type

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
  streams: optional(Limit, { description: "Streams that may be open in all.", default: HttpLimits.defaults.streams })
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
  limits: optional(LimitsEntry, { description: "How much anybody may ask for; what is beyond is a 429." }),
  database: optional(SqliteFile, {
    description: "The SQLite file, relative to this file.",
    default: defaults.database
  }),
  services: optional(Schema.Array(ServiceEntry), { description: "The job services to reconcile." })
})
export type ConfigFile = typeof ConfigFile.Type

/** Something that can be configured; `$schema` is of editors. */
export type Key = Exclude<keyof ConfigFile, "$schema">

/** All there is to configure, in the order of the file. */
export const keys: ReadonlyArray<Key> = Record.keys(Struct.omit(ConfigFile.fields, "$schema"))

type Revealed<A> = { readonly [K in keyof A]: K extends "token" | "password" ? Redacted.Redacted : A[K] }

/** A service, its secrets at hand. */
export type ServiceConfig = Revealed<typeof PalantirService.Type> | Revealed<typeof BullMqService.Type>

/** The services, their secrets at hand; or what is wrong with the secrets, which only matters to who needs them. */
export type Services = Either.Either<ReadonlyArray<ServiceConfig>, ConfigInvalid>

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
  const problems = [...(Either.isLeft(decoded) ? decoded.left : []), ...repeatedIds(value)]
  return Arr.isNonEmptyReadonlyArray(problems) ? Either.left(problems) : decoded
}

/** Reads a list of services alone, as JSON. Paths of problems begin with the place in the list. */
export const parseServices = (
  text: string
): Either.Either<ReadonlyArray<ServiceEntry>, Arr.NonEmptyReadonlyArray<Problem>> =>
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

/** Asked of the value as it was given, so that it is told beside everything else that is wrong. */
const repeatedIds = (value: unknown): ReadonlyArray<Problem> => {
  const entries: unknown = Predicate.hasProperty(value, "services") ? value.services : []
  const seen = new Set<string>()
  return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown, index) => {
    if (!Predicate.hasProperty(entry, "id") || typeof entry.id !== "string") return []
    const repeated = seen.has(entry.id)
    seen.add(entry.id)
    return repeated ? [{ path: `services[${index}].id`, problem: "expected an id that no service before has" }] : []
  })
}

/** Puts the secrets in their place. `at` is where the list of services stands; every one that is wrong is told. */
export const reveal = (
  entries: ReadonlyArray<ServiceEntry>,
  at: Omit<Mistake, "problem">,
  lookup: Secret.Lookup
): Services => {
  const [mistakes, services] = Arr.separate(
    entries.map((entry, index) =>
      Either.mapLeft(withSecret(entry, lookup), ({ path, problem }): Mistake => {
        return { source: at.source, path: `${at.path}[${index}].${path}`, problem }
      })
    )
  )
  return Arr.isNonEmptyReadonlyArray(mistakes) ? Either.left(new ConfigInvalid({ mistakes })) : Either.right(services)
}

/** The secrets that are not at hand, of a text that does not fit for other reasons. */
export const missing = (text: string, at: Omit<Mistake, "problem">, lookup: Secret.Lookup): ReadonlyArray<Mistake> => {
  const value: unknown = Either.getOrUndefined(JsonText.parse(text))
  const entries: unknown = Predicate.hasProperty(value, "services") ? value.services : []
  return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown, index) =>
    ["token", "password"].flatMap((key) => {
      const given: unknown = Predicate.hasProperty(entry, key) ? entry[key] : undefined
      if (!isSecret(given)) return []
      const revealed = secret(key, given, lookup)
      if (Either.isRight(revealed)) return []
      const { path, problem } = revealed.left
      return [{ source: at.source, path: `${at.path}[${index}].${path}`, problem }]
    })
  )
}

const isSecret = Schema.is(Secret.Secret)

const withSecret = (entry: ServiceEntry, lookup: Secret.Lookup): Either.Either<ServiceConfig, Problem> =>
  Either.gen(function* () {
    if (entry.type === "palantir") {
      const { token, ...rest } = entry
      if (token === undefined) return rest
      const revealed = yield* secret("token", token, lookup)
      if (!Secret.isToken(Redacted.value(revealed))) {
        return yield* Either.left({ path: "token", problem: `expected ${Secret.tokenText}` })
      }
      return { ...rest, token: revealed }
    }
    const { password, ...rest } = entry
    Secret.keepUrl(entry.url)
    return password === undefined ? rest : { ...rest, password: yield* secret("password", password, lookup) }
  })

const secret = (key: string, value: Secret.Secret, lookup: Secret.Lookup): Either.Either<Redacted.Redacted, Problem> =>
  Either.fromOption(Secret.reveal(value, lookup), () => ({
    path: `${key}.env`,
    problem: `the environment variable ${typeof value === "string" ? "" : value.env} is not set`
  }))
