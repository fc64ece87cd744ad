/** The configuration that holds in the end, and where each part is from, so that it can be shown: without secrets. */
import { Limits } from "@mithrandir/http"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "./Config.ts"
import * as Environment from "./Environment.ts"
import * as Secret from "./Secret.ts"
import * as ServiceEntry from "./ServiceEntry.ts"
import type { Origin, Settings } from "./Settings.ts"

/** A service as it may be shown: every key that holds for it, those included that it leaves out. */
export type ShownService = Readonly<Record<string, unknown>>

export interface EffectiveConfig {
  /** The config file that was read. Absolute; null where there was none. */
  readonly configFile: string | null
  readonly config: {
    readonly host: string
    readonly port: number
    readonly hosts: ReadonlyArray<string>
    readonly origins: ReadonlyArray<string>
    readonly limits: Required<Config.LimitsEntry>
    /** Absolute. */
    readonly database: string
    readonly services: ReadonlyArray<ShownService>
  }
  /** By paths such as `port` and `services[0].settle`. What a service says itself is from where `services` is from. */
  readonly origins: Readonly<Record<string, Origin>>
}

/** What holds, with its secrets masked: `{ "env": "NAME" }` is shown as such, with whether it is set. */
export const of = (settings: Settings): EffectiveConfig => {
  const { database, entries, from, host, hosts, origins, port } = settings
  const limits = { ...Limits.defaults, ...settings.limits }
  const lookup = Environment.lookup(settings.environment)
  const ofLimits = Object.keys(limits).map((key): [string, Origin] => [
    `limits.${key}`,
    key in settings.limits ? from.limits : "default"
  ])
  const ofServices = entries.flatMap((entry, index) =>
    Object.keys(complete(entry)).map((key): [string, Origin] => [
      `services[${index}].${key}`,
      key in entry ? from.services : "default"
    ])
  )
  return {
    configFile: Option.getOrNull(settings.configFile),
    config: { host, port, hosts, origins, limits, database, services: entries.map((entry) => shown(entry, lookup)) },
    origins: { ...from, ...Object.fromEntries(ofLimits), ...Object.fromEntries(ofServices) }
  }
}

/** One line of a table: a key, what holds for it, and where that is from. */
export interface Row {
  readonly key: string
  readonly value: string
  readonly origin: Origin
}

/** The same, a key a row. Text as it is, all else as JSON. */
export const rows = ({ config, origins }: EffectiveConfig): ReadonlyArray<Row> => {
  const { limits, services, ...rest } = config
  const values = new Map<string, unknown>(Object.entries(rest))
  for (const [key, value] of Object.entries(limits)) values.set(`limits.${key}`, value)
  if (services.length === 0) values.set("services", services)
  for (const [index, service] of services.entries()) {
    for (const [key, value] of Object.entries(service)) values.set(`services[${index}].${key}`, value)
  }
  return Array.from(values, ([key, value]) => ({
    key,
    value: typeof value === "string" ? value : JSON.stringify(value),
    origin: origins[key] ?? "default"
  }))
}

/** What is left out of an entry is filled in. What has no default stays away. */
const complete = (entry: ServiceEntry.ServiceEntry): ServiceEntry.ServiceEntry => {
  const { id, type } = entry
  const common = { id, name: id, type, ...ServiceEntry.defaults }
  return entry.type === "bullmq"
    ? { ...common, prefix: ServiceEntry.defaultPrefix, ...entry }
    : { ...common, honoursKeys: ServiceEntry.defaultHonoursKeys, ...entry }
}

type KeyOf<A> = A extends unknown ? keyof A : never

/** How each key is shown. One that is added to the config has to be added here, so that none is shown by oversight. */
const manner: Readonly<Record<KeyOf<ServiceEntry.ServiceEntry>, "as it is" | "url" | "secret">> = {
  id: "as it is",
  name: "as it is",
  type: "as it is",
  url: "url",
  healthEndpoint: "url",
  // Public by definition.
  metadata: "as it is",
  pollInterval: "as it is",
  settle: "as it is",
  requestTimeout: "as it is",
  commandTimeout: "as it is",
  finishedKept: "as it is",
  expectation: "as it is",
  token: "secret",
  honoursKeys: "as it is",
  queues: "as it is",
  prefix: "as it is",
  password: "secret"
}
const manners = new Map<string, string>(Object.entries(manner))

const encode = Schema.encodeSync(ServiceEntry.ServiceEntry)
const isSecret = Schema.is(Secret.Secret)

const shown = (entry: ServiceEntry.ServiceEntry, lookup: Secret.Lookup): ShownService =>
  Object.fromEntries(Object.entries(encode(complete(entry))).map(([key, value]) => [key, mask(key, value, lookup)]))

const mask = (key: string, value: unknown, lookup: Secret.Lookup): unknown => {
  switch (manners.get(key)) {
    case "as it is":
      return value
    case "url":
      return typeof value === "string" ? Secret.showUrl(value) : Secret.redacted
    default:
      return isSecret(value) ? Secret.show(value, lookup) : Secret.redacted
  }
}
