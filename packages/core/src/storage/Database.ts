/** How the store gets at its database: the port that keeps drivers out of the core. */
import * as FileSystem from "@effect/platform/FileSystem"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { readAnnouncement, sqliteCode, tryAcquire, withdraw } from "./WriterLock.ts"

/**
 * Opens one connection to a SQLite file. The edge gives it, so that the driver is its choice:
 * `Layer.succeed(SqliteDriver, { open: SqliteClient.make … })`.
 */
export class SqliteDriver extends Context.Tag("@mithrandir/core/SqliteDriver")<
  SqliteDriver,
  {
    readonly open: (options: {
      readonly filename: string
      readonly readonly: boolean
      /** Leave the journal mode as it is: for the lock file. */
      readonly disableWAL: boolean
    }) => Effect.Effect<SqlClient, SqlError | DriverUnusable, Scope.Scope>
  }
>() {}

/** The driver itself does not work, whatever file it is given; `problem` says why and what to do. */
export class DriverUnusable extends Schema.TaggedError<DriverUnusable>()("DriverUnusable", {
  problem: Schema.String
}) {}

/**
 * What this process wants of the database. `writer`: be the one writer, or fail at once. `standby`: be the writer
 * as soon as nobody else is. `reader`: read alone.
 */
export type Mode = "writer" | "standby" | "reader"

/** Another process is the writer of this database. */
export class DatabaseLocked extends Schema.TaggedError<DatabaseLocked>()("DatabaseLocked", {
  database: Schema.String,
  /** What the writer said of itself in `<db>.server.json`, if it did. */
  pid: Schema.optionalWith(Schema.Int, { exact: true }),
  url: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message() {
    const who = this.pid === undefined ? "another process" : `process ${this.pid}${this.url ? ` (${this.url})` : ""}`
    return `${this.database} is in use by ${who}`
  }
}

/** The file cannot be used as it is. `problem` says why and what to do. */
export class DatabaseUnusable extends Schema.TaggedError<DatabaseUnusable>()("DatabaseUnusable", {
  database: Schema.String,
  reason: Schema.Literal("missing", "corrupt", "newer", "unmigrated", "permission", "busy", "pragma", "failed"),
  problem: Schema.String
}) {
  override get message() {
    return `${this.database}: ${this.problem}`
  }
}

export type DatabaseError = DatabaseLocked | DatabaseUnusable

export class Database extends Context.Tag("@mithrandir/core/Database")<
  Database,
  {
    /** What it is called in errors: the file. */
    readonly name: string
    readonly mode: Mode
    /** Opens a connection for the scope, its settings made and read back. */
    readonly connect: (access: "write" | "read") => Effect.Effect<SqlClient, DatabaseUnusable, Scope.Scope>
    /** Becomes the one writer for the scope, or fails at once with `DatabaseLocked`. */
    readonly lock: Effect.Effect<void, DatabaseError, Scope.Scope>
  }
>() {}

/** A SQLite file, made if it is not there (except to read alone). Its directory must exist. */
export const layerSqlite = (options: {
  readonly filename: string
  readonly mode: Mode
}): Layer.Layer<Database, DatabaseUnusable, SqliteDriver | FileSystem.FileSystem> =>
  Layer.effect(
    Database,
    Effect.gen(function* () {
      const driver = yield* SqliteDriver
      const fs = yield* FileSystem.FileSystem
      /** Made before SQLite makes it, so that nobody but its owner ever reads it. */
      const touch = (file: string) =>
        fs
          .writeFile(file, new Uint8Array(), { flag: "a", mode: 0o600 })
          .pipe(Effect.mapError((error) => describe(file, error)))

      // One file has one lock, whatever links lead to it: also one that is not there yet.
      if (options.mode !== "reader") yield* touch(options.filename)
      const database = yield* fs.realPath(options.filename).pipe(Effect.orElseSucceed(() => options.filename))

      const unusable = (error: unknown) => describe(database, error)

      const open = (filename: string, readonly: boolean, disableWAL: boolean) =>
        driver.open({ filename, readonly, disableWAL }).pipe(
          Effect.catchAllDefect((defect) => Effect.fail(defect)),
          Effect.mapError(unusable)
        )

      const connect = (access: "write" | "read") =>
        Effect.gen(function* () {
          if (access === "write") yield* touch(database)
          else if (!(yield* Effect.mapError(fs.exists(database), unusable))) {
            const problem = "there is no such file; a first pass, or a server that starts, makes it"
            return yield* new DatabaseUnusable({ database, reason: "missing", problem })
          }
          const sql = yield* open(database, access === "read", access === "read")
          yield* settle(sql, access === "write" ? writerSettings : readerSettings).pipe(Effect.mapError(unusable))
          return sql
        })

      const lock = Effect.gen(function* () {
        const file = `${database}.lock`
        yield* touch(file)
        const sql = yield* open(file, false, true)
        const withFiles = Effect.provideService(FileSystem.FileSystem, fs)
        if (yield* tryAcquire(sql).pipe(Effect.mapError(unusable))) return yield* withFiles(withdraw(database))
        const holder = yield* withFiles(readAnnouncement(database))
        return yield* new DatabaseLocked({ database, ...Option.getOrUndefined(holder) })
      })

      return Database.of({ name: database, mode: options.mode, connect, lock })
    })
  )

/**
 * `synchronous = FULL` (2): a commit that was acknowledged survives a power cut; the driver leaves it at NORMAL for
 * files that exist. `recursive_triggers`: a REPLACE runs the delete triggers. `trusted_schema = 0`: a schema that
 * somebody tampered with calls no functions with side effects. `busy_timeout`, in milliseconds: while SQLite waits for
 * somebody else's lock the whole process does; the store waits longer, and lets others go on meanwhile.
 */
const writerSettings = { synchronous: 2, recursive_triggers: 1, trusted_schema: 0, foreign_keys: 1, busy_timeout: 20 }
const readerSettings = { trusted_schema: 0, query_only: 1, busy_timeout: 20 }

/** Makes each setting and reads it back: SQLite ignores a pragma it does not like without a word. */
const settle = (sql: SqlClient, settings: Record<string, number>) =>
  Effect.forEach(
    Object.entries(settings),
    ([pragma, value]) =>
      Effect.gen(function* () {
        yield* sql.unsafe(`PRAGMA ${pragma} = ${value}`)
        const rows = yield* sql.unsafe<Record<string, unknown>>(`PRAGMA ${pragma}`)
        const actual = Object.values(rows[0] ?? {})[0]
        if (actual !== value) return yield* Effect.fail(new SettingRefused(pragma))
      }),
    { discard: true }
  )

class SettingRefused {
  readonly pragma: string
  constructor(pragma: string) {
    this.pragma = pragma
  }
}

/** Says in a sentence what is wrong with a file, and what to do. */
export const describe = (database: string, error: unknown): DatabaseUnusable => {
  const because = (reason: DatabaseUnusable["reason"], problem: string) =>
    new DatabaseUnusable({ database, reason, problem })
  if (error instanceof SettingRefused) {
    return because("pragma", `SQLite did not take the setting ${error.pragma}; it must be version 3.43 or later`)
  }
  if (error instanceof DriverUnusable) return because("failed", `it could not be opened: ${error.problem}`)
  if (isPlatformError(error)) {
    switch (error.reason) {
      case "NotFound":
        return because("missing", "its directory does not exist; create it first")
      case "PermissionDenied":
        return because("permission", "no permission to write it; give this user access to the file and its directory")
      default:
        return because("failed", `it could not be opened (${error.reason})`)
    }
  }
  const code = sqliteCode(error)
  if (code.startsWith("SQLITE_NOTADB")) {
    return because("corrupt", "it is not a SQLite database; name another file, or move this one away")
  }
  if (code.startsWith("SQLITE_CORRUPT")) {
    return because("corrupt", "it is damaged; restore it from a backup, and keep this file for an inquiry")
  }
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return because("busy", "it is locked by something else; close what has it open and try again")
  }
  if (code.startsWith("SQLITE_READONLY") || code.startsWith("SQLITE_PERM")) {
    return because("permission", "no permission to write it; give this user access to the file and its directory")
  }
  if (code.startsWith("SQLITE_CANTOPEN")) {
    return because("missing", "it cannot be opened; check that it exists and that this user may read it")
  }
  if (code.startsWith("SQLITE_FULL")) return because("failed", "the disk is full; free some space")
  return because("failed", `it could not be opened${code === "" ? "" : ` (${code})`}`)
}

const isPlatformError = (error: unknown): error is { readonly reason: string } =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  (error._tag === "SystemError" || error._tag === "BadArgument") &&
  "reason" in error &&
  typeof error.reason === "string"
