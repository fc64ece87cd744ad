/** Which job systems there are, and how each is to be treated. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Metadata, type Registration, ServiceId, ServiceNotFound } from "../model/Service.ts"
import { FromSql } from "../model/Timestamp.ts"
import * as Egress from "../sources/Egress.ts"
import { JobSource, type Shape } from "../sources/JobSource.ts"
import { Write } from "../storage/Change.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"

/** How a difference is explained: by the ordinary life of jobs, or hardly at all. */
export type Expectation = "lifecycle" | "strict"

/** A service as configuration or code describes it. */
export interface ServiceDefinition<E = never, R = never> {
  /** Names it for ever, in every record: 1 to 64 of a-z 0-9 . _ -, and no other service's. */
  readonly id: ServiceId
  /** For people. Default: the id. */
  readonly name?: string
  /** What kind of system it is: `palantir`, `bullmq`, or an embedder's own word. */
  readonly type: string
  /** Where it is, for people: without userinfo. Default: nothing is said of it. */
  readonly url?: string
  /**
   * Asked for its health over HTTP, where it is http(s): well is what answers with 2xx. Without userinfo, and none that
   * `Egress.flaw` finds fault with. Default: the source's own `ping` is asked, and `url` is shown.
   */
  readonly healthEndpoint?: string
  /** Free-form facts, shown to whoever may list services: no secrets. Default: none. */
  readonly metadata?: Metadata
  /** How to talk to it. Built once, and ended with the house. */
  readonly source: Layer.Layer<JobSource, E, R>
  /** Default 5 s, at least 100 ms. */
  readonly pollInterval?: Duration.DurationInput
  /** How long a difference is given to settle before it is read again. Default 250 ms. */
  readonly settle?: Duration.DurationInput
  /** How long a command may take from its acceptance to its effect. Default 30 s. */
  readonly commandTimeout?: Duration.DurationInput
  /** Default `lifecycle`. */
  readonly expectation?: Expectation
}

/** A service as the others use it: defaults filled in, its source at hand. */
export interface RegisteredService {
  /** Names it. */
  readonly id: ServiceId
  /** What kind of system it is. */
  readonly type: string
  /** How to talk to it. */
  readonly source: Shape
  /** Where HTTP asks for its health; absent: its source's own `ping` is asked. */
  readonly healthEndpoint?: string
  /** From the beginning of one pass to that of the next. */
  readonly pollInterval: Duration.Duration
  /** How long a difference is given before it is read again. */
  readonly settle: Duration.Duration
  /** From a command's acceptance to its deadline. */
  readonly commandTimeout: Duration.Duration
  /** How a difference is explained. */
  readonly expectation: Expectation
}

/** The services of an application, and the record of which there ever were. */
export class ServiceRegistry extends Context.Tag("@mithrandir/core/ServiceRegistry")<
  ServiceRegistry,
  {
    /** The services there are now, in the order they were defined in. */
    readonly all: ReadonlyArray<RegisteredService>
    /** One of them, by its id. */
    readonly get: (id: string) => Effect.Effect<RegisteredService, ServiceNotFound>
    /** All that was ever registered, with what is retired, by id. */
    readonly registrations: Effect.Effect<ReadonlyArray<Registration>, StoreUnreadable>
    /** Writes down which services there are now. The writer does it once it has recovered. */
    readonly register: Effect.Effect<void, StoreUnavailable | StoreUnreadable>
  }
>() {}

/** A definition that cannot be used. */
export class ServiceInvalid extends Schema.TaggedError<ServiceInvalid>()("ServiceInvalid", {
  /** Its id, which may be what is wrong. */
  service: Schema.String,
  /** What is wrong, and quotes no url. */
  problem: Schema.String
}) {
  override get message() {
    return `service "${this.service}": ${this.problem}`
  }
}

/** Polling more often would say nothing new and load the upstream. */
export const minPollInterval = Duration.millis(100)

const defaults = {
  pollInterval: Duration.seconds(5),
  settle: Duration.millis(250),
  commandTimeout: Duration.seconds(30)
}

/** What a definition says of a service to people. */
export const shown = <E, R>({
  healthEndpoint,
  id,
  metadata = {},
  name = id,
  type,
  url
}: ServiceDefinition<E, R>): Omit<Registration, "registeredAt" | "retired"> => ({
  id,
  name,
  type,
  healthEndpoint: healthEndpoint ?? url ?? null,
  metadata
})

/** Whoever speaks no HTTP cannot be asked over it. */
const probed = <E, R>({ healthEndpoint }: ServiceDefinition<E, R>): Pick<RegisteredService, "healthEndpoint"> =>
  healthEndpoint !== undefined && /^https?:/i.test(healthEndpoint) ? { healthEndpoint } : {}

const make = <E, R>(definitions: ReadonlyArray<ServiceDefinition<E, R>>) =>
  Effect.gen(function* () {
    const store = yield* Store
    const services = new Map<string, RegisteredService>()
    for (const definition of definitions) {
      yield* check(definition, services)
      // Each its own: two services of one kind share nothing.
      const built = yield* Effect.mapError(Layer.build(Layer.fresh(definition.source)), (error) =>
        error instanceof Egress.UrlRefused
          ? new ServiceInvalid({ service: definition.id, problem: `its url: ${error.problem}` })
          : (error as Exclude<E, Egress.UrlRefused>)
      )
      services.set(definition.id, {
        id: definition.id,
        type: definition.type,
        source: Context.get(built, JobSource),
        ...probed(definition),
        pollInterval: Duration.decode(definition.pollInterval ?? defaults.pollInterval),
        settle: Duration.decode(definition.settle ?? defaults.settle),
        commandTimeout: Duration.decode(definition.commandTimeout ?? defaults.commandTimeout),
        expectation: definition.expectation ?? "lifecycle"
      })
    }
    const known = Array.from(services.keys())

    const get = (id: string) => {
      const service = services.get(id)
      return service === undefined ? new ServiceNotFound({ service: id, known }) : Effect.succeed(service)
    }

    const registrations = store.read((sql) =>
      Effect.flatMap(
        sql`SELECT id, name, type, health_endpoint, metadata_json, registered_at, retired_at FROM service ORDER BY id`,
        decodeRows
      )
    )

    const register = Effect.gen(function* () {
      const at = yield* DateTime.now
      yield* store.commit({
        writes: [
          Write.ServicesRegistered({
            at,
            registrations: definitions.map((definition) => ({
              ...shown(definition),
              registeredAt: at,
              retired: false
            }))
          })
        ],
        events: []
      })
    }).pipe(Effect.catchTag("CommandIdTaken", Effect.die))

    return ServiceRegistry.of({ all: Array.from(services.values()), get, registrations, register })
  })

/**
 * The services an application has. Each gets a source of its own, which lives as long as the layer. A source whose url
 * is refused makes its service invalid.
 */
export const layer = <E, R>(
  definitions: ReadonlyArray<ServiceDefinition<E, R>>
): Layer.Layer<ServiceRegistry, Exclude<E, Egress.UrlRefused> | ServiceInvalid, R | Store> =>
  Layer.scoped(ServiceRegistry, make(definitions))

const check = <E, R>(definition: ServiceDefinition<E, R>, known: ReadonlyMap<string, unknown>) => {
  const invalid = (problem: string) => new ServiceInvalid({ service: definition.id, problem })
  if (!Schema.is(ServiceId)(definition.id)) return invalid("its id must be 1 to 64 of a-z 0-9 . _ -")
  if (known.has(definition.id)) return invalid("its id is taken by another service")
  const problem = placeFlaw(definition)
  if (problem !== undefined) return invalid(problem)
  const interval = Duration.decode(definition.pollInterval ?? defaults.pollInterval)
  return Duration.lessThan(interval, minPollInterval)
    ? invalid(`its pollInterval must be at least ${Duration.format(minPollInterval)}`)
    : Effect.void
}

/** What is wrong with where it is, or where its health is asked for: both are shown, and HTTP is asked. */
const placeFlaw = <E, R>(definition: ServiceDefinition<E, R>): string | undefined => {
  const shownFlaw = (place = "") => (URL.canParse(place) ? Egress.userinfoFlaw(new URL(place)) : undefined)
  const { healthEndpoint: asked } = probed(definition)
  const ofEndpoint = asked === undefined ? shownFlaw(definition.healthEndpoint) : Egress.flaw(asked)
  if (ofEndpoint !== undefined) return `its healthEndpoint: ${ofEndpoint}`
  const ofUrl = shownFlaw(definition.url)
  return ofUrl === undefined ? undefined : `its url: ${ofUrl}`
}

/** The column takes no NULL: without one it is empty. */
const HealthEndpoint = Schema.transform(Schema.String, Schema.NullOr(Schema.String), {
  strict: true,
  decode: (text) => (text === "" ? null : text),
  encode: (text) => text ?? ""
})

const Row = Schema.Struct({
  id: ServiceId,
  name: Schema.String,
  type: Schema.String,
  healthEndpoint: Schema.propertySignature(HealthEndpoint).pipe(Schema.fromKey("health_endpoint")),
  metadata: Schema.propertySignature(Schema.parseJson(Metadata)).pipe(Schema.fromKey("metadata_json")),
  registeredAt: Schema.propertySignature(FromSql).pipe(Schema.fromKey("registered_at")),
  retired: Schema.propertySignature(
    Schema.transform(Schema.NullOr(Schema.String), Schema.Boolean, {
      strict: true,
      decode: (retiredAt) => retiredAt !== null,
      encode: () => null
    })
  ).pipe(Schema.fromKey("retired_at"))
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
