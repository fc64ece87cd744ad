/** The routes of tokens, tickets and security events, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { SecurityEvent, Store, Timestamp, Token } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Expected from "./Expected.ts"
import { JsonBody } from "./JsonBody.ts"
import * as Operation from "./Operation.ts"
import { pageOf, pageParameters, pageQuery } from "./PageQuery.ts"
import * as Problem from "./Problem.ts"

/** What a request for security events may say; what it leaves out, `SecurityLog.SecurityQuery` fills in. */
export const SecurityQuery = pageQuery({
  kind: Schema.optionalWith(Expected.oneOf(SecurityEvent.SecurityEventKind), { exact: true }),
  actor: Schema.optionalWith(Schema.String, { exact: true }),
  address: Schema.optionalWith(Schema.String, { exact: true })
})
export type SecurityQuery = typeof SecurityQuery.Type

/** One page of security events. */
export const SecurityPage = pageOf("SecurityPage", SecurityEvent.SecurityEvent)

/** Every token there ever was. */
export const TokenList = Schema.Struct({ data: Schema.Array(Token.Token) }).annotations({ identifier: "TokenList" })

/** A token to be made. */
export const NewToken = Schema.Struct({
  /** Whose it is to be. */
  actor: Token.TokenActor,
  role: Token.Role,
  /** From when on it is worth nothing. Absent: never. */
  expiresAt: Schema.optionalWith(Token.Expiry, { exact: true })
}).annotations({
  identifier: "NewToken",
  parseOptions: { errors: "all", onExcessProperty: "error" },
  message: Expected.anObject
})
export type NewToken = typeof NewToken.Type

/** A token that was made, and its text, which is in no other answer. */
export const CreatedToken = Schema.Struct({ ...Token.Token.fields, token: Schema.String }).annotations({
  identifier: "CreatedToken"
})
export type CreatedToken = typeof CreatedToken.Type

/** A ticket for the stream. */
export const StreamTicket = Schema.Struct({ ticket: Schema.String, expiresAt: Timestamp.Timestamp }).annotations({
  identifier: "StreamTicket"
})
export type StreamTicket = typeof StreamTicket.Type

const events = Operation.told({
  id: "listSecurityEvents",
  permission: "admin",
  summary: "Who tried what and was not let, and what became of tokens",
  description:
    "Refusals at the doors, in pages, by time. What repeats within a few seconds is one event with its `count`; under " +
    "attack a `suppressed` event counts those that there was no room for. Kept for 90 days, at most 100,000; what became " +
    "of tokens is kept for ever.",
  parameters: {
    ...pageParameters,
    kind: { description: "Only events of this kind." },
    actor: { description: "Only of this actor." },
    address: { description: "Only from this IP address.", example: "192.0.2.7" }
  },
  answers: { 200: { description: "One page of security events." } },
  problems: ["invalid-request", "store-unreadable"]
})

const list = Operation.told({
  id: "listTokens",
  permission: "admin",
  summary: "Every token there ever was",
  description: "Whose they are, what they allow, and until when. The tokens themselves are kept nowhere.",
  answers: { 200: { description: "Every token, the oldest first." } },
  problems: ["store-unreadable"]
})

const create = Operation.told({
  id: "createToken",
  permission: "admin",
  summary: "Makes a token",
  description:
    "Its text, `token`, is in this answer and nowhere else. Once there is a token nobody is let in without one, also " +
    "over loopback: the first is to be an admin's.",
  answers: { 201: { description: "The token." } },
  problems: [...Operation.ofBodies, "store-unavailable"]
})

const revoke = Operation.told({
  id: "revokeToken",
  permission: "admin",
  summary: "Has a token be worth nothing from now on",
  description: "Its streams end within a minute. One that was revoked before stays as it is.",
  parameters: { id: { description: "The token's id, its 16 digits after `mth_`.", example: "0123456789abcdef" } },
  answers: { 200: { description: "What the token is now." } },
  problems: ["invalid-request", "cross-origin", "token-not-found", "not-found", "store-unavailable", "store-unreadable"]
})

const ticket = Operation.told({
  id: "createStreamTicket",
  permission: "viewer",
  summary: "A ticket to the event stream",
  description:
    "For `EventSource`, which can send no headers: open `/reconciliation/stream?ticket=…` with it, once, within 30 " +
    "seconds. When the stream breaks off get another, and go on by `lastEventId`.",
  answers: { 200: { description: "The ticket." } },
  problems: ["cross-origin", "too-many-tickets"]
})

/** The group of the routes of tokens, tickets and security events. */
export class SecurityApi extends HttpApiGroup.make("mithrandirSecurity")
  .add(
    HttpApiEndpoint.get("events", "/security/events")
      .setUrlParams(SecurityQuery)
      .addSuccess(SecurityPage)
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(events)
  )
  .add(
    HttpApiEndpoint.get("tokens", "/security/tokens")
      .addSuccess(TokenList)
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(list)
  )
  .add(
    HttpApiEndpoint.post("createToken", "/security/tokens")
      .setPayload(NewToken)
      .addSuccess(CreatedToken.annotations(HttpApiSchema.annotations({ identifier: "CreatedToken", status: 201 })))
      .addError(Problem.of(Store.StoreUnavailable, "store-unavailable"))
      .middleware(JsonBody)
      .annotateContext(create)
  )
  .add(
    HttpApiEndpoint.del("revokeToken", "/security/tokens/:id")
      .setPath(Schema.Struct({ id: Token.TokenId }))
      .addSuccess(Token.Token)
      .addError(Problem.of(Token.TokenNotFound, "token-not-found"))
      .addError(Problem.of(Store.StoreUnavailable, "store-unavailable"))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(revoke)
  )
  .add(HttpApiEndpoint.post("ticket", "/reconciliation/stream/ticket").addSuccess(StreamTicket).annotateContext(ticket))
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Security", "Who may come in, and who tried to.")) {}
