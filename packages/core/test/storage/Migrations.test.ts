import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AuditLog from "../../src/audit/AuditLog.ts"
import * as AuditVerifier from "../../src/audit/AuditVerifier.ts"
import * as EventLog from "../../src/events/EventLog.ts"
import * as SecurityLog from "../../src/security/SecurityLog.ts"
import * as Tokens from "../../src/security/Tokens.ts"
import { Database, type Mode } from "../../src/storage/Database.ts"
import story from "../../src/storage/migrations/0001_story.ts"
import * as migrations from "../../src/storage/migrations.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile, query } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"

/** What stood in a database before there were tokens: a row of each table that is to outlive everything. */
const rows = [
  "INSERT INTO command_audit (id, timestamp, actor, action_type, target, outcome) VALUES ('c1', '2025-01-01 00:00:00.000', 'ann', 'retry-job', 't1', 'success')",
  "INSERT INTO audit_position (seq, id) VALUES (1, 'c1')",
  "INSERT INTO discrepancy_event (id, service, status, counts_json, checksum, latency_ms) VALUES ('d1', 'mail', 'discrepancy', '{}', 'v1:', 1)",
  "INSERT INTO event (seq, time, name, service, subject, data) VALUES (1, '2025-01-01 00:00:00.000', 'reconciliation.update', 'mail', 'mail', '{}')",
  "UPDATE event_seq SET newest = 1",
  "INSERT INTO ledger (service, as_of, counts_json) VALUES ('mail', '2025-01-01 00:00:00.000', '{}')",
  "INSERT INTO ledger_job (service, id, queue, state, leaves) VALUES ('mail', 'j1', 'q', 'waiting', 0)",
  "INSERT INTO latest_update (service, data) VALUES ('mail', '{}')"
]

/** A database as the version left it that knew the first migration alone. */
const makeOld = Effect.gen(function* () {
  const file = yield* makeFile
  yield* Effect.gen(function* () {
    const database = yield* Database
    yield* database.lock
    const sql = yield* database.connect("write")
    yield* Migrator.make({})({
      loader: Migrator.fromRecord({ "0001_story": story }),
      table: "mithrandir_migration"
    }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
    yield* database.claim(sql)
    for (const row of rows) yield* sql.unsafe(row)
  }).pipe(Effect.scoped, Effect.provide(layerDatabase(file)))
  return file
})

const open = (file: string, mode: Mode = "writer") =>
  Layer.build(
    Layer.mergeAll(AuditLog.layer, AuditVerifier.layer, EventLog.layer, SecurityLog.layer, Tokens.layer).pipe(
      Layer.provideMerge(Store.layer),
      Layer.provide(layerDatabase(file, mode))
    )
  )

const tables = (file: string) =>
  query<{ name: string }>(file, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").map(
    ({ name }) => name
  )

/** Everything in the tables that there were. */
const contents = (file: string, names: ReadonlyArray<string>) =>
  Object.fromEntries(names.map((name) => [name, query(file, `SELECT * FROM ${name} ORDER BY 1, 2`)]))

describe("a database of the version before there were tokens", () => {
  it.scoped("is as that version left it", () =>
    Effect.gen(function* () {
      const file = yield* makeOld
      assert.deepStrictEqual(query(file, "SELECT migration_id, name FROM mithrandir_migration"), [
        { migration_id: 1, name: "story" }
      ])
      assert.notInclude(tables(file), "token")
      assert.deepStrictEqual(query(file, "SELECT id FROM command_audit"), [{ id: "c1" }])
    })
  )

  it.scoped("is upgraded by the writer that opens it, and loses no row", () =>
    Effect.gen(function* () {
      const file = yield* makeOld
      const kept = tables(file).filter((name) => name !== "mithrandir_migration")
      const before = contents(file, kept)
      const context = yield* open(file)
      assert.deepStrictEqual(
        tables(file).filter((name) => !kept.includes(name)),
        ["audit_node", "mithrandir_migration", "security_event", "token"]
      )
      assert.deepStrictEqual(contents(file, kept), before)
      assert.deepStrictEqual(query(file, "SELECT migration_id, name FROM mithrandir_migration ORDER BY 1"), [
        { migration_id: 1, name: "story" },
        { migration_id: 2, name: "security" },
        { migration_id: 3, name: "audit_tree" },
        { migration_id: 4, name: "audit_indexes" }
      ])
      // The tree is over what was there before, too.
      const { findings, size } = yield* Context.get(context, AuditVerifier.AuditVerifier).verify([])
      assert.deepStrictEqual([findings, size], [[], 1])
      assert.deepInclude(yield* Context.get(context, AuditLog.AuditLog).get("c1"), { actor: "ann", target: "t1" })
      const { events } = yield* Context.get(context, EventLog.EventLog).page(0, {}, 10)
      assert.deepStrictEqual(
        events.map(({ seq, subject }) => [seq, subject]),
        [[1, "mail"]]
      )
    })
  )

  it.scoped("has tokens and security events from then on, and goes on where its events were", () =>
    Effect.gen(function* () {
      const file = yield* makeOld
      const [old] = query<{ log_id: string }>(file, "SELECT log_id FROM event_seq")
      const context = yield* open(file)
      const tokens = Context.get(context, Tokens.Tokens)
      const security = Context.get(context, SecurityLog.SecurityLog)
      const store = Context.get(context, Store.Store)
      // Nobody is shut out by the upgrade.
      assert.isFalse(tokens.everMade())
      const { text, token } = yield* tokens.create({ actor: "ann", role: "admin" }, "local")
      assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
      yield* tokens.revoke(token.id, "local")
      security.note({ kind: "unauthenticated" }, 0)
      yield* security.flush
      const { data } = yield* security.page(Schema.decodeSync(SecurityLog.SecurityQuery)({}))
      assert.sameMembers(
        data.map(({ kind }) => kind),
        ["token-created", "token-revoked", "unauthenticated"]
      )
      assert.strictEqual(store.logId, old?.log_id)
      const event = { name: "reconciliation.update", service: "mail", subject: "mail", data: "{}" } as const
      const [placed] = yield* store.commit({ writes: [], events: [event] })
      assert.strictEqual(placed?.seq, 2)
    })
  )

  it.scoped("is upgraded once", () =>
    Effect.gen(function* () {
      const file = yield* makeOld
      yield* Effect.scoped(open(file))
      const before = contents(file, tables(file))
      yield* open(file)
      yield* open(file, "reader")
      assert.deepStrictEqual(contents(file, tables(file)), before)
      assert.lengthOf(before["mithrandir_migration"] ?? [], migrations.newest)
    })
  )

  it.scoped("cannot be read before it is upgraded, and whoever tries is told what to do and changes nothing", () =>
    Effect.gen(function* () {
      const file = yield* makeOld
      const error = yield* Effect.flip(Effect.scoped(open(file, "reader")))
      assert.deepInclude(error, { _tag: "DatabaseUnusable", reason: "unmigrated" })
      assert.include(error.message, "start the server on it once")
      assert.notInclude(tables(file), "token")
    })
  )

  it.scoped("is left as it was where the upgrade fails, and upgraded the next time", () =>
    Effect.gen(function* () {
      const file = yield* makeOld
      const before = tables(file)
      // Somebody has taken the name of the table that it makes last.
      const db = new Sqlite(file)
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      db.exec("CREATE TABLE security_event (x)")
      const error = yield* Effect.flip(Effect.scoped(open(file)))
      assert.strictEqual(error._tag, "DatabaseUnusable")
      assert.deepStrictEqual(tables(file), [...before, "security_event"].sort())
      db.exec("DROP TABLE security_event")
      yield* open(file)
      assert.includeMembers(tables(file), ["security_event", "token"])
      assert.deepStrictEqual(query(file, "SELECT id FROM command_audit"), [{ id: "c1" }])
    })
  )
})
