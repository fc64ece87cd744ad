/** `mithrandir.json`: what may stand in it, and what is wrong with one that does not fit. */
import { Service } from "@mithrandir/core"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { printable } from "./Output.ts"
import { firstProblem } from "./SchemaProblem.ts"

/** A config file is written by hand; beyond this it is some other file, and reading it would only fill memory. */
export const maxBytes = 1024 * 1024

/** Node's timers wrap at 24.8 days, so that a longer wait would end at once. */
const longest = Duration.days(24)

/** How long: `"5 seconds"`, `"250 millis"`, `"10 minutes"`. */
const duration = (least: Duration.Duration) => {
  const description = `a duration such as "5 seconds", from ${Duration.format(least)} to ${Duration.format(longest)}`
  const pattern = /^\d+(\.\d+)? (nano|micro|milli|second|minute|hour|day|week)s?$/
  return Schema.transformOrFail(Schema.String, Schema.DurationFromSelf, {
    strict: true,
    decode: (text, _, ast) => {
      const parsed = pattern.test(text) ? Duration.decodeUnknown(text) : undefined
      return parsed?._tag === "Some" && Duration.between(parsed.value, { minimum: least, maximum: longest })
        ? ParseResult.succeed(parsed.value)
        : ParseResult.fail(new ParseResult.Type(ast, text))
    },
    encode: (length) => ParseResult.succeed(`${Duration.toMillis(length)} millis`)
  }).annotations({ description })
}

const Text = Schema.NonEmptyTrimmedString.pipe(Schema.maxLength(256)).annotations({
  description: "a text of 1 to 256 characters that neither begins nor ends with a space"
})

/** A secret as it stands in the file: itself, or the name of the environment variable that has it. */
const Secret = Schema.Union(Schema.NonEmptyString, Schema.Struct({ env: Schema.NonEmptyString })).annotations({
  description: 'a text, or { "env": "NAME" } for an environment variable'
})
type Secret = typeof Secret.Type

const url = (protocols: ReadonlyArray<string>, userinfo: boolean, description: string) =>
  Schema.String.pipe(
    Schema.filter((text) => {
      if (!URL.canParse(text)) return false
      const parsed = new URL(text)
      return (
        protocols.includes(parsed.protocol) &&
        parsed.hostname !== "" &&
        parsed.hash === "" &&
        (userinfo || (parsed.username === "" && parsed.password === "" && parsed.search === ""))
      )
    })
  ).annotations({ description })

/** Where something speaks HTTP. Who logs in there is never part of it: urls are shown. */
export const HttpUrl = url(
  ["http:", "https:"],
  false,
  "an http:// or https:// url without user, password, query or fragment"
)
const RedisUrl = url(["redis:", "rediss:"], true, "a redis:// or rediss:// url")

/** The least time between two passes: a service that is asked more often does little else. */
const leastPollInterval = Duration.millis(100)

/** The shortest time that anything may take: less could never succeed. */
const leastTimeout = Duration.millis(1)

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const common = {
  id: Service.ServiceId,
  name: optional(Text),
  healthEndpoint: optional(HttpUrl),
  metadata: optional(Service.Metadata.annotations({ description: "an object of facts to show" })),
  pollInterval: optional(duration(leastPollInterval)),
  settle: optional(duration(Duration.zero)),
  requestTimeout: optional(duration(leastTimeout)),
  commandTimeout: optional(duration(leastTimeout)),
  finishedKept: optional(duration(Duration.zero)),
  expectation: optional(Schema.Literal("lifecycle", "strict"))
}

/** A Palantir, over HTTP. */
const PalantirService = Schema.Struct({
  ...common,
  type: Schema.Literal("palantir"),
  url: HttpUrl,
  token: optional(Secret)
})

/** The most queues one BullMQ service may have: each is a client-side object and a script call per pass. */
const maxQueues = 1000

/** BullMQ's own rule; our ids are `queue:id`. */
const QueueName = Text.pipe(Schema.filter((name) => !name.includes(":")))

/** BullMQ queues of one Redis. */
const BullMqService = Schema.Struct({
  ...common,
  type: Schema.Literal("bullmq"),
  url: RedisUrl,
  queues: Schema.Array(QueueName)
    .pipe(
      Schema.minItems(1),
      Schema.maxItems(maxQueues),
      Schema.filter((queues) => new Set(queues).size === queues.length)
    )
    .annotations({ description: `1 to ${maxQueues} queue names, each once and without a colon` }),
  prefix: optional(Text),
  password: optional(Secret)
})

/** One entry of `services`, as it stands in the file. */
export const ServiceEntry = Schema.Union(PalantirService, BullMqService)
export type ServiceEntry = typeof ServiceEntry.Type

/** Where the database is. Later also a `postgres://` url. */
export const SqliteFile = Schema.NonEmptyString.pipe(
  Schema.filter((text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && text !== ":memory:" && !text.includes("\u0000"))
).annotations({ description: "the path of a SQLite file" })

/** Where to listen: a name or an address. */
export const Host = Text

/** A TCP port; 0 takes any free one. */
export const Port = Schema.Int.pipe(Schema.between(0, 65_535)).annotations({ description: "a port, 0 to 65535" })

/** The whole file. Secrets are still as they stand in it. */
export const ConfigFile = Schema.Struct({
  $schema: optional(Schema.String),
  host: optional(Host),
  port: optional(Port),
  database: optional(SqliteFile),
  services: optional(
    Schema.Array(ServiceEntry).pipe(
      Schema.filter((services) => {
        const seen = new Set<string>()
        for (const [index, { id }] of services.entries()) {
          if (seen.has(id)) return { path: [index, "id"], message: "expected an id that no service before has" }
          seen.add(id)
        }
        return undefined
      })
    )
  )
})

type Revealed<A> = { readonly [K in keyof A]: K extends "token" | "password" ? Redacted.Redacted : A[K] }

/** A service, its secrets at hand. */
export type ServiceConfig = Revealed<typeof PalantirService.Type> | Revealed<typeof BullMqService.Type>

/** What a config file says. */
export interface Config {
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly services: Services
}

/** The services, their secrets at hand; or what is wrong with one of the secrets, which only matters to who needs them. */
export type Services = Either.Either<ReadonlyArray<ServiceConfig>, ConfigInvalid>

/** The config does not fit. `path` is where, `problem` what would fit; neither quotes a value. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  file: Schema.String,
  path: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return printable(`${this.file}: ${this.path === "" ? "" : `${this.path}: `}${this.problem}`)
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads the text of a config file. `file` is what it is called in errors. */
export const parse = (text: string, file: string, env: Environment): Either.Either<Config, ConfigInvalid> =>
  Either.gen(function* () {
    const invalid = (path: string, problem: string) => new ConfigInvalid({ file, path, problem })
    const value = yield* Either.try({ try: () => parseJson(text), catch: (error) => invalid("", notJson(error, text)) })
    const decoded = yield* Either.mapLeft(decode(value, { onExcessProperty: "error" }), ({ issue }) => {
      const { path, problem } = firstProblem(issue)
      return invalid(path, problem)
    })
    const services = Either.all(
      (decoded.services ?? []).map((entry, index) =>
        reveal(entry, env, (key, problem) => invalid(`services[${index}].${key}`, problem))
      )
    )
    const { $schema: _, services: __, ...rest } = decoded
    return { ...rest, services }
  })

const decode = Schema.decodeUnknownEither(ConfigFile)

/** A byte order mark is what some editors put first. */
const parseJson = (text: string): unknown => JSON.parse(text.replace(/^\uFEFF/, ""))

/** Says where, as far as it is known. What JSON.parse itself says would quote the file, secrets included. */
const notJson = (error: unknown, text: string): string => {
  const position = /at position (\d+)/.exec(String(error))?.[1]
  if (position === undefined) return "expected JSON"
  const before = text.slice(0, Number(position)).split("\n")
  return `expected JSON; line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1} does not fit`
}

/** What a token may be made of: a header cannot carry anything else, and every request would fail. */
const headerText = /^[\x21-\x7e]+$/

type Refuse = (key: string, problem: string) => ConfigInvalid

const reveal = (entry: ServiceEntry, env: Environment, refuse: Refuse): Either.Either<ServiceConfig, ConfigInvalid> =>
  Either.gen(function* () {
    if (entry.type === "palantir") {
      const { token, ...rest } = entry
      if (token === undefined) return rest
      const revealed = yield* secret("token", token, env, refuse)
      if (!headerText.test(Redacted.value(revealed))) {
        return yield* Either.left(refuse("token", "expected visible ASCII characters alone, without spaces"))
      }
      return { ...rest, token: revealed }
    }
    const { password, ...rest } = entry
    return password === undefined ? rest : { ...rest, password: yield* secret("password", password, env, refuse) }
  })

const secret = (key: string, value: Secret, env: Environment, refuse: Refuse) => {
  if (typeof value === "string") return Either.right(Redacted.make(value))
  const found = env[value.env]
  return found === undefined || found === ""
    ? Either.left(refuse(`${key}.env`, `the environment variable ${value.env} is not set`))
    : Either.right(Redacted.make(found))
}
