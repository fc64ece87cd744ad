/** Who tried what and was not let, and what became of the tokens: one row of `security_event`. */
import * as Schema from "effect/Schema"
import { Timestamp } from "./Timestamp.ts"

/**
 * What happened. The first ones are refusals, by the codes that their answers had; `suppressed` stands for so many that
 * there was no room for.
 */
export const SecurityEventKind = Schema.Literal(
  "unauthenticated",
  "forbidden",
  "not-local",
  "misdirected-request",
  "cross-origin",
  "too-many-failures",
  "too-many-commands",
  "too-many-streams",
  "too-many-tickets",
  "refused",
  "suppressed",
  "token-created",
  "token-revoked"
)
export type SecurityEventKind = typeof SecurityEventKind.Type

/** What became of tokens: kept for ever, since nothing else says who made or revoked one. */
export const ofTokens: ReadonlyArray<SecurityEventKind> = ["token-created", "token-revoked"]

/** Something that somebody who watches over the doors wants to know. */
export const SecurityEvent = Schema.Struct({
  /** A UUIDv7. */
  id: Schema.String,
  /** When it happened, the last time where it happened more than once. */
  timestamp: Timestamp,
  kind: SecurityEventKind,
  /** Who it was; null: nobody knows. */
  actor: Schema.NullOr(Schema.String),
  /** From which IP address; null where that is not known, or it was not over the network. */
  address: Schema.NullOr(Schema.String),
  /** What was asked for: the method and the path, without the query; null for what was no request. */
  request: Schema.NullOr(Schema.String),
  /** Why, or of which token. */
  detail: Schema.NullOr(Schema.String),
  /** How often, within a few seconds. */
  count: Schema.Int.pipe(Schema.positive())
}).annotations({ identifier: "SecurityEvent" })
export type SecurityEvent = typeof SecurityEvent.Type

/** The same before it has its place: what happened, not when or how often. */
export type Incident = Pick<SecurityEvent, "kind"> &
  Partial<Pick<SecurityEvent, "actor" | "address" | "request" | "detail">>
