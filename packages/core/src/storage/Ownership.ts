/**
 * Whose a SQLite file is: this program's and no other's, and of its processes the one that took it last. Both marks
 * stand in the file's header, so that they are read and written like rows, in transactions.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { safeguards } from "./migrations/0001_story.ts"
import { sqliteCode } from "./WriterLock.ts"

/** `Mith` in ASCII, as `PRAGMA application_id` has it: what `file` and other programs may know our files by. */
export const applicationId = 0x4d697468

/** The file holds somebody else's tables. */
export class Foreign {
  readonly _tag = "Foreign"
}

/** SQLite finds that the file contradicts itself. */
export class Damaged {
  readonly _tag = "Damaged"
}

/** Somebody has taken away what keeps the records from being changed. */
export class Tampered {
  readonly _tag = "Tampered"
  /** The triggers that are not there as they were made. */
  readonly missing: ReadonlyArray<string>
  constructor(missing: ReadonlyArray<string>) {
    this.missing = missing
  }
}

/** Fails with `Foreign` for a database of another program. One that is empty, or of ours, passes. Writes nothing. */
export const check = (sql: SqlClient): Effect.Effect<void, SqlError | Foreign> =>
  Effect.gen(function* () {
    const id = yield* pragma(sql, "application_id")
    if (id !== 0 && id !== applicationId) return yield* Effect.fail(new Foreign())
    const [row] = yield* sql<{ theirs: number; ours: number }>`
      SELECT count(*) AS theirs, count(CASE WHEN name = 'mithrandir_migration' THEN 1 END) AS ours FROM sqlite_master`
    if (row !== undefined && row.theirs > 0 && row.ours === 0) return yield* Effect.fail(new Foreign())
  })

/**
 * Fails with `Damaged` where pages contradict each other. Reads the whole file: a millisecond and a half for each
 * mebibyte that is in memory already.
 */
export const examine = (sql: SqlClient): Effect.Effect<void, SqlError | Damaged> =>
  Effect.flatMap(sql.unsafe<Record<string, unknown>>("PRAGMA quick_check(1)"), ([row]) =>
    Object.values(row ?? {})[0] === "ok" ? Effect.void : Effect.fail(new Damaged())
  )

/**
 * Takes the file for this process: from now on every other's writes are refused. The lock keeps others out as long as
 * its file is there; this holds also where somebody removed that and a second process took a new one.
 *
 * Gives what tells, inside a transaction that has written, what speaks against its commit: until that ends nobody can
 * take the file, or the safeguards of its records. Fails with `Tampered` where they are gone already.
 */
export const claim = (sql: SqlClient): Effect.Effect<Effect.Effect<Objection, SqlError>, SqlError | Tampered> =>
  Effect.gen(function* () {
    const token = crypto.getRandomValues(new Int32Array(1))[0] ?? 0
    if ((yield* pragma(sql, "application_id")) !== applicationId) {
      yield* sql.unsafe(`PRAGMA application_id = ${applicationId}`)
    }
    yield* sql.unsafe(`PRAGMA user_version = ${token}`)
    let form = yield* pragma(sql, "schema_version")
    const missing = yield* missingSafeguards(sql)
    if (missing.length > 0) return yield* Effect.fail(new Tampered(missing))
    return Effect.gen(function* () {
      const [marks] = yield* sql<{ owner: number; form: number }>`
        SELECT user_version AS owner, schema_version AS form FROM pragma_user_version, pragma_schema_version`
      if (marks?.owner !== token) return "deposed"
      const now = marks.form
      if (now === form) return undefined
      // Somebody changed the schema: there is no harm in a new index.
      if ((yield* missingSafeguards(sql)).length > 0) return "tampered"
      form = now
      return undefined
    })
  })

/** Why nothing is to be committed, if there is a reason: the file was taken over, or its safeguards were. */
export type Objection = "deposed" | "tampered" | undefined

/** The triggers that are not there, or not as they were made. */
export const missingSafeguards = (sql: SqlClient): Effect.Effect<ReadonlyArray<string>, SqlError> =>
  Effect.map(sql<{ name: string; sql: string }>`SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`, (rows) => {
    const found = new Map(rows.map(({ name, sql }) => [name, sql]))
    return Object.entries(safeguards).flatMap(([name, sql]) => (found.get(name) === sql ? [] : [name]))
  })

/** Whether an error says that a file has to be mended by somebody who may write before it can be read. */
export const needsRecovery = (error: unknown): boolean =>
  /^SQLITE_(READONLY_(ROLLBACK|RECOVERY|CANTINIT|CANTLOCK)|CANTOPEN)/.test(sqliteCode(error))

const pragma = (sql: SqlClient, name: string): Effect.Effect<number, SqlError> =>
  Effect.map(sql.unsafe<Record<string, unknown>>(`PRAGMA ${name}`), ([row]) => Number(Object.values(row ?? {})[0]))
