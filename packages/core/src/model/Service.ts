/** A registered upstream job system, and how it feels. */
import * as Schema from "effect/Schema"
import { Timestamp } from "./Timestamp.ts"

/** Names a service for ever: 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit. */
export const ServiceId = Schema.String.pipe(
  Schema.pattern(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
    message: () => "expected 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit"
  }),
  Schema.annotations({
    identifier: "ServiceId",
    description: "1 to 64 of a-z 0-9 . _ -, starting with a letter or digit"
  })
)
export type ServiceId = typeof ServiceId.Type

/** How a service answered its last probe. */
export const HealthStatus = Schema.Literal("healthy", "unhealthy", "unknown")

/** The last probe. `unknown`: not probed yet. */
export const Health = Schema.Struct({
  status: HealthStatus,
  /** When it was asked; null: never. */
  checkedAt: Schema.NullOr(Timestamp),
  /** How long the answer took, or until none was waited for any more. */
  latencyMs: Schema.NullOr(Schema.NonNegativeInt),
  /** Why it is not healthy, in a sentence. */
  message: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "Health" })
export type Health = typeof Health.Type

/** The health of a service before its first probe. */
export const unknownHealth: Health = { status: "unknown", checkedAt: null, latencyMs: null }

/** Free-form facts about a service. No secrets: they are shown to whoever may list services. */
export const Metadata = Schema.Record({ key: Schema.String, value: Schema.Unknown })
export type Metadata = typeof Metadata.Type

/** What is stored of a service. `registeredAt` is its first registration and survives restarts. */
export interface Registration {
  /** Names it for ever. */
  readonly id: ServiceId
  /** For people. */
  readonly name: string
  /** What kind of system it is. */
  readonly type: string
  /** Where its health is asked for, or where it is; null: nobody said. */
  readonly healthEndpoint: string | null
  /** Free-form facts. */
  readonly metadata: Metadata
  /** When it was registered first. */
  readonly registeredAt: Timestamp
  /** It was registered once, and no longer is. */
  readonly retired: boolean
}

/** What `GET /services/registered` lists. */
export const Service = Schema.Struct({
  id: ServiceId,
  /** For people. */
  name: Schema.String,
  /** What kind of system it is: `palantir`, `bullmq`, or an embedder's own word. */
  type: Schema.String,
  /** Where its health is asked for, or where it is; null: nobody said. */
  healthEndpoint: Schema.NullOr(Schema.String),
  /** When it was registered first. */
  registeredAt: Timestamp,
  metadata: Metadata,
  health: Health,
  /** It was registered once, and no longer is. */
  retired: Schema.optionalWith(Schema.Literal(true), { exact: true })
}).annotations({ identifier: "Service" })
export type Service = typeof Service.Type

/** No service has this id. */
export class ServiceNotFound extends Schema.TaggedError<ServiceNotFound>()("ServiceNotFound", {
  /** What was asked for. */
  service: Schema.String,
  /** Those that there are. */
  known: Schema.Array(ServiceId)
}) {
  override get message() {
    return `no service "${this.service}" is registered${this.known.length === 0 ? "" : `; known: ${this.known.join(", ")}`}`
  }
}
