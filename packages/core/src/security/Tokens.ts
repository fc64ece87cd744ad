/** Which tokens there are: made, revoked, and recognised. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Incident } from "../model/SecurityEvent.ts"
import { FromSql, type Timestamp } from "../model/Timestamp.ts"
import {
  type Credential,
  flaw,
  isSame,
  mint,
  Role,
  read as readCredential,
  type Token,
  TokenNotFound
} from "../model/Token.ts"
import { type Change, Write } from "../storage/Change.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"
import * as SecurityLog from "./SecurityLog.ts"

/** What somebody asks for who wants a token made. */
export interface NewToken {
  /** Whose it is to be. */
  readonly actor: string
  /** What it is to allow. */
  readonly role: Role
  /** From when on it is worth nothing. Absent: never. */
  readonly expiresAt?: Timestamp
}

/** What a text that was offered as a token turned out to be. */
export type Recognition =
  | { readonly _tag: "Good"; readonly token: Token }
  | { readonly _tag: "Bad"; readonly token: Token; readonly why: "revoked" | "expired" }
  | { readonly _tag: "Unknown" }

/** Which tokens there are. */
export class Tokens extends Context.Tag("@mithrandir/core/Tokens")<
  Tokens,
  {
    /** Makes a token, in the name of whoever asks. Its text is in what this gives, and nowhere else. */
    readonly create: (
      request: NewToken,
      by: string
    ) => Effect.Effect<{ readonly text: Redacted.Redacted; readonly token: Token }, StoreUnavailable>
    /** Every token there ever was, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Token>, StoreUnreadable>
    /** Has a token be worth nothing from now on, in the name of whoever asks. One that was revoked before stays so. */
    readonly revoke: (
      id: string,
      by: string
    ) => Effect.Effect<Token, TokenNotFound | StoreUnavailable | StoreUnreadable>
    /** What is known of a text that somebody offers, at a moment in milliseconds. Asks nothing of the database. */
    readonly recognise: (text: string, now: number) => Recognition
    /** Whether a token was ever made: from then on nobody is let in without one. Asks nothing of the database. */
    readonly everMade: () => boolean
    /** Whether a token of this id would still be good, at a moment in milliseconds. Asks nothing of the database. */
    readonly isGood: (id: string, now: number) => boolean
    /** Learns of what another process has made or revoked. */
    readonly refresh: Effect.Effect<void, StoreUnreadable>
  }
>() {}

/** A token beside the hash it is recognised by. */
interface Known {
  readonly token: Token
  readonly hash: string
}

type Book = ReadonlyMap<string, Known>

const make = Effect.gen(function* () {
  const store = yield* Store

  const stored: Effect.Effect<Book, StoreUnreadable> = Effect.map(
    store.read((sql) => Effect.flatMap(sql`SELECT * FROM token ORDER BY created_at, id`, decodeRows)),
    (rows) => new Map(rows.map(({ hash, ...token }) => [token.id, { token, hash }]))
  )

  // Read without an effect, by the gate, which is none.
  let book = yield* stored

  // One at a time: of two that read and then learn, the later would forget what the first had learned; and of two that
  // revoke the same, both would be the first.
  const turn = yield* Effect.makeSemaphore(1)

  const refresh = turn.withPermits(1)(
    Effect.map(stored, (found) => {
      book = found
    })
  )

  /** What is through is learned, whoever was interrupted meanwhile. */
  const commit = (change: Change, known: Known) =>
    Effect.map(store.commit(change), () => {
      book = new Map(book).set(known.token.id, known)
    }).pipe(Effect.catchTag("CommandIdTaken", Effect.die), Effect.uninterruptible)

  const create = Effect.fn("Tokens.create")(function* ({ actor, expiresAt, role }: NewToken, by: string) {
    const { hash, id, text } = mint()
    const createdAt = yield* DateTime.now
    const token: Token = { id, actor, role, createdAt, createdBy: by, expiresAt: expiresAt ?? null, revokedAt: null }
    const told = yield* SecurityLog.now(tells("token-created", token, by))
    yield* commit({ writes: [Write.TokenCreated({ token, hash }), told], events: [] }, { token, hash })
    return { text, token }
  }, turn.withPermits(1))

  const revoke = Effect.fn("Tokens.revoke")(function* (id: string, by: string) {
    const known = (yield* stored).get(id)
    if (known === undefined) return yield* new TokenNotFound({ id })
    if (known.token.revokedAt !== null) return known.token
    const token = { ...known.token, revokedAt: yield* DateTime.now }
    const told = yield* SecurityLog.now(tells("token-revoked", token, by))
    const writes = [Write.TokenRevoked({ id, at: token.revokedAt }), told]
    yield* commit({ writes, events: [] }, { token, hash: known.hash })
    return token
  }, turn.withPermits(1))

  const recognise = (text: string, now: number): Recognition => {
    const credential = readCredential(text)
    const known = Option.flatMapNullable(credential, ({ id }) => book.get(id))
    // Hashes are compared whether there is such a token or not: how long it takes tells nobody.
    const same = isSame(
      Option.getOrElse(
        Option.map(known, ({ hash }) => hash),
        () => noHash
      ),
      Option.getOrElse(
        Option.map(credential, ({ hash }: Credential) => hash),
        () => noHash
      )
    )
    if (Option.isNone(known) || !same) return { _tag: "Unknown" }
    const { token } = known.value
    const why = flaw(token, now)
    return why === undefined ? { _tag: "Good", token } : { _tag: "Bad", token, why }
  }

  const isGood = (id: string, now: number): boolean => {
    const known = book.get(id)
    return known !== undefined && flaw(known.token, now) === undefined
  }

  return Tokens.of({
    create,
    list: Effect.map(stored, (all) => Array.from(all.values(), ({ token }) => token)),
    revoke,
    recognise,
    isGood,
    everMade: () => book.size > 0,
    refresh
  })
})

/** Over the store's database. Fails where that cannot be read: nobody could be recognised. */
export const layer: Layer.Layer<Tokens, StoreUnreadable, Store> = Layer.effect(Tokens, make)

/** What no text has as its hash. */
const noHash = "0".repeat(64)

const tells = (kind: Incident["kind"], { actor, id, role }: Token, by: string): Incident => ({
  kind,
  actor: by,
  detail: `token ${id} of ${actor}, ${role}`
})

const Row = Schema.Struct({
  id: Schema.String,
  actor: Schema.String,
  role: Role,
  hash: Schema.String,
  createdAt: Schema.propertySignature(FromSql).pipe(Schema.fromKey("created_at")),
  createdBy: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("created_by")),
  expiresAt: Schema.propertySignature(Schema.NullOr(FromSql)).pipe(Schema.fromKey("expires_at")),
  revokedAt: Schema.propertySignature(Schema.NullOr(FromSql)).pipe(Schema.fromKey("revoked_at"))
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
