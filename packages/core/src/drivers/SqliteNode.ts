/**
 * better-sqlite3, by way of Effect's client. `@effect/sql-sqlite-node`, `@effect/experimental` and `better-sqlite3` are
 * optional peers: import this module by its own path.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import { SqlError } from "@effect/sql/SqlError"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DriverUnusable, SqliteDriver } from "../storage/Database.ts"
import * as SqliteThread from "./SqliteThread.ts"

/** It throws where a file cannot be opened. */
const thrown = (cause: unknown): Effect.Effect<never, SqlError | DriverUnusable> =>
  isOfModule(cause)
    ? new DriverUnusable({ problem: reinstall })
    : new SqlError({ cause, message: "the file could not be opened" })

/** It is compiled for one version of Node and one kind of machine, and loaded with the first file that is opened. */
const isOfModule = (cause: unknown): boolean =>
  cause instanceof Error &&
  (("code" in cause && cause.code === "ERR_DLOPEN_FAILED") || /bindings file|better_sqlite3\.node/.test(cause.message))

const reinstall = `SQLite's native module does not load in Node ${process.version}; run: npm rebuild better-sqlite3`

/** Files of this process; what takes long is read in a thread of its own. */
export const layer: Layer.Layer<SqliteDriver> = Layer.effect(
  SqliteDriver,
  Effect.map(Reactivity.make, (reactivity) => {
    const opened = <A, R>(opening: Effect.Effect<A, never, R | Reactivity.Reactivity>) =>
      opening.pipe(Effect.provideService(Reactivity.Reactivity, reactivity), Effect.catchAllDefect(thrown))
    return SqliteDriver.of({
      open: (options) => opened(SqliteClient.make(options)),
      openAside: (filename) => opened(SqliteThread.make(filename))
    })
  })
)
