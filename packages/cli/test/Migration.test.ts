/** A process that is killed in the middle of a migration, statement by statement; the next start completes it. */
import { existsSync } from "node:fs"
import { chmod, copyFile, cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Migrator from "@effect/sql/Migrator"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import story from "../../core/src/storage/migrations/0001_story.ts"
import { run as runInside } from "./support/inside.ts"
import * as Palantir from "./support/palantir.ts"
import { run } from "./support/process.ts"

const isLong = process.env["MITHRANDIR_TEST_LONG"] !== undefined

let root: string
let palantir: Palantir.FakePalantir
/** A database as a first run leaves it. */
let pristine: string
/** One of the first form, with entries on its record. */
let old: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mithrandir-migration-"))
  palantir = await Palantir.start()
  const services = [{ id: "palantir", type: "palantir", url: palantir.url, settle: "20 millis" }]
  await writeFile(join(root, "mithrandir.json"), JSON.stringify({ services, port: 0 }))
  pristine = join(root, "pristine.db")
  expect(await finish(pristine)).toMatchObject({ code: 0 })
  old = join(root, "old.db")
  await Effect.runPromise(
    Migrator.make({})({ loader: Migrator.fromRecord({ "0001_story": story }), table: "mithrandir_migration" }).pipe(
      Effect.provide(SqliteClient.layer({ filename: old }))
    )
  )
  populate(old)
  // Nobody else may get at it.
  await chmod(old, 0o600)
})

afterAll(async () => {
  await palantir.close()
  await rm(root, { recursive: true, force: true })
})

const options = (file: string) => ["--config", join(root, "mithrandir.json"), "--database", file]

/** A one-off run: as good a start as a server's. */
const finish = (file: string) => runInside(["reconcile", ...options(file)])

const reading = <A>(file: string, read: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(file)
  try {
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok")
    return read(db)
  } finally {
    db.close()
  }
}

const schema = (file: string) =>
  reading(file, (db) => db.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").all())

const versions = (file: string) =>
  reading(file, (db) => db.prepare("SELECT migration_id FROM mithrandir_migration ORDER BY 1").pluck().all())

/** As commands and passes leave them. */
const populate = (file: string) => {
  const db = new Sqlite(file)
  db.transaction(() => {
    const audit = db.prepare(
      "INSERT INTO command_audit VALUES (?, ?, 'me', 'retry-job', 'job-0', 'success', '{\"a\":1}', NULL, '{}', '[\"x\"]')"
    )
    const position = db.prepare("INSERT INTO audit_position (id) VALUES (?)")
    for (let n = 0; n < 100; n++) {
      audit.run(`c-${n}`, `2026-01-01 00:00:00.${n + 100}`)
      position.run(`c-${n}`)
    }
    db.exec(
      "INSERT INTO discrepancy_event VALUES ('d-0', '2026-01-01 00:00:00.000', 'gone', 'stale', '{}', 'v1:x', 1, NULL)"
    )
    db.exec("UPDATE event_seq SET newest = 7")
  })()
  db.close()
}

const record = (file: string) =>
  reading(file, (db) => [
    db.prepare("SELECT p.seq, a.* FROM command_audit a JOIN audit_position p ON p.id = a.id ORDER BY p.seq").all(),
    db.prepare("SELECT * FROM discrepancy_event WHERE service = 'gone'").all(),
    db.prepare("SELECT log_id FROM event_seq").all()
  ])

interface Killed {
  readonly file: string
  readonly directory: string
  /** What it was about to do. */
  readonly at: { readonly sql: string; readonly inTransaction: boolean }
}

/** Starts on a file, or a copy of one, and is killed before a statement. */
const killed = async (before: string, from?: string): Promise<Killed> => {
  const directory = await mkdtemp(join(root, "t-"))
  const file = join(directory, "m.db")
  if (from !== undefined) await copyFile(from, file)
  const note = `${directory}.note`
  const ended = await run(["reconcile", ...options(file)], {
    cwd: root,
    env: {
      NODE_OPTIONS: `--require ${fileURLToPath(new URL("support/killer.cjs", import.meta.url))}`,
      MITHRANDIR_TEST_KILL_AT: before,
      MITHRANDIR_TEST_KILL_NOTE: note
    }
  })
  expect(ended).toMatchObject({ signal: "SIGKILL", stdout: "", stderr: "" })
  return { file, directory, at: JSON.parse(await readFile(note, "utf8")) }
}

/** What is in the files that were left. Looked at in a copy: to open them is to mend them, and the program's to do. */
const left = async <A>({ directory }: Killed, look: (file: string) => A, none: A): Promise<A> => {
  const copy = await mkdtemp(join(root, "copy-"))
  await cp(directory, copy, { recursive: true })
  return existsSync(join(copy, "m.db")) ? look(join(copy, "m.db")) : none
}

const walBytes = async ({ file }: Killed) => (await stat(`${file}-wal`)).size

const expectCompleted = async ({ file }: Killed) => {
  expect(await finish(file)).toMatchObject({ code: 0 })
  expect(schema(file)).toEqual(schema(pristine))
  expect(versions(file)).toEqual(versions(pristine))
}

/** Starts that are killed before each statement in turn, until one has left the newest form behind. */
async function* everyKilled(from?: string) {
  for (let number = 1; ; number += 1) {
    const start = await killed(String(number), from)
    const isWhole = (await left(start, (file) => schema(file).length, 0)) === schema(pristine).length
    yield start
    if (isWhole) return
  }
}

describe("a first start that is killed while it migrates", { timeout: isLong ? 900_000 : 60_000 }, () => {
  it.each(["INSERT INTO event_seq", "COMMIT"])(
    "before %s leaves no table, and the next completes it",
    async (before) => {
      const start = await killed(before)
      expect(start.at).toEqual({ sql: expect.stringMatching(`^${before}`), inTransaction: true })
      // Half of it had left memory.
      expect(await walBytes(start)).toBeGreaterThan(100_000)
      // What notes the migrations comes before them, and says of itself alone that there were none.
      expect(await left(start, versions, undefined)).toEqual([])
      expect(await left(start, (file) => schema(file).length, 0)).toBe(1)
      await expectCompleted(start)
    }
  )

  it.skipIf(!isLong)("before any statement at all leaves all of the tables or none", async () => {
    const all = schema(pristine).length
    for await (const start of everyKilled()) {
      expect([0, 1, all]).toContain(await left(start, (file) => schema(file).length, 0))
      await expectCompleted(start)
    }
  })
})

describe("an upgrade that is killed", { timeout: isLong ? 900_000 : 60_000 }, () => {
  const expectKept = ({ file }: Killed) => expect(record(file)).toEqual(record(old))

  it.each(["CREATE TABLE security_event", "COMMIT"])(
    "before %s leaves the form that was there, and the next start completes it and keeps every row",
    async (before) => {
      const start = await killed(before, old)
      expect(start.at).toEqual({ sql: expect.stringMatching(`^${before}`), inTransaction: true })
      expect(await walBytes(start)).toBeGreaterThan(4096)
      expect(await left(start, versions, undefined)).toEqual([1])
      expect(await left(start, schema, undefined)).toEqual(schema(old))
      expect(await left(start, record, undefined)).toEqual(record(old))
      await expectCompleted(start)
      expectKept(start)
    }
  )

  it.skipIf(!isLong)("before any statement at all has one form or the other, and loses nothing", async () => {
    for await (const start of everyKilled(old)) {
      expect([schema(old), schema(pristine)]).toContainEqual(await left(start, schema, []))
      await expectCompleted(start)
      expectKept(start)
    }
  })
})
