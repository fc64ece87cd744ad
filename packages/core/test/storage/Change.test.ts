import { assert, describe } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SecurityEvent } from "../../src/model/SecurityEvent.ts"
import type { Token } from "../../src/model/Token.ts"
import { Write } from "../../src/storage/Change.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile, query } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"

const opened = Effect.gen(function* () {
  const file = yield* makeFile
  const context = yield* Layer.build(Layer.provide(Store.layer, layerDatabase(file)))
  const store = Context.get(context, Store.Store)
  return { file, write: (...writes: ReadonlyArray<Write>) => store.commit({ writes, events: [] }) }
})

const at = DateTime.unsafeMake

const event = (id: string, fields: Partial<SecurityEvent> = {}): SecurityEvent => ({
  id,
  timestamp: at(0),
  kind: "refused",
  actor: null,
  address: null,
  request: null,
  detail: null,
  count: 1,
  ...fields
})

const token: Token = {
  id: "0123456789abcdef",
  actor: "ann",
  role: "viewer",
  createdAt: at(1),
  createdBy: "local",
  expiresAt: at(5),
  revokedAt: null
}

describe("SecurityNoted", () => {
  it.scoped("writes as many events as there are, and leaves those that are there already", () =>
    Effect.gen(function* () {
      const { file, write } = yield* opened
      const events = Array.from({ length: 1_001 }, (_, index) => event(`e-${index}`, { count: index + 1 }))
      yield* write(Write.SecurityNoted({ events }))
      yield* write(Write.SecurityNoted({ events: [event("e-0", { count: 7 }), event("new"), ...events.slice(-300)] }))
      const sum = "SELECT COUNT(*) AS n, SUM(count) AS total FROM security_event"
      assert.deepStrictEqual(query(file, sum), [{ n: 1_002, total: (1_001 * 1_002) / 2 + 1 }])
      yield* write(Write.SecurityNoted({ events: [] }))
    })
  )
})

describe("TokenCreated and TokenRevoked", () => {
  it.scoped("write a token as it is given, and since when it is worth nothing: the first time", () =>
    Effect.gen(function* () {
      const { file, write } = yield* opened
      yield* write(Write.TokenCreated({ token, hash: "f".repeat(64) }))
      const row = {
        id: token.id,
        actor: "ann",
        role: "viewer",
        hash: "f".repeat(64),
        created_at: "1970-01-01 00:00:00.001",
        created_by: "local",
        expires_at: "1970-01-01 00:00:00.005",
        revoked_at: null
      }
      assert.deepStrictEqual(query(file, "SELECT * FROM token"), [row])
      yield* write(Write.TokenRevoked({ id: token.id, at: at(3) }))
      yield* write(Write.TokenRevoked({ id: token.id, at: at(4) }))
      yield* write(Write.TokenRevoked({ id: "f".repeat(16), at: at(4) }))
      assert.deepStrictEqual(query(file, "SELECT * FROM token"), [{ ...row, revoked_at: "1970-01-01 00:00:00.003" }])
    })
  )

  it.scoped("are refused where the id or the hash is another token's, and where the role is none", () =>
    Effect.gen(function* () {
      const { file, write } = yield* opened
      yield* write(Write.TokenCreated({ token, hash: "a" }))
      const others = [
        { token: { ...token, actor: "bob" }, hash: "b" },
        { token: { ...token, id: "f".repeat(16) }, hash: "a" }
      ]
      for (const other of others) {
        assert.deepInclude(yield* Effect.flip(write(Write.TokenCreated(other))), { reason: "failed" })
      }
      const db = new Sqlite(file)
      assert.throws(() => db.exec("UPDATE token SET role = 'root'"), /CHECK/)
      db.close()
      assert.deepStrictEqual(query(file, "SELECT actor, role FROM token"), [{ actor: "ann", role: "viewer" }])
    })
  )
})

describe("SecurityPruned", () => {
  it.scoped("keeps the newest, by time and among equals by id, and of those what is not older", () =>
    Effect.gen(function* () {
      const { file, write } = yield* opened
      const moments = [5, 1, 4, 4, 2, 4]
      const events = moments.map((moment, index) => event(`e-${index}`, { timestamp: at(moment) }))
      const kept = (before: number, newest: number) =>
        Effect.gen(function* () {
          yield* write(Write.SecurityNoted({ events }))
          yield* write(Write.SecurityPruned({ before: at(before), newest }))
          return query<{ id: string }>(file, "SELECT id FROM security_event ORDER BY id").map(({ id }) => id)
        })
      assert.deepStrictEqual(yield* kept(0, 6), ["e-0", "e-1", "e-2", "e-3", "e-4", "e-5"])
      assert.deepStrictEqual(yield* kept(2, 6), ["e-0", "e-2", "e-3", "e-4", "e-5"])
      assert.deepStrictEqual(yield* kept(0, 3), ["e-0", "e-3", "e-5"])
      assert.deepStrictEqual(yield* kept(5, 3), ["e-0"])
      assert.deepStrictEqual(yield* kept(6, 3), [])
    })
  )

  it.scoped("keeps what became of tokens, however old, and counts it in nobody's place", () =>
    Effect.gen(function* () {
      const { file, write } = yield* opened
      const kinds = ["token-created", "refused", "token-revoked", "refused", "suppressed"] as const
      const events = kinds.map((kind, index) => event(`e-${index}`, { kind, timestamp: at(index) }))
      yield* write(Write.SecurityNoted({ events }))
      yield* write(Write.SecurityPruned({ before: at(2), newest: 1 }))
      assert.deepStrictEqual(query(file, "SELECT id FROM security_event ORDER BY id"), [
        { id: "e-0" },
        { id: "e-2" },
        { id: "e-4" }
      ])
    })
  )
})
