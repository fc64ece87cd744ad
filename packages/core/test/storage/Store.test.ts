import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { assert, describe, it as once } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import type { NewEvent } from "../../src/model/Event.ts"
import { type Change, Write } from "../../src/storage/Change.ts"
import { Database, type Mode } from "../../src/storage/Database.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile, query } from "../support/house.ts"
import { it } from "../support/interleaved.ts"
import { client } from "../support/security.ts"

const open = (file: string, mode: Mode = "writer") =>
  Effect.map(Layer.build(Layer.provide(Store.layer, layerDatabase(file, mode))), (context) =>
    Effect.provide(Store.Store, context)
  ).pipe(Effect.flatten)

const opened = Effect.gen(function* () {
  const file = yield* makeFile
  return { file, store: yield* open(file) }
})

const event = (subject: string): NewEvent => ({ name: "reconciliation.update", service: "mail", subject, data: "{}" })
const changeOf = (...subjects: ReadonlyArray<string>): Change => ({ writes: [], events: subjects.map(event) })
const discrepancy = (id: string) =>
  Write.DiscrepancyRecorded({
    id,
    timestamp: DateTime.unsafeMake(0),
    service: "mail",
    status: "verified",
    countsJson: "{}",
    checksum: "v1:",
    latencyMs: 1,
    detailsJson: Option.none()
  })

/** Transactions in the write-ahead log: the last frame of each says how large the database is after it (SQLite, section 4.1 of its file format). */
const transactionsOf = (file: string) =>
  Effect.promise(async () => {
    const log = await readFile(`${file}-wal`)
    const frame = 24 + log.readUInt32BE(8)
    let transactions = 0
    for (let at = 32; at + frame <= log.length; at += frame) if (log.readUInt32BE(at + 4) !== 0) transactions++
    return transactions
  })

describe("Store", () => {
  it.scoped("syncs each commit fully, also on a file that is opened again", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      yield* Effect.scoped(open(file))
      const database = yield* Effect.provide(Database, layerDatabase(file))
      const sql = yield* database.connect("write")
      assert.deepStrictEqual(yield* sql`PRAGMA synchronous`, [{ synchronous: 2 }])
      assert.deepStrictEqual(yield* sql`PRAGMA recursive_triggers`, [{ recursive_triggers: 1 }])
      assert.deepStrictEqual(yield* sql`PRAGMA trusted_schema`, [{ trusted_schema: 0 }])
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`, [{ journal_mode: "wal" }])
    })
  )

  it.scoped("writes a change whole or not at all", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      yield* store.commit({ writes: [discrepancy("one")], events: [event("one")] })
      const again = { writes: [discrepancy("two"), discrepancy("one")], events: [event("two")] }
      const error = yield* Effect.flip(store.commit(again))
      assert.strictEqual(error._tag, "StoreUnavailable")
      assert.deepStrictEqual(query(file, "SELECT id FROM discrepancy_event"), [{ id: "one" }])
      assert.deepStrictEqual(query(file, "SELECT subject FROM event"), [{ subject: "one" }])
      // It goes on after a failure.
      assert.deepStrictEqual(
        (yield* store.commit(changeOf("three"))).map(({ seq }) => seq),
        [2]
      )
    })
  )

  for (const ops of [17, 33, 64, 2048]) {
    once.scoped(`loses no acknowledged commit among failing ones, where fibers yield every ${ops} operations`, () =>
      Effect.gen(function* () {
        const { file, store } = yield* opened
        yield* store.commit({ writes: [discrepancy("taken")], events: [] })
        const acknowledged = yield* Effect.forEach(
          Array.from({ length: 300 }, (_, index) => index),
          (index) =>
            store
              .commit({
                writes: [discrepancy(`row-${index}`), ...(index % 3 === 0 ? [discrepancy("taken")] : [])],
                events: [event(`row-${index}`)]
              })
              .pipe(
                Effect.as(1),
                Effect.orElseSucceed(() => 0)
              ),
          { concurrency: "unbounded" }
        ).pipe(Effect.withMaxOpsBeforeYield(ops))
        assert.strictEqual(
          acknowledged.reduce((a: number, b) => a + b, 0),
          200
        )
        assert.deepStrictEqual(query(file, "SELECT COUNT(*) AS n FROM discrepancy_event"), [{ n: 201 }])
        assert.deepStrictEqual(query(file, "SELECT COUNT(*) AS n, MIN(seq) AS a, MAX(seq) AS b FROM event"), [
          { n: 200, a: 1, b: 200 }
        ])
      })
    )
  }

  it.scoped("commits together what waits together, and tells each what became of it", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      yield* store.commit({ writes: [discrepancy("taken")], events: [] })
      const before = yield* transactionsOf(file)
      const count = 100
      const placed = yield* Effect.forEach(
        Array.from({ length: count }, (_, index) => index),
        (index) =>
          store.commit({ writes: [discrepancy(`row-${index}`)], events: [event(`a-${index}`), event(`b-${index}`)] }),
        { concurrency: "unbounded" }
      )
      // Sixty-four of them, and the rest.
      assert.strictEqual((yield* transactionsOf(file)) - before, 2)
      assert.deepStrictEqual(
        placed.map((events) => events.map(({ seq, subject }) => [seq, subject])),
        placed.map((_, index) => [
          [2 * index + 1, `a-${index}`],
          [2 * index + 2, `b-${index}`]
        ])
      )
      assert.deepStrictEqual(query(file, "SELECT COUNT(*) AS n FROM discrepancy_event"), [{ n: count + 1 }])
      // Whoever goes on at once does not go before those who wait.
      const between = yield* transactionsOf(file)
      const times = Array.from({ length: 6 }, (_, time) => time)
      yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => index),
        (index) => Effect.forEach(times, (time) => store.commit(changeOf(`${index}-${time}`))),
        { concurrency: "unbounded", discard: true }
      )
      assert.strictEqual((yield* transactionsOf(file)) - between, times.length)
      // One after the other, each has its own.
      const alone = yield* transactionsOf(file)
      for (const name of ["x", "y", "z"]) yield* store.commit(changeOf(name))
      assert.strictEqual((yield* transactionsOf(file)) - alone, 3)
    })
  )

  it.scopedLive("waits for somebody else's write without holding up the process", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      const db = new Sqlite(file)
      db.exec("BEGIN IMMEDIATE")
      let worst = 0
      let before = performance.now()
      const timer = setInterval(() => {
        worst = Math.max(worst, performance.now() - before)
        before = performance.now()
      }, 5)
      const fiber = yield* Effect.fork(store.commit(changeOf("a")))
      yield* Effect.sleep("400 millis")
      assert.isNull(fiber.unsafePoll())
      db.exec("ROLLBACK")
      db.close()
      yield* Fiber.join(fiber)
      clearInterval(timer)
      // SQLite by itself would hold up everything for five seconds.
      assert.isBelow(worst, 2_000)
    })
  )

  it.scopedLive("says why it cannot be written to, for as long as it cannot", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      yield* store.writable
      const db = new Sqlite(file)
      db.exec("BEGIN IMMEDIATE")
      const failed = yield* Effect.flip(store.commit(changeOf("a")))
      const unwritable = yield* Effect.flip(store.writable)
      for (const error of [failed, unwritable]) assert.deepInclude(error, { _tag: "StoreUnavailable", reason: "busy" })
      db.exec("ROLLBACK")
      db.close()
      yield* store.writable
      assert.deepStrictEqual(query(file, "SELECT service FROM latest_update"), [])
    })
  )

  it.scoped("never shows a read what is not committed", () =>
    Effect.gen(function* () {
      const { store } = yield* opened
      const seen: Array<number> = []
      const reading = Effect.gen(function* () {
        for (let round = 0; round < 100; round++) {
          const rows = yield* store.read((sql) => sql<{ n: number }>`SELECT COUNT(*) AS n FROM event`)
          seen.push(rows[0]?.n ?? -1)
          yield* Effect.yieldNow()
        }
      })
      const writing = Effect.forEach(Array.from({ length: 50 }), () => store.commit(changeOf("a", "b", "c")))
      yield* Effect.all([reading, writing], { concurrency: "unbounded" }).pipe(Effect.withMaxOpsBeforeYield(17))
      assert.isTrue(seen.every((n) => n % 3 === 0))
    })
  )

  it.scoped("wakes listeners after the commit, with the newest place", () =>
    Effect.gen(function* () {
      const { store } = yield* opened
      const beyond = yield* Effect.forEach([0, 1, 2], (seq) => Effect.fork(store.beyond(seq)))
      yield* store.commit(changeOf("a", "b"))
      const [all, one] = yield* Effect.all(beyond.slice(0, 2).map(Fiber.join))
      // All of it was one commit; of a part of it somebody has to read.
      assert.deepStrictEqual(
        Option.map(all ?? Option.none(), (events) => events.map(({ seq, subject }) => [seq, subject])),
        Option.some([
          [1, "a"],
          [2, "b"]
        ])
      )
      assert.deepStrictEqual(one, Option.none())
      assert.deepStrictEqual(yield* Fiber.poll(beyond[2] as (typeof beyond)[number]), Option.none())
      yield* store.commit(changeOf("c"))
      yield* Fiber.join(beyond[2] as (typeof beyond)[number])
      assert.strictEqual(yield* store.newest, 3)
    })
  )

  it.scoped("keeps its log id and its places over a restart", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const before = yield* Effect.scoped(Effect.tap(open(file), (store) => store.commit(changeOf("a"))))
      const store = yield* open(file)
      assert.strictEqual(store.logId, before.logId)
      assert.deepStrictEqual(
        (yield* store.commit(changeOf("b"))).map(({ seq }) => seq),
        [2]
      )
      const other = yield* Effect.flatMap(makeFile, (file) => open(file))
      assert.notStrictEqual(other.logId, store.logId)
    })
  )
})

describe("the story's tables", () => {
  const ways: ReadonlyArray<readonly [string, string]> = [
    ["an update", "UPDATE command_audit SET actor = 'nobody'"],
    ["a replace by id", "INSERT OR REPLACE INTO command_audit SELECT * FROM command_audit"],
    [
      "a replace by rowid",
      "INSERT OR REPLACE INTO command_audit (rowid, id, actor, action_type, target, outcome) SELECT rowid, 'new', 'a', 'b', 'c', 'success' FROM command_audit"
    ],
    ["an update of discrepancies", "UPDATE discrepancy_event SET status = 'verified'"],
    ["a delete of discrepancies", "DELETE FROM discrepancy_event"],
    ["a replace of discrepancies", "INSERT OR REPLACE INTO discrepancy_event SELECT * FROM discrepancy_event"]
  ]
  const rows = [
    "INSERT INTO command_audit (id, actor, action_type, target, outcome) VALUES ('c1', 'a', 'retry-job', '1', 'success')",
    "INSERT INTO discrepancy_event (id, service, status, counts_json, checksum, latency_ms) VALUES ('d1', 'mail', 'discrepancy', '{}', 'v1:', 1)"
  ]

  it.scoped("refuse whoever changes them, with any client", () =>
    Effect.gen(function* () {
      const { file } = yield* opened
      // A client with SQLite's defaults: no recursive triggers.
      const db = new Sqlite(file)
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      for (const row of rows) db.exec(row)
      assert.throws(() => db.exec("DELETE FROM command_audit"), /^Audit log entries cannot be deleted$/)
      for (const [name, sql] of ways) assert.throws(() => db.exec(sql), /cannot be/, name)
      assert.deepStrictEqual(query(file, "SELECT id, actor FROM command_audit"), [{ id: "c1", actor: "a" }])
      assert.deepStrictEqual(query(file, "SELECT id, status FROM discrepancy_event"), [
        { id: "d1", status: "discrepancy" }
      ])
    })
  )

  it.scoped("take their own time and refuse what is no outcome or status", () =>
    Effect.gen(function* () {
      const { file } = yield* opened
      const db = new Sqlite(file)
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      for (const row of rows) db.exec(row)
      const [row] = query<{ timestamp: string }>(file, "SELECT timestamp FROM command_audit")
      assert.match(row?.timestamp ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
      assert.throws(() => db.exec(rows[0]?.replace("'c1'", "'c2'").replace("'success'", "'fine'") ?? ""), /CHECK/)
      assert.throws(() => db.exec(rows[1]?.replace("'d1'", "'d2'").replace("'discrepancy'", "'odd'") ?? ""), /CHECK/)
    })
  )
})

describe("the writer lock", () => {
  it.scoped("lets one writer in, refuses another, and is free once it is gone", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const scope = yield* Scope.make()
      yield* Scope.extend(open(file), scope)
      const error = yield* Effect.flip(Effect.scoped(open(file)))
      assert.strictEqual(error._tag, "DatabaseLocked")
      yield* Scope.close(scope, Exit.void)
      yield* Effect.scoped(open(file))
    })
  )

  it.scoped("is one for a file, whatever link leads to it, also before there is a file", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      yield* Effect.promise(async () => (await import("node:fs/promises")).symlink(file, `${file}.link`))
      yield* open(`${file}.link`)
      const error = yield* Effect.flip(Effect.scoped(open(file)))
      assert.strictEqual(error._tag, "DatabaseLocked")
    })
  )

  it.scoped("withdraws, for whoever takes it, what a server said that was killed", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const left = `${file}.server.json`
      const fs = yield* Effect.promise(() => import("node:fs/promises"))
      yield* Effect.promise(() => fs.writeFile(left, '{"pid":1,"url":"http://127.0.0.1:1"}', { mode: 0o600 }))
      yield* open(file)
      assert.isTrue(
        yield* Effect.promise(() =>
          fs.stat(left).then(
            () => false,
            () => true
          )
        )
      )
      const error = yield* Effect.flip(Effect.scoped(open(file)))
      assert.isFalse("pid" in error && error.pid === 1)
    })
  )

  it.scoped("is not needed to read", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      yield* store.commit(changeOf("a"))
      const reader = yield* open(file, "reader")
      assert.strictEqual(yield* reader.newest, 1)
      const error = yield* Effect.flip(reader.commit(changeOf("b")))
      assert.deepStrictEqual([error._tag, "reason" in error && error.reason], ["StoreUnavailable", "readonly"])
    })
  )

  it.scopedLive("goes to a standby when the writer is gone, with all that was written", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const scope = yield* Scope.make()
      const writer = yield* Scope.extend(open(file), scope)
      const standby = yield* open(file, "standby")
      yield* writer.commit(changeOf("a"))
      const error = yield* Effect.flip(standby.commit(changeOf("b")))
      assert.deepStrictEqual("reason" in error && error.reason, "standby")
      assert.isFalse(yield* standby.isWriter)
      yield* Scope.close(scope, Exit.void)
      yield* standby.gained
      assert.deepStrictEqual(
        (yield* standby.commit(changeOf("b"))).map(({ seq }) => seq),
        [2]
      )
    })
  )
})

describe("opening", () => {
  const problem = (file: string, mode?: Mode) =>
    Effect.map(Effect.flip(Effect.scoped(open(file, mode))), (error) =>
      error._tag === "DatabaseUnusable" ? error.reason : error._tag
    )

  it.scoped("refuses what it cannot use, and says why", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      assert.strictEqual(yield* problem(file, "reader"), "missing")
      assert.strictEqual(yield* problem(`${file}/none/such.db`), "missing")

      yield* Effect.promise(() => writeFile(file, "", { mode: 0o600 }))
      assert.strictEqual(yield* problem(file, "reader"), "unmigrated")

      yield* Effect.scoped(open(file))
      const db = new Sqlite(file)
      db.exec("INSERT INTO mithrandir_migration (migration_id, name) VALUES (99, 'future')")
      db.close()
      assert.strictEqual(yield* problem(file), "newer")
      assert.strictEqual(yield* problem(file, "reader"), "newer")
    })
  )

  it.scoped("refuses a file that is no database", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      yield* Effect.promise(() => writeFile(file, "no database ".repeat(500), { mode: 0o600 }))
      assert.strictEqual(yield* problem(file), "corrupt")
      assert.strictEqual(yield* problem(file, "reader"), "corrupt")
    })
  )

  for (const [what, ...statements] of [
    ["another program's database", "CREATE TABLE other (x)", "INSERT INTO other VALUES (1)"],
    ["another program's database in WAL mode", "PRAGMA journal_mode = WAL", "CREATE TABLE other (x)"],
    ["another program's database without tables", "PRAGMA application_id = 7"]
  ]) {
    it.scoped(`refuses ${what}, and leaves it as it is, to the byte`, () =>
      Effect.gen(function* () {
        const file = yield* makeFile
        yield* Effect.promise(() => writeFile(file, "", { mode: 0o600 }))
        const db = new Sqlite(file)
        for (const statement of statements) db.exec(statement)
        db.close()
        const before = yield* Effect.promise(() => readFile(file))
        for (const mode of ["writer", "standby", "reader"] as const) {
          assert.strictEqual(yield* problem(file, mode), "foreign")
        }
        assert.isTrue(before.equals(yield* Effect.promise(() => readFile(file))))
      })
    )
  }

  it.scoped("takes what it made itself, and leaves its mark", () =>
    Effect.gen(function* () {
      const { file } = yield* opened
      assert.deepStrictEqual(query(file, "PRAGMA application_id"), [{ application_id: 0x4d697468 }])
      assert.strictEqual(yield* problem(file), "DatabaseLocked")
    })
  )

  it.scoped("finds damage in any page at the start, and writes nothing", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      yield* Effect.scoped(
        Effect.flatMap(open(file), (store) =>
          Effect.forEach(
            Array.from({ length: 300 }, (_, n) => `subject-${n}`),
            (name) => store.commit(changeOf(name)),
            {
              discard: true
            }
          )
        )
      )
      const whole = yield* Effect.promise(() => readFile(file))
      const [page] = query<{ rootpage: number }>(
        file,
        "SELECT rootpage FROM sqlite_master WHERE name = 'event_subject'"
      )
      const at = ((page?.rootpage ?? 0) - 1) * 4096
      assert.isAbove(at, 4096)
      const bytes = Buffer.from(whole)
      bytes.fill(0xee, at, at + 4096)
      yield* Effect.promise(() => writeFile(file, bytes))
      assert.strictEqual(yield* problem(file), "corrupt")
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(file))))
      yield* Effect.promise(() => writeFile(file, whole))
      yield* Effect.scoped(open(file))
    })
  )
})

describe("the file of a writer", () => {
  it.scoped("has one writer still where the lock's file was removed: whoever came last", () =>
    Effect.gen(function* () {
      const { file, store: first } = yield* opened
      yield* first.commit(changeOf("a"))
      yield* Effect.promise(() => rm(`${file}.lock`))
      const second = yield* open(file)
      yield* second.commit(changeOf("b"))
      const error = yield* Effect.flip(first.commit(changeOf("c")))
      assert.deepInclude(error, { _tag: "StoreUnavailable", reason: "deposed" })
      assert.deepInclude(yield* Effect.flip(first.writable), { reason: "deposed" })
      yield* second.commit(changeOf("d"))
      yield* second.writable
      assert.deepStrictEqual(query(file, "SELECT seq, subject FROM event ORDER BY seq"), [
        { seq: 1, subject: "a" },
        { seq: 2, subject: "b" },
        { seq: 3, subject: "d" }
      ])
    })
  )

  it.scoped("takes no commit from the moment that a safeguard of its records is gone, until it is back", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      yield* store.commit(changeOf("a"))
      const db = yield* client(file)
      const safeguards = db
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        .all() as ReadonlyArray<{
        name: string
        sql: string
      }>
      assert.lengthOf(safeguards, 6)
      for (const { name, sql } of safeguards) {
        db.exec(`DROP TRIGGER ${name}`)
        // Nobody has tried to write yet.
        assert.deepInclude(yield* Effect.flip(store.writable), { _tag: "StoreUnavailable", reason: "tampered" })
        assert.deepInclude(yield* Effect.flip(store.commit(changeOf(name))), { reason: "tampered" })
        // Who reads goes on.
        yield* store.read((sql) => sql`SELECT 1 FROM command_audit`)
        // One that does nothing under its name is none.
        db.exec(sql.replace(/BEGIN[\s\S]*END/, "BEGIN SELECT 1; END"))
        assert.deepInclude(yield* Effect.flip(store.writable), { reason: "tampered" })
        db.exec(`DROP TRIGGER ${name}`)
        db.exec(sql)
        yield* store.writable
        yield* store.commit(changeOf("b"))
      }
      // Nothing speaks against an index.
      db.exec("CREATE INDEX mine ON event(time)")
      yield* store.writable
      yield* store.commit(changeOf("c"))
      const subjects = query(file, "SELECT DISTINCT subject FROM event ORDER BY subject")
      assert.deepStrictEqual(subjects, [{ subject: "a" }, { subject: "b" }, { subject: "c" }])
    })
  )

  it.scoped("is refused to a writer where a safeguard is gone, and to nobody who reads", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      yield* Effect.scoped(open(file))
      const db = yield* client(file)
      db.exec("DROP TRIGGER command_audit_append_only; ALTER TABLE discrepancy_event RENAME TO elsewhere")
      const refused = yield* Effect.flip(open(file))
      assert.deepInclude(refused, { _tag: "DatabaseUnusable", reason: "tampered" })
      assert.include(refused.message, "command_audit_append_only")
      assert.include(refused.message, "discrepancy_event_no_update")
      yield* open(file, "reader")
    })
  )

  it.scoped("is missed within a second of being moved away, and found again", () =>
    Effect.gen(function* () {
      const { file, store } = yield* opened
      yield* store.commit(changeOf("a"))
      yield* Effect.promise(() => rename(file, `${file}.away`))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Effect.flip(store.commit(changeOf("b"))), { reason: "moved" })
      assert.deepInclude(yield* Effect.flip(store.writable), { reason: "moved" })
      // Another file under its name is not it.
      yield* Effect.promise(() => writeFile(file, ""))
      assert.deepInclude(yield* Effect.flip(store.commit(changeOf("c"))), { reason: "moved" })
      yield* Effect.promise(() => rename(`${file}.away`, file))
      yield* store.writable
      yield* store.commit(changeOf("d"))
      assert.deepStrictEqual(query(file, "SELECT subject FROM event ORDER BY seq"), [
        { subject: "a" },
        { subject: "d" }
      ])
    })
  )

  once.scopedLive("goes to exactly one of two that open it at once, new or not", () =>
    Effect.gen(function* () {
      const known = yield* makeFile
      const rounds = process.env["MITHRANDIR_TEST_LONG"] === undefined ? 10 : 100
      for (let round = 0; round < rounds; round += 1) {
        for (const file of [yield* makeFile, known]) {
          const scope = yield* Scope.make()
          const both = yield* Effect.all(
            [1, 2].map(() => Effect.either(Scope.extend(open(file), scope))),
            {
              concurrency: 2
            }
          )
          assert.deepStrictEqual(both.map((one) => (Either.isRight(one) ? "one" : one.left._tag)).sort(), [
            "DatabaseLocked",
            "one"
          ])
          yield* Scope.close(scope, Exit.void)
        }
      }
    })
  )
})
