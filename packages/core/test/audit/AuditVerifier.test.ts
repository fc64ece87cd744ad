import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import fc from "fast-check"
import * as AuditVerifier from "../../src/audit/AuditVerifier.ts"
import * as AuditLeaf from "../../src/model/AuditLeaf.ts"
import type { Checkpoint } from "../../src/model/Checkpoint.ts"
import * as Merkle from "../../src/model/Merkle.ts"
import * as Store from "../../src/storage/Store.ts"
import { record, wholeCommand } from "../support/audited.ts"
import { layerDatabase, makeFile } from "../support/house.ts"

const verify = (file: string, checkpoints: ReadonlyArray<Checkpoint> = []) =>
  Effect.scoped(
    Effect.gen(function* () {
      const layer = Layer.provide(AuditVerifier.layer, Layer.provide(Store.layer, layerDatabase(file, "reader")))
      const verifier = Context.get(yield* Layer.build(layer), AuditVerifier.AuditVerifier)
      return yield* verifier.verify(checkpoints)
    })
  )

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `c-${from + index}`)

const size = 1_230

/** A record, and what was signed of it as it grew. */
const recorded = Effect.gen(function* () {
  const file = yield* makeFile
  const checkpoints: Array<Checkpoint> = []
  const grow = Effect.fnUntraced(function* (count: number, from: number) {
    yield* record(file, [ids(count, from)])
    const { origin, root, size } = yield* verify(file)
    checkpoints.push({ origin, root, size })
  })
  yield* grow(1, 0)
  yield* grow(999, 1)
  yield* grow(size - 1_000, 1_000)
  return { file, checkpoints }
})

/** The triggers, to be put back as they were. */
const triggersOf = (db: Sqlite.Database) =>
  db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'command_audit'"
    )
    .all()

/** Without what keeps records from being changed, and with it again. */
const unguarded = (db: Sqlite.Database, act: () => void) => {
  const triggers = triggersOf(db)
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
  act()
  for (const { sql } of triggers) db.exec(sql)
}

/** The whole tree anew, as somebody would who knows how it is made. */
const rebuild = (db: Sqlite.Database) => {
  db.exec("DELETE FROM audit_node")
  const rows = db
    .prepare<[], AuditLeaf.Row>("SELECT a.* FROM audit_position p JOIN command_audit a ON a.id = p.id ORDER BY p.seq")
    .all()
  const insert = db.prepare("INSERT INTO audit_node (level, number, hash) VALUES (?, ?, ?)")
  let edge = Merkle.emptyEdge
  for (const row of rows) {
    const grown = Merkle.grow(edge, Merkle.leafHash(AuditLeaf.encode(row)))
    for (const { hash, level, number } of grown.nodes) insert.run(level, number, hash)
    edge = grown.edge
  }
}

type Tag = AuditVerifier.Finding["_tag"]

interface Attack {
  readonly name: string
  readonly act: (db: Sqlite.Database, file: string) => void
  /** What the database says to it. */
  readonly refused?: RegExp
  /** What is found without a checkpoint; nothing: only somebody's copy of one tells. */
  readonly found?: ReadonlyArray<Tag>
  /** And with those that were signed. */
  readonly signed?: ReadonlyArray<Tag>
}

const attacks: ReadonlyArray<Attack> = [
  { name: "UPDATE", act: (db) => db.exec("UPDATE command_audit SET actor = 'x' WHERE id = 'c-7'"), refused: /changed/ },
  { name: "DELETE", act: (db) => db.exec("DELETE FROM command_audit WHERE id = 'c-7'"), refused: /deleted/ },
  {
    name: "REPLACE by key",
    act: (db) => db.exec("REPLACE INTO command_audit SELECT * FROM command_audit WHERE id = 'c-7'"),
    refused: /replaced/
  },
  {
    name: "REPLACE by rowid",
    act: (db) =>
      db.exec(
        "REPLACE INTO command_audit (rowid, id, actor, action_type, target, outcome) SELECT rowid, 'new', 'x', 'x', 'x', 'success' FROM command_audit WHERE id = 'c-7'"
      ),
    refused: /replaced/
  },
  {
    name: "DROP TRIGGER, and UPDATE",
    act: (db) => db.exec("DROP TRIGGER command_audit_no_update; UPDATE command_audit SET actor = 'x' WHERE id = 'c-7'"),
    found: ["SafeguardsMissing", "RowsChanged"],
    signed: ["SafeguardsMissing", "RowsChanged", "HistoryChanged"]
  },
  {
    name: "DROP TRIGGER, UPDATE, and the trigger again",
    act: (db) => unguarded(db, () => db.exec("UPDATE command_audit SET outcome = 'failure' WHERE id = 'c-7'")),
    found: ["RowsChanged"],
    signed: ["RowsChanged", "HistoryChanged"]
  },
  {
    name: "a trigger that looks like ours",
    act: (db) =>
      db.exec(
        "DROP TRIGGER command_audit_append_only; CREATE TRIGGER command_audit_append_only BEFORE DELETE ON command_audit BEGIN SELECT 1; END"
      ),
    found: ["SafeguardsMissing"],
    signed: ["SafeguardsMissing"]
  },
  {
    name: "the text of a trigger, in the schema",
    act: (db) => {
      db.unsafeMode(true)
      db.pragma("writable_schema = ON")
      db.exec(
        "UPDATE sqlite_master SET sql = replace(sql, 'BEFORE UPDATE', 'BEFORE DELETE') WHERE name = 'command_audit_no_update'"
      )
    },
    found: ["SafeguardsMissing"],
    signed: ["SafeguardsMissing"]
  },
  {
    name: "a row taken out",
    act: (db) => unguarded(db, () => db.exec("DELETE FROM command_audit WHERE id = 'c-7'")),
    found: ["RowMissing"],
    signed: ["RowMissing"]
  },
  {
    name: "a row taken out, and its position",
    act: (db) =>
      unguarded(db, () =>
        db.exec("DELETE FROM command_audit WHERE id = 'c-7'; DELETE FROM audit_position WHERE id = 'c-7'")
      ),
    found: ["RowMissing"],
    signed: ["RowMissing"]
  },
  {
    name: "rename and recreate, with a row less",
    act: (db) =>
      db.exec(
        "ALTER TABLE command_audit RENAME TO old; CREATE TABLE command_audit AS SELECT * FROM old WHERE id <> 'c-7'"
      ),
    found: ["SafeguardsMissing", "RowMissing"],
    signed: ["SafeguardsMissing", "RowMissing"]
  },
  {
    name: "a row past the server, with checks ignored",
    act: (db) => {
      db.pragma("ignore_check_constraints = ON")
      db.exec("INSERT INTO command_audit (id, actor, action_type, target, outcome) VALUES ('x', 'x', 'x', 'x', 'x')")
    },
    found: ["RowsUnplaced"],
    signed: ["RowsUnplaced"]
  },
  {
    name: "a row past the server, with a position",
    act: (db) =>
      db.exec(
        `INSERT INTO command_audit (id, actor, action_type, target, outcome) VALUES ('x', 'x', 'x', 'x', 'success');
         INSERT INTO audit_position (seq, id) VALUES (${size + 1}, 'x')`
      ),
    found: ["TreeChanged", "RowsChanged"],
    signed: ["TreeChanged", "RowsChanged"]
  },
  {
    name: "a TEMP table in its place",
    act: (db) => {
      db.exec("CREATE TEMP TABLE command_audit AS SELECT * FROM main.command_audit WHERE id <> 'c-7'")
      assert.strictEqual(db.prepare("SELECT 1 FROM command_audit WHERE id = 'c-7'").get(), undefined)
    },
    // It is there for its own connection alone, and gone with it.
    found: [],
    signed: []
  },
  {
    name: "two positions exchanged",
    act: (db) =>
      db.exec(
        `UPDATE audit_position SET id = 'swapped' WHERE seq = 8; UPDATE audit_position SET id = 'c-7' WHERE seq = 9;
         UPDATE audit_position SET id = 'c-8' WHERE seq = 8`
      ),
    found: ["RowsChanged"],
    signed: ["RowsChanged", "HistoryChanged"]
  },
  {
    name: "a text made a blob of the same bytes",
    act: (db) => unguarded(db, () => db.exec("UPDATE command_audit SET actor = CAST(actor AS BLOB) WHERE id = 'c-7'")),
    found: ["RowsChanged"],
    signed: ["RowsChanged", "HistoryChanged"]
  },
  {
    name: "a leaf",
    act: (db) => db.exec("UPDATE audit_node SET hash = zeroblob(32) WHERE level = 0 AND number = 7"),
    found: ["RowsChanged"],
    signed: ["RowsChanged"]
  },
  {
    name: "a node",
    act: (db) => db.exec("UPDATE audit_node SET hash = zeroblob(32) WHERE level = 3 AND number = 1"),
    found: ["TreeChanged"],
    signed: ["TreeChanged"]
  },
  {
    name: "a node taken out",
    act: (db) => db.exec("DELETE FROM audit_node WHERE level = 3 AND number = 1"),
    found: ["TreeChanged", "TreeChanged"],
    signed: ["TreeChanged", "TreeChanged"]
  },
  {
    name: "a byte of the file, wherever the entry stands in it",
    act: (db, file) => {
      db.close()
      const bytes = readFileSync(file)
      for (let at = bytes.indexOf("job of c-1100"); at !== -1; at = bytes.indexOf("job of c-1100", at)) {
        bytes.write("J", at)
      }
      writeFileSync(file, bytes)
    },
    found: ["RowsChanged"],
    signed: ["RowsChanged", "HistoryChanged"]
  },
  {
    name: "the tail cut off, and the tree with it",
    act: (db) => {
      unguarded(db, () =>
        db.exec(
          "DELETE FROM command_audit WHERE id IN (SELECT id FROM audit_position WHERE seq > 1200); DELETE FROM audit_position WHERE seq > 1200"
        )
      )
      rebuild(db)
    },
    signed: ["TailMissing"]
  },
  {
    name: "a row changed, and the whole history computed anew",
    act: (db) => {
      unguarded(db, () => db.exec("UPDATE command_audit SET actor = 'somebody else' WHERE id = 'c-1100'"))
      rebuild(db)
    },
    signed: ["HistoryChanged"]
  },
  {
    name: "a row taken out, and the whole history computed anew",
    act: (db) => {
      unguarded(db, () => db.exec("DELETE FROM command_audit WHERE id = 'c-7'"))
      db.exec(
        "DELETE FROM audit_position WHERE id = 'c-7'; UPDATE audit_position SET seq = -seq WHERE seq > 8; UPDATE audit_position SET seq = -seq - 1 WHERE seq < 0"
      )
      rebuild(db)
    },
    signed: ["HistoryChanged", "TailMissing"]
  }
]

describe("the record of commands", () => {
  it.scoped(
    "is found to be whole, and every known way around its triggers is refused or found",
    () =>
      Effect.gen(function* () {
        const { checkpoints, file } = yield* recorded
        const clean = yield* verify(file, checkpoints)
        assert.deepStrictEqual([clean.findings, clean.size, clean.checkpoints], [[], size, checkpoints.length])
        for (const { act, found = [], name, refused, signed = [] } of attacks) {
          const copy = `${file}.copy`
          copyFileSync(file, copy)
          const db = new Sqlite(copy)
          if (refused === undefined) act(db, copy)
          else assert.throws(() => act(db, copy), refused, name)
          db.close()
          const tags = ({ findings }: AuditVerifier.Verdict) => findings.map(({ _tag }) => _tag)
          assert.deepStrictEqual(tags(yield* verify(copy)), found, name)
          assert.deepStrictEqual([...new Set(tags(yield* verify(copy, checkpoints)))], [...new Set(signed)], name)
        }
      }),
    120_000
  )

  it.scoped("the first row that was changed is named, and how many there are", () =>
    Effect.gen(function* () {
      const { file } = yield* recorded
      const db = new Sqlite(file)
      unguarded(db, () => db.exec("UPDATE command_audit SET actor = 'x' WHERE id IN ('c-700', 'c-41', 'c-1229')"))
      db.close()
      const { findings } = yield* verify(file)
      assert.deepStrictEqual(findings, [AuditVerifier.Finding.RowsChanged({ first: 42, id: "c-41", count: 3 })])
    })
  )

  it.scoped("a database that was put in its place is another log", () =>
    Effect.gen(function* () {
      const { checkpoints } = yield* recorded
      const other = yield* makeFile
      yield* record(other, [ids(size)])
      const { findings } = yield* verify(other, checkpoints)
      assert.deepStrictEqual(
        findings.map(({ _tag }) => _tag),
        checkpoints.map(() => "CheckpointForeign" as const)
      )
    })
  )

  // Each record is read whole after every one of its commits: several records are as telling as one, and far quicker.
  const records = process.env["MITHRANDIR_TEST_LONG"] === undefined ? 2 : 20
  const restarts = 10
  const readings = 5

  it.scoped(
    "is whole whatever was committed together, and over restarts",
    () =>
      Effect.gen(function* () {
        const commits = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 })
        for (let index = 0; index < records; index++) {
          let next = 0
          const file = yield* makeFile
          let before: Checkpoint | undefined
          for (let restart = 0; restart < restarts; restart++) {
            yield* Effect.scoped(
              Effect.gen(function* () {
                const layer = Layer.provide(Store.layer, layerDatabase(file))
                const context = yield* Layer.build(Layer.provideMerge(AuditVerifier.layer, layer))
                const store = Context.get(context, Store.Store)
                const verifier = Context.get(context, AuditVerifier.AuditVerifier)
                for (const counts of fc.sample(commits, readings)) {
                  for (const count of counts) {
                    const writes = ids(count, next).flatMap(wholeCommand)
                    next += count
                    yield* store.commit({ writes, events: [] })
                  }
                  const verdict = yield* verifier.verify(before === undefined ? [] : [before])
                  assert.deepStrictEqual([verdict.findings, verdict.size], [[], next])
                  before = verdict
                }
              })
            )
          }
        }
      }),
    240_000
  )
})
