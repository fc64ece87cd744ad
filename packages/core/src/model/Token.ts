/** What lets somebody in who is not known otherwise: a token, whose it is, and what it allows. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Timestamp } from "./Timestamp.ts"

/**
 * What somebody may do. `viewer`: read, and listen. `operator`: also run commands and passes, and accept. `admin`: also
 * see and make tokens, and read security events.
 */
export const Role = Schema.Literal("viewer", "operator", "admin").annotations({ identifier: "Role" })
export type Role = typeof Role.Type

/** Whether who has the one role may do what the other is needed for. */
export const covers = (role: Role, needed: Role): boolean =>
  Role.literals.indexOf(role) >= Role.literals.indexOf(needed)

/** Names that the program itself goes by: nobody else's actions are to look like its own. */
const reserved = ["local", "sandbox", "anonymous"]

/**
 * Whose a token is, as the audit will say: 1 to 64 of A-Z a-z 0-9 . _ @ -, starting with a letter or digit. None of the
 * program's own names, which are `local`, `sandbox`, `anonymous` and whatever has a colon.
 */
export const TokenActor = Schema.String.pipe(
  Schema.pattern(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, {
    message: () => "expected 1 to 64 of A-Z a-z 0-9 . _ @ -, starting with a letter or digit"
  }),
  Schema.filter((text) => !reserved.includes(text.toLowerCase()) || `expected a name that is not one of our own`),
  Schema.annotations({ identifier: "TokenActor" })
)

/** Names a token without giving it away: 16 hexadecimal digits. */
export const TokenId = Schema.String.pipe(
  Schema.pattern(/^[0-9a-f]{16}$/, { message: () => "expected a token's id, of 16 hexadecimal digits" }),
  Schema.annotations({ identifier: "TokenId" })
)
export type TokenId = typeof TokenId.Type

/** From when on a token is worth nothing, as somebody asks for it: a moment of the years 1970 to 9999, as can be stored. */
export const Expiry = Timestamp.pipe(
  Schema.filter(
    ({ epochMillis }) => (epochMillis >= 0 && epochMillis < 253_402_300_800_000) || "expected a year from 1970 to 9999"
  )
)

/** What may be known of a token. The token itself is shown once, when it is made, and kept nowhere. */
export const Token = Schema.Struct({
  id: TokenId,
  /** Whose it is, as the audit says. */
  actor: Schema.String,
  role: Role,
  createdAt: Timestamp,
  /** Who made it. */
  createdBy: Schema.String,
  /** From when on it is worth nothing; null: never. */
  expiresAt: Schema.NullOr(Timestamp),
  /** Since when it is worth nothing; null: it is not revoked. */
  revokedAt: Schema.NullOr(Timestamp)
}).annotations({ identifier: "Token" })
export type Token = typeof Token.Type

/** There is no token of this `id`. */
export class TokenNotFound extends Schema.TaggedError<TokenNotFound>()("TokenNotFound", { id: Schema.String }) {
  override get message() {
    return `there is no token "${this.id}"`
  }
}

/** A token's id as found in its text, and the lower-case hex SHA-256 of the whole text, which alone is stored. */
export interface Credential {
  /** What it says that it is. */
  readonly id: TokenId
  /** Of the whole text. */
  readonly hash: string
}

const form = /^mth_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

/** A new token: its text, `mth_<id>_<256 random bits as base64url>`, and what to keep of it. */
export const mint = (): Credential & { readonly text: Redacted.Redacted } => {
  const id = randomBytes(8).toString("hex")
  const text = `mth_${id}_${randomBytes(32).toString("base64url")}`
  return { id, hash: digest(text), text: Redacted.make(text) }
}

/** What a text that is offered as a token says of itself, if it is one by its form. */
export const read = (text: string): Option.Option<Credential> =>
  Option.map(Option.fromNullable(form.exec(text)?.[1]), (id) => ({ id, hash: digest(text) }))

/** A text as it may be kept: of a token that strayed there, its id alone. */
export const conceal = (text: string): string => text.replace(/(mth_[0-9a-f]{16}_)[A-Za-z0-9_-]{43}/g, "$1…")

/** Whether two hashes are the same, in a time that does not depend on where they differ. */
export const isSame = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Why a token is worth nothing at a moment, in milliseconds since 1970; undefined: it is good. */
export const flaw = ({ expiresAt, revokedAt }: Token, now: number): "revoked" | "expired" | undefined => {
  if (revokedAt !== null) return "revoked"
  return expiresAt !== null && DateTime.toEpochMillis(expiresAt) <= now ? "expired" : undefined
}

/** 256 random bits need no salt, and no slow hash: there is nothing to guess. */
const digest = (text: string): string => createHash("sha256").update(text).digest("hex")
