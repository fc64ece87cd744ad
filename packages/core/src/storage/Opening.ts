/** What has to hold of a database before the store works with it, and what is said where it does not. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { type Database, DatabaseUnusable, describe } from "./Database.ts"
import * as migrations from "./migrations.ts"

/** Where a database stands beside what this program knows. */
class WrongVersion {
  readonly found: number
  constructor(found: number) {
    this.found = found
  }
}

/** Fails where a database has not the tables of this version. */
export const checkMigrated = (sql: SqlClient.SqlClient) =>
  migrations.version.pipe(
    Effect.provideService(SqlClient.SqlClient, sql),
    Effect.filterOrFail(
      (version) => version === migrations.newest,
      (version) => new WrongVersion(version)
    )
  )

/** Brings an older database, or an empty one, to this version; refuses a newer one. */
export const migrate = (sql: SqlClient.SqlClient) =>
  Effect.gen(function* () {
    const found = yield* migrations.version
    if (found > migrations.newest) return yield* Effect.fail(new WrongVersion(found))
    yield* migrations.migrate
    // The migrator takes a lost race, and any other failure to write its table, for success.
    yield* checkMigrated(sql)
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql))

/** Every way in which opening can go wrong, defects included, as an error that says what to do. */
export const withProblems = <A, E>(database: Context.Tag.Service<Database>, effect: Effect.Effect<A, E>) =>
  Effect.catchAllCause(effect, (cause): Effect.Effect<never, DatabaseUnusable> => {
    if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
    const error = Cause.squash(cause)
    if (!(error instanceof WrongVersion)) return describe(database.name, error)
    return error.found > migrations.newest
      ? new DatabaseUnusable({
          database: database.name,
          reason: "newer",
          problem: `it was written by a newer version of this program (form ${error.found}, this one knows ${migrations.newest}); upgrade`
        })
      : new DatabaseUnusable({
          database: database.name,
          reason: "unmigrated",
          problem: "it has no tables of this version yet; start the server on it once"
        })
  })
