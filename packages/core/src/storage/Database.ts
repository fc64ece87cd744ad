/** How the store gets at its database: the port that keeps drivers out of the core. */
import { statSync } from "node:fs"
import * as FileSystem from "@effect/platform/FileSystem"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Exposure from "./Exposure.ts"
import * as Ownership from "./Ownership.ts"
import { isFull, isUnwritable, unwritable } from "./Space.ts"
import { readAnnouncement, sqliteCode, tryAcquire, withdraw } from "./WriterLock.ts"

/**
 * Opens connections to a SQLite file. The edge gives it, so that the driver is its choice: `SqliteNode.layer` of
 * `@mithrandir/core/SqliteNode`, or another.
 */
export class SqliteDriver extends Context.Tag("@mithrandir/core/SqliteDriver")<
  SqliteDriver,
  {
    /** One connection, which ends with the scope. It is in WAL mode unless told to leave the mode alone. */
    readonly open: (options: {
      readonly filename: string
      readonly readonly: boolean
      /** Leave the journal mode as it is: for the lock file. */
      readonly disableWAL: boolean
    }) => Effect.Effect<SqlClient, SqlError | DriverUnusable, Scope.Scope>
    /**
     * One that reads alone, and keeps nobody else from anything while a query takes long. Where a driver has none, all
     * that is read is read in turn.
     */
    readonly openAside?: (filename: string) => Effect.Effect<SqlClient, SqlError | DriverUnusable, Scope.Scope>
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
  /** Its file. */
  database: Schema.String,
  /** What the writer said of itself in `<db>.server.json`, if it did. */
  pid: Schema.optionalWith(Schema.Int, { exact: true }),
  /** Where that is a server: where it listens. */
  url: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message() {
    const who = this.pid === undefined ? "another process" : `process ${this.pid}${this.url ? ` (${this.url})` : ""}`
    return `${this.database} is in use by ${who}`
  }
}

/** The file cannot be used as it is. `problem` says why and what to do. */
export class DatabaseUnusable extends Schema.TaggedError<DatabaseUnusable>()("DatabaseUnusable", {
  /** Its file. */
  database: Schema.String,
  /** The same for programs. */
  reason: Schema.Literal(
    "missing",
    "corrupt",
    "foreign",
    "tampered",
    "newer",
    "unmigrated",
    "permission",
    "exposed",
    "full",
    "unwritable",
    "busy",
    "pragma",
    "failed"
  ),
  problem: Schema.String
}) {
  override get message() {
    return `${this.database}: ${this.problem}`
  }
}

/** Why a database cannot be used: somebody else writes to it, or it itself is at fault. */
export type DatabaseError = DatabaseLocked | DatabaseUnusable

/** A database of this process's choice, not opened yet: the store opens it. */
export class Database extends Context.Tag("@mithrandir/core/Database")<
  Database,
  {
    /** What it is called in errors: the file. */
    readonly name: string
    /** What this process wants of it. */
    readonly mode: Mode
    /** Opens a connection for the scope, its settings made and read back. `aside`: to read what may take long. */
    readonly connect: (access: "write" | "read" | "aside") => Effect.Effect<SqlClient, DatabaseUnusable, Scope.Scope>
    /** Becomes the one writer for the scope, or fails at once with `DatabaseLocked`. */
    readonly lock: Effect.Effect<void, DatabaseError, Scope.Scope>
    /**
     * Has writes that others still make refused, through the connection that writes. Gives what tells, inside a
     * transaction that has written, what speaks against committing it: `undefined` is nothing.
     */
    readonly claim: (
      sql: SqlClient
    ) => Effect.Effect<Effect.Effect<Ownership.Objection, SqlError>, SqlError | Ownership.Tampered>
    /** Whether what goes by this name is still what it was at the start: somebody may have moved or removed it. */
    readonly isInPlace: Effect.Effect<boolean>
  }
>() {}

/**
 * What is examined at the start, in bytes: 128 MiB, a fifth of a second from memory, and a second or two from a disk.
 * One-off runs wait for it too.
 */
const examinedBytes = 128n * 1024n * 1024n

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
      const create = (file: string) => fs.writeFile(file, new Uint8Array(), { flag: "a", mode: 0o600 })
      // One that is there is not opened: to close it again would let go of every lock this process has on it.
      const touch = (file: string) =>
        fs.stat(file).pipe(
          Effect.flatMap(({ type }) => (type === "File" ? fs.access(file, { writable: true }) : create(file))),
          Effect.catchIf(
            (error) => error._tag === "SystemError" && error.reason === "NotFound",
            () => create(file)
          ),
          Effect.mapError((error) => describe(file, error))
        )

      // One file has one lock, whatever links lead to it: also one that is not there yet.
      if (options.mode !== "reader") yield* touch(options.filename)
      const database = yield* fs.realPath(options.filename).pipe(Effect.orElseSucceed(() => options.filename))

      const unusable = (error: unknown) => describe(database, error)

      const open = (filename: string, readonly: boolean, disableWAL = true) =>
        orThrown(driver.open({ filename, readonly, disableWAL }))
      const openAside = driver.openAside === undefined ? open(database, true) : orThrown(driver.openAside(database))

      /** Read alone, and without setting a journal mode: another program's file stays as it is, to the byte. */
      const inspect = Effect.scoped(
        Effect.flatMap(open(database, true), Ownership.check).pipe(
          // What a process left half-written is mended by whoever opens it to write.
          Effect.catchIf(Ownership.needsRecovery, () => Effect.flatMap(open(database, false), Ownership.check))
        )
      )

      /** Refuses files that everybody may get at, before they are opened, and changes nothing about them. */
      const guard = Exposure.problem(database).pipe(
        Effect.flatMap(
          Option.match({
            onNone: () => Effect.void,
            onSome: (problem) => new DatabaseUnusable({ database, reason: "exposed", problem })
          })
        ),
        Effect.provideService(FileSystem.FileSystem, fs)
      )

      /** A small file is read whole before anything is written to it; of a large one damage is found where it is met. */
      const examine = (sql: SqlClient) =>
        Effect.flatMap(fs.stat(database), ({ size }) =>
          size <= examinedBytes ? Ownership.examine(sql) : Effect.void
        ).pipe(Effect.mapError(unusable))

      const connect = (access: "write" | "read" | "aside") =>
        Effect.gen(function* () {
          if (access === "write") {
            yield* touch(database)
            yield* guard
            yield* Effect.provideService(Exposure.warn(database), FileSystem.FileSystem, fs)
            yield* Effect.mapError(inspect, unusable)
          } else if (!(yield* Effect.mapError(fs.exists(database), unusable))) {
            const problem = "there is no such file; a first pass, or a server that starts, makes it"
            return yield* new DatabaseUnusable({ database, reason: "missing", problem })
          } else yield* guard
          const isReader = access !== "write"
          const opened = access === "aside" ? openAside : open(database, isReader, isReader)
          const sql = yield* Effect.mapError(opened, unusable)
          yield* settle(sql, access === "write" ? writerSettings : readerSettings).pipe(Effect.mapError(unusable))
          yield* access === "write" ? examine(sql) : Effect.mapError(Ownership.check(sql), unusable)
          return sql
        })

      const lock = Effect.gen(function* () {
        const file = `${database}.lock`
        yield* guard
        yield* touch(file)
        const sql = yield* open(file, false).pipe(Effect.mapError((error) => describe(file, error)))
        const withFiles = Effect.provideService(FileSystem.FileSystem, fs)
        if (yield* tryAcquire(sql).pipe(Effect.mapError((error) => describe(file, error))))
          return yield* withFiles(withdraw(database))
        const holder = yield* withFiles(readAnnouncement(database))
        return yield* new DatabaseLocked({ database, ...Option.getOrUndefined(holder) })
      })

      /** Names a file whatever it is called. Asked in step, as SQLite asks the system: no commit waits for a turn. */
      const identity = Effect.sync(() => {
        const found = statSync(database, { bigint: true, throwIfNoEntry: false })
        return found === undefined ? "absent" : `${found.dev}:${found.ino}`
      }).pipe(Effect.catchAllDefect(() => Effect.succeed("absent")))
      const first = yield* identity

      return Database.of({
        name: database,
        mode: options.mode,
        connect,
        lock,
        claim: Ownership.claim,
        isInPlace: Effect.map(identity, (now) => now === first)
      })
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

/** What a driver throws fails, as what it says does. */
const orThrown = <A, E, R>(opening: Effect.Effect<A, E, R>): Effect.Effect<A, unknown, R> =>
  Effect.catchAllDefect(opening, Effect.fail)

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
  if (error instanceof Ownership.Foreign) {
    return because("foreign", "it is the database of another program; name another file")
  }
  if (error instanceof Ownership.Damaged) return because("corrupt", damaged)
  if (error instanceof Ownership.Tampered) {
    return because(
      "tampered",
      `what keeps its records from being changed was taken away (${error.missing.join(", ")}); find out who did it and what was changed, and restore the file from a backup`
    )
  }
  if (isPlatformError(error)) {
    switch (errno(error)) {
      case "ENOENT":
        return because("missing", "its directory does not exist; create it first")
      case "EACCES":
      case "EPERM":
        return because("permission", notPermitted)
      case "EROFS":
        return because("permission", "its file system is read-only; name a file elsewhere")
      case "EISDIR":
        return because("failed", "it is a directory; name a file in it")
      case "ENOTDIR":
        return because("failed", "what should be its directory is a file; name another path")
      case "ENOSPC":
      case "EDQUOT":
      case "EFBIG":
        return because("full", full)
      default:
        return because("failed", `it could not be opened (${errno(error)})`)
    }
  }
  const code = sqliteCode(error)
  if (code.startsWith("SQLITE_NOTADB")) {
    return because("corrupt", "it is not a SQLite database; name another file, or move this one away")
  }
  if (code.startsWith("SQLITE_CORRUPT")) {
    return because("corrupt", damaged)
  }
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return because("busy", "it is locked by something else; close what has it open and try again")
  }
  if (code === "SQLITE_READONLY_DIRECTORY") return because("permission", notBeside)
  if (code.startsWith("SQLITE_READONLY") || code.startsWith("SQLITE_PERM")) {
    return because("permission", notPermitted)
  }
  if (code.startsWith("SQLITE_CANTOPEN")) {
    return because(
      "missing",
      "it cannot be opened; check that it exists, that this user may read it and write beside it, and that not too many files are open"
    )
  }
  if (isFull(code)) return because("full", full)
  if (isUnwritable(code)) return because("unwritable", unwritable)
  return because("failed", `it could not be opened${code === "" ? "" : ` (${code})`}`)
}

const damaged = "it is damaged; restore it from a backup, and keep this file for an inquiry"
const notPermitted = "no permission to write it; give this user access to the file and its directory"
/** In WAL mode every reader takes part in an index that stands beside the file. */
const notBeside =
  "even to read it SQLite has to write beside it, where this user may not; read a copy of it (and of its -wal, where there is one), or ask the server that has it"
const full = "the disk is full, or the file may not grow; free some space, or raise the limit on file sizes"

/** The system's own word, such as `EISDIR`; where it said none, ours for it. */
const errno = (error: { readonly reason: string; readonly cause?: unknown }): string => {
  const { cause, reason } = error
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code
  return reason === "NotFound" ? "ENOENT" : reason === "PermissionDenied" ? "EACCES" : reason
}

const isPlatformError = (error: unknown): error is { readonly reason: string; readonly cause?: unknown } =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  (error._tag === "SystemError" || error._tag === "BadArgument") &&
  "reason" in error &&
  typeof error.reason === "string"
