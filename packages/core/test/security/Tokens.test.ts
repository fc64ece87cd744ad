import { readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { assertEquals } from "@effect/vitest/utils"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { mint, read, TokenNotFound } from "../../src/model/Token.ts"
import { makeFile, query } from "../support/house.ts"
import { accept, client, open, opened, refuse, rowsOf } from "../support/security.ts"

/** The same token with another secret. */
const forged = (text: string) => `${text.slice(0, -43)}${Redacted.value(mint().text).slice(-43)}`

describe("Tokens", () => {
  it.scoped("recognises what it made, and tells each token's actor and role", () =>
    Effect.gen(function* () {
      const { tokens } = yield* opened
      assert.isFalse(tokens.everMade())
      yield* TestClock.adjust("1 hour")
      for (const role of ["viewer", "operator", "admin"] as const) {
        const { text, token } = yield* tokens.create({ actor: `a-${role}`, role }, "local:root")
        assert.deepStrictEqual(token, {
          id: token.id,
          actor: `a-${role}`,
          role,
          createdAt: DateTime.unsafeMake(3_600_000),
          createdBy: "local:root",
          expiresAt: null,
          revokedAt: null
        })
        assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
        assert.isTrue(tokens.isGood(token.id, 0))
      }
      assert.isTrue(tokens.everMade())
    })
  )

  it.scoped("knows nothing of what it has not made", () =>
    Effect.gen(function* () {
      const { tokens } = yield* opened
      const { text } = yield* tokens.create({ actor: "ann", role: "admin" }, "local")
      const good = Redacted.value(text)
      const texts = [
        "",
        "mth_",
        Redacted.value(mint().text),
        forged(good),
        good.slice(0, -1),
        `${good}A`,
        good.toUpperCase(),
        ` ${good}`,
        // What is stored is no way in.
        Option.getOrThrow(read(good)).hash,
        `mth_${"0".repeat(16)}_${"0".repeat(43)}`
      ]
      for (const text of texts) assert.deepStrictEqual(tokens.recognise(text, 0), { _tag: "Unknown" })
      assert.isFalse(tokens.isGood(mint().id, 0))
      assert.isFalse(tokens.isGood("", 0))
    })
  )

  it.scoped("has a token be worth nothing from the moment on that it expires at", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const expiresAt = DateTime.unsafeMake("2030-01-01T00:00:00.250Z")
      const { text, token } = yield* tokens.create({ actor: "ann", role: "viewer", expiresAt }, "local")
      const [good, at] = [Redacted.value(text), expiresAt.epochMillis]
      const { tokens: reader } = yield* open(file, "reader")
      for (const known of [tokens, reader]) {
        assert.deepStrictEqual(known.recognise(good, at - 1), { _tag: "Good", token })
        assert.deepStrictEqual(known.recognise(good, at), { _tag: "Bad", token, why: "expired" })
        assert.deepStrictEqual([known.isGood(token.id, at - 1), known.isGood(token.id, at)], [true, false])
        // Who has another secret learns nothing of it.
        assert.deepStrictEqual(known.recognise(forged(good), at), { _tag: "Unknown" })
      }
    })
  )

  it.scoped("has a token be worth nothing from the moment on that it is revoked, and does not forget it", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const { text, token } = yield* tokens.create({ actor: "ann", role: "viewer" }, "local")
      const other = yield* tokens.create({ actor: "bob", role: "viewer" }, "local")
      yield* TestClock.adjust("1 minute")
      const revoked = yield* tokens.revoke(token.id, "root")
      assert.deepStrictEqual(revoked, { ...token, revokedAt: DateTime.unsafeMake(60_000) })
      assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 60_000), {
        _tag: "Bad",
        token: revoked,
        why: "revoked"
      })
      assert.deepStrictEqual(tokens.recognise(forged(Redacted.value(text)), 60_000), { _tag: "Unknown" })
      assert.isFalse(tokens.isGood(token.id, 60_000))
      assert.isTrue(tokens.isGood(other.token.id, 60_000))
      yield* tokens.revoke(other.token.id, "root")
      // Not a door that opens again because the last key was taken away.
      for (const known of [tokens, (yield* open(file, "reader")).tokens]) assert.isTrue(known.everMade())
    })
  )

  it.scoped("keeps the first time where one is revoked again, and says so once", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const { token } = yield* tokens.create({ actor: "ann", role: "viewer" }, "local")
      const first = yield* tokens.revoke(token.id, "root")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* tokens.revoke(token.id, "somebody"), first)
      assert.deepStrictEqual(yield* tokens.list, [first])
      assert.deepStrictEqual(
        rowsOf(file).map(({ actor, kind }) => [kind, actor]),
        [
          ["token-created", "local"],
          ["token-revoked", "root"]
        ]
      )
    })
  )

  it.scoped("says of an id that no token has that there is none", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      for (const id of [mint().id, "", "nobody's"]) {
        const error = yield* Effect.flip(tokens.revoke(id, "root"))
        assertEquals(error, new TokenNotFound({ id }))
        assert.strictEqual(error.message, `there is no token "${id}"`)
      }
      assert.deepStrictEqual(rowsOf(file), [])
    })
  )

  it.scoped("lists every token there ever was, the oldest first, without what it is recognised by", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      assert.deepStrictEqual(yield* tokens.list, [])
      const made = []
      for (const actor of ["ann", "bob", "cid"]) {
        const expiresAt = DateTime.unsafeMake(90_000)
        made.push(yield* tokens.create({ actor, role: "operator", ...(actor === "bob" ? { expiresAt } : {}) }, "local"))
        yield* TestClock.adjust("1 minute")
      }
      const revoked = yield* tokens.revoke(made[0]?.token.id ?? "", "root")
      const all = [revoked, ...made.slice(1).map(({ token }) => token)]
      assert.deepStrictEqual(yield* tokens.list, all)
      assert.deepStrictEqual(yield* (yield* open(file, "reader")).tokens.list, all)
      for (const { text } of made) {
        const { hash } = Option.getOrThrow(read(Redacted.value(text)))
        assert.notInclude(JSON.stringify(yield* tokens.list), hash)
      }
    })
  )

  it.scoped("knows them still after a restart", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const { text, token } = yield* Effect.scoped(
        Effect.flatMap(open(file), ({ tokens }) => tokens.create({ actor: "ann", role: "admin" }, "local"))
      )
      const { tokens } = yield* open(file)
      assert.isTrue(tokens.everMade())
      assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
    })
  )

  it.scoped("keeps one that is to expire in a year of more than four digits, beside all others", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const texts: Array<string> = []
      for (const year of ["+012026", "+275760", "9999", "-000001"]) {
        const expiresAt = DateTime.unsafeMake(`${year}-01-01T00:00:00Z`)
        const { text } = yield* tokens.create({ actor: "ann", role: "viewer", expiresAt }, "local")
        texts.push(Redacted.value(text))
      }
      yield* tokens.refresh
      const { tokens: reader } = yield* open(file, "reader")
      for (const known of [tokens, reader]) {
        assert.deepStrictEqual(
          texts.map((text) => known.recognise(text, Date.UTC(2026, 0, 1))._tag),
          ["Good", "Good", "Good", "Bad"]
        )
      }
    })
  )
})

describe("what is stored of a token", () => {
  it.scoped("is its hash, and nowhere in any of the database's files its text", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const made = yield* Effect.forEach(["ann", "bob", "cid"], (actor) =>
        tokens.create({ actor, role: "viewer" }, "local")
      )
      yield* tokens.revoke(made[0]?.token.id ?? "", "local")
      const search = Effect.promise(async () => {
        const names = await readdir(dirname(file))
        const bytes = await Promise.all(names.map((name) => readFile(join(dirname(file), name))))
        return { names, all: Buffer.concat(bytes) }
      })
      const check = (all: Buffer) => {
        for (const { text, token } of made) {
          const value = Redacted.value(text)
          const secret = value.slice(-43)
          // What is there is found: what is not found is not there.
          assert.isTrue(all.includes(token.id))
          assert.isTrue(all.includes(Option.getOrThrow(read(value)).hash))
          for (const hidden of [value, secret, secret.slice(0, 20), secret.slice(-20)]) {
            assert.isFalse(all.includes(hidden))
            assert.isFalse(all.includes(Buffer.from(hidden, "utf16le")))
          }
          const bytes = Buffer.from(secret, "base64url")
          for (const hidden of [bytes, bytes.toString("hex"), bytes.toString("base64")]) {
            assert.isFalse(all.includes(hidden))
          }
        }
      }
      const open = yield* search
      assert.includeMembers(open.names, ["test.db", "test.db-wal"])
      check(open.all)
      // And when all of it has gone from the log into the file itself.
      query(file, "PRAGMA wal_checkpoint(TRUNCATE)")
      check((yield* search).all)
    })
  )

  it.scoped("is told to nobody who asks for events", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const { text, token } = yield* tokens.create({ actor: "ann", role: "operator" }, "root")
      yield* TestClock.adjust("1500 millis")
      yield* tokens.revoke(token.id, "token:bob")
      const found = rowsOf(file)
      const common = { address: null, request: null, detail: `token ${token.id} of ann, operator`, count: 1 }
      const [made, revoked] = found
      assert.deepInclude(made, {
        ...common,
        kind: "token-created",
        actor: "root",
        timestamp: "1970-01-01 00:00:00.000"
      })
      assert.deepInclude(revoked, {
        ...common,
        kind: "token-revoked",
        actor: "token:bob",
        timestamp: "1970-01-01 00:00:01.500"
      })
      assert.lengthOf(found, 2)
      const { hash } = Option.getOrThrow(read(Redacted.value(text)))
      for (const hidden of [hash, Redacted.value(text).slice(-43)]) assert.notInclude(JSON.stringify(found), hidden)
    })
  )

  it.scoped("is stored with its event or not at all, and then not learned either", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const { text, token } = yield* tokens.create({ actor: "ann", role: "viewer" }, "local")
      const db = yield* client(file)
      const stored = () => [query(file, "SELECT * FROM token"), rowsOf(file)]
      const before = stored()

      for (const [table, when] of [
        ["security_event", "INSERT"],
        ["token", "INSERT"],
        ["token", "UPDATE"]
      ] as const) {
        refuse(db, when, table)
        if (when === "INSERT") {
          const error = yield* Effect.flip(tokens.create({ actor: "bob", role: "viewer" }, "local"))
          assert.deepInclude(error, { _tag: "StoreUnavailable", reason: "failed" })
        }
        if (table === "security_event" || when === "UPDATE") {
          assert.deepInclude(yield* Effect.flip(tokens.revoke(token.id, "local")), { _tag: "StoreUnavailable" })
        }
        assert.deepStrictEqual(stored(), before)
        assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
        accept(db)
      }
      yield* tokens.revoke(token.id, "local")
      assert.isFalse(tokens.isGood(token.id, 0))
    })
  )
})

describe("the tokens of another process", () => {
  for (const mode of ["reader", "standby"] as const) {
    it.scoped(`are known to a ${mode} once it has looked again, and so is that they are revoked`, () =>
      Effect.gen(function* () {
        const { file, tokens } = yield* opened
        const { tokens: other } = yield* open(file, mode)
        assert.isFalse(other.everMade())
        const { text, token } = yield* tokens.create({ actor: "ann", role: "admin" }, "local")
        const good = Redacted.value(text)
        assert.deepStrictEqual(other.recognise(good, 0), { _tag: "Unknown" })
        yield* other.refresh
        assert.isTrue(other.everMade())
        assert.deepStrictEqual(other.recognise(good, 0), { _tag: "Good", token })

        const revoked = yield* tokens.revoke(token.id, "local")
        yield* other.refresh
        assert.deepStrictEqual(other.recognise(good, 0), { _tag: "Bad", token: revoked, why: "revoked" })
        assert.isFalse(other.isGood(token.id, 0))
      })
    )

    it.scoped(`cannot be made or revoked by a ${mode}, who learns nothing from having tried`, () =>
      Effect.gen(function* () {
        const { file, tokens } = yield* opened
        const { text, token } = yield* tokens.create({ actor: "ann", role: "admin" }, "local")
        const { tokens: other } = yield* open(file, mode)
        const refused = { _tag: "StoreUnavailable", reason: mode === "reader" ? "readonly" : "standby" }
        const before = query(file, "SELECT * FROM token")
        for (let again = 0; again < 2; again++) {
          assert.deepInclude(
            yield* Effect.flip(other.create({ actor: "bob", role: "admin" }, "local")),
            refused as object
          )
          assert.deepInclude(yield* Effect.flip(other.revoke(token.id, "local")), refused as object)
          assertEquals(yield* Effect.flip(other.revoke("none", "local")), new TokenNotFound({ id: "none" }))
        }
        assert.deepStrictEqual(yield* other.list, [token])
        assert.deepStrictEqual(other.recognise(Redacted.value(text), 0), { _tag: "Good", token })
        assert.deepStrictEqual(query(file, "SELECT * FROM token"), before)
        assert.lengthOf(rowsOf(file), 1)
      })
    )
  }

  it.scoped("leave a standby with nothing that it was refused to make", () =>
    Effect.gen(function* () {
      const { file } = yield* opened
      const { tokens: standby } = yield* open(file, "standby")
      yield* Effect.flip(standby.create({ actor: "ann", role: "admin" }, "local"))
      assert.isFalse(standby.everMade())
      assert.deepStrictEqual(yield* standby.list, [])
    })
  )

  it.scopedLive("are a standby's to revoke once it is the writer", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const scope = yield* Scope.make()
      const { tokens } = yield* Scope.extend(open(file), scope)
      const { store, tokens: standby } = yield* open(file, "standby")
      const { text, token } = yield* tokens.create({ actor: "ann", role: "admin" }, "local")
      yield* Scope.close(scope, Exit.void)
      yield* store.gained
      // It has not looked since, and revokes what the file has.
      yield* standby.revoke(token.id, "local")
      const found = standby.recognise(Redacted.value(text), 0)
      assert.deepInclude(found, { _tag: "Bad", why: "revoked" })
    })
  )

  it.scoped("are those that were known last where the database cannot be read", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const { text, token } = yield* tokens.create({ actor: "ann", role: "admin" }, "local")
      const db = yield* client(file)
      db.exec("ALTER TABLE token RENAME TO away")
      assert.strictEqual((yield* Effect.flip(tokens.refresh))._tag, "StoreUnreadable")
      assert.strictEqual((yield* Effect.flip(tokens.list))._tag, "StoreUnreadable")
      assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
      // Nobody is let in without one because nobody could be looked up.
      assert.isTrue(tokens.everMade())
      assert.strictEqual((yield* Effect.flip(Effect.scoped(open(file, "reader"))))._tag, "StoreUnreadable")
      db.exec("ALTER TABLE away RENAME TO token")
      yield* tokens.refresh
      assert.isTrue(tokens.isGood(token.id, 0))
    })
  )
})
