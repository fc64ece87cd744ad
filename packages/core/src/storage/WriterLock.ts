/**
 * One writer per file: whoever holds `<db>.lock`, and what it says of itself in `<db>.server.json`.
 *
 * The lock is an exclusive transaction on a SQLite file of its own, so that the system frees it however its holder
 * ends, kill -9 included, on every system SQLite runs on.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Exposure from "./Exposure.ts"

/** Takes the lock for the scope, or gives `false` at once if somebody else has it. */
export const tryAcquire = (lock: SqlClient): Effect.Effect<boolean, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    // Without this SQLite would wait, blocking the whole process, for up to five seconds.
    yield* lock.unsafe("PRAGMA busy_timeout = 0")
    return yield* lock.unsafe("BEGIN EXCLUSIVE").pipe(
      Effect.as(true),
      Effect.catchIf(isBusy, () => Effect.succeed(false))
    )
  })

/** The code that SQLite gives an error, through the layers it comes in. */
export const sqliteCode = (error: unknown): string => {
  let at: unknown = error
  for (let depth = 0; depth < 5 && typeof at === "object" && at !== null; depth++) {
    if ("code" in at && typeof at.code === "string" && at.code.startsWith("SQLITE_")) return at.code
    at = "cause" in at ? at.cause : undefined
  }
  return ""
}

const isBusy = (error: SqlError) => sqliteCode(error).startsWith("SQLITE_BUSY")

/** What the server that holds a database says of itself: its process, `pid`, and the `url` where it listens. */
export const Announcement = Schema.Struct({ pid: Schema.Int, url: Schema.String })
export type Announcement = typeof Announcement.Type

const announcementFile = (database: string) => `${database}.server.json`

/** Says, for the scope, where the server of a database is. Readable by its owner alone. */
export const announce = (database: string, announcement: Announcement) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = announcementFile(database)
    const text = `${JSON.stringify(announcement)}\n`
    const half = `${file}.new`
    // Made anew: one that was left behind keeps its mode, and a link leads elsewhere.
    const write = Effect.zipRight(
      Effect.ignore(fs.remove(half)),
      fs.writeFileString(half, text, { flag: "wx", mode: 0o600 })
    )
    yield* Effect.acquireRelease(
      // Written beside it and renamed, so that a reader never sees half of it.
      Effect.zipRight(write, fs.rename(half, file)),
      // Only what is still ours: where the lock's file was removed another server may have spoken since.
      () =>
        Effect.ignore(
          Effect.flatMap(fs.readFileString(file), (found) => (found === text ? fs.remove(file) : Effect.void))
        )
    )
  })

/** Takes back what a server said that is gone. For whoever holds the lock: nobody else can be that server. */
export const withdraw = (database: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.ignore(fs.remove(announcementFile(database))))

/**
 * What the server of a database last said of itself, which may be long gone: the lock tells. Nobody else's word is taken
 * for it: tokens are sent to where it leads.
 */
export const readAnnouncement = (
  database: string
): Effect.Effect<Option.Option<Announcement>, never, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = announcementFile(database)
    if (!(yield* Exposure.isTrusted(file))) return yield* Effect.fail("untrusted")
    const text = yield* fs.readFileString(file)
    return yield* Schema.decode(Schema.parseJson(Announcement))(text)
  }).pipe(Effect.option)
