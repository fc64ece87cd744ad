/** One entry of `services`: what may stand in it, and its secrets. */
import { Egress, Service } from "@mithrandir/core"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ConfigInvalid, type Mistake } from "./ConfigInvalid.ts"
import * as DurationText from "./DurationText.ts"
import { optional, required, Text } from "./Field.ts"
import * as JsonText from "./JsonText.ts"
import type { Problem } from "./SchemaProblem.ts"
import * as Secret from "./Secret.ts"

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

/** What holds of a service where its config does not say. */
export const defaults = {
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
    default: defaults.pollInterval
  }),
  settle: optional(DurationText.schema(Duration.zero), {
    description: "How long a difference is given to settle before it is read again.",
    default: defaults.settle
  }),
  requestTimeout: optional(DurationText.schema(leastTimeout), {
    description: "How long one answer may take.",
    default: defaults.requestTimeout
  }),
  commandTimeout: optional(DurationText.schema(leastTimeout), {
    description: "How long a command may take from its acceptance to its effect.",
    default: defaults.commandTimeout
  }),
  finishedKept: optional(DurationText.schema(Duration.zero), {
    description:
      'How long finished jobs stay listed there. Between two looks further apart, absence proves nothing; "0 seconds" says that they may vanish at once.',
    default: defaults.finishedKept
  }),
  expectation: optional(Schema.Literal("lifecycle", "strict"), {
    description:
      "lifecycle: what jobs ordinarily do explains a difference. strict: nothing does but finished jobs leaving; for an expected side with a feed of its own.",
    default: defaults.expectation
  })
}

/** What the contract says. */
export const defaultHonoursKeys = true

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
  honoursKeys: optional(Schema.Boolean.annotations({ description: "true or false" }), {
    description:
      "Whether it applies a mutation at most once under one Idempotency-Key. Where it does not, a command that a crash cut off is looked for, and not sent again.",
    default: defaultHonoursKeys
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

type Revealed<A> = { readonly [K in keyof A]: K extends "token" | "password" ? Redacted.Redacted : A[K] }

/** A service, its secrets at hand. */
export type ServiceConfig = Revealed<typeof PalantirService.Type> | Revealed<typeof BullMqService.Type>

/** The services, their secrets at hand; or what is wrong with the secrets, which only matters to who needs them. */
export type Services = Either.Either<ReadonlyArray<ServiceConfig>, ConfigInvalid>

/** Asked of the value as it was given, so that it is told beside everything else that is wrong. */
export const repeatedIds = (value: unknown): ReadonlyArray<Problem> => {
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

/** What of the entries is a secret itself: paths such as `[0].token`. */
export const literals = (entries: ReadonlyArray<ServiceEntry>): ReadonlyArray<string> =>
  entries.flatMap((entry, index) => [
    ...secretsOf(entry).flatMap(([key, value]) => (typeof value === "string" ? [`[${index}].${key}`] : [])),
    ...(Secret.isInUrl(entry.url) ? [`[${index}].url`] : [])
  ])

/** The variables that the entries name for their secrets. */
export const variables = (entries: ReadonlyArray<ServiceEntry>): ReadonlyArray<string> =>
  entries.flatMap((entry) => secretsOf(entry).flatMap(([, value]) => (typeof value === "string" ? [] : [value.env])))

const secretsOf = (entry: ServiceEntry): ReadonlyArray<readonly [string, Secret.Secret]> => {
  const [key, value] =
    entry.type === "palantir" ? (["token", entry.token] as const) : (["password", entry.password] as const)
  return value === undefined ? [] : [[key, value]]
}

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
