/** The edge: which drivers this program uses, and how its process ends. */

import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { SqlError } from "@effect/sql/SqlError"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { Database, Egress } from "@mithrandir/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Cli from "./Cli.ts"
import * as Token from "./line/Token.ts"
import * as Log from "./output/Log.ts"
import * as Terminal from "./output/Terminal.ts"

/** better-sqlite3, by way of Effect's client. It throws where a file cannot be opened. */
const sqlite = Layer.effect(
  Database.SqliteDriver,
  Effect.map(Reactivity.make, (reactivity) =>
    Database.SqliteDriver.of({
      open: (options) =>
        SqliteClient.make(options).pipe(
          Effect.provideService(Reactivity.Reactivity, reactivity),
          Effect.catchAllDefect(
            (cause): Effect.Effect<never, SqlError | Database.DriverUnusable> =>
              isOfModule(cause)
                ? new Database.DriverUnusable({ problem: reinstall })
                : new SqlError({ cause, message: "the file could not be opened" })
          )
        )
    })
  )
)

/** It is compiled for one version of Node and one kind of machine, and loaded with the first file that is opened. */
const isOfModule = (cause: unknown): boolean =>
  cause instanceof Error &&
  (("code" in cause && cause.code === "ERR_DLOPEN_FAILED") || /bindings file|better_sqlite3\.node/.test(cause.message))

const reinstall = `SQLite's native module does not load in Node ${process.version}; run: npm rebuild better-sqlite3`

/**
 * Node's own HTTP client: unlike fetch it keeps size limits, follows no redirect to another host, and inflates
 * nothing. It asks nobody whom `Egress` refuses, be it a source, a health endpoint or a server of ours.
 */
const http = Layer.provide(
  Layer.fresh(NodeHttpClient.layerWithoutAgent),
  NodeHttpClient.makeAgentLayer({ lookup: Egress.lookup })
)

export const drivers = Layer.mergeAll(sqlite, NodeContext.layer, http, Log.layer)

/** Runs a command line to its end, and the process with it. */
export const main = (argv: ReadonlyArray<string>): void => {
  Terminal.guard()
  Token.hide(argv)
  // Nothing of ours throws outside an effect, but a driver may.
  process.on("uncaughtException", (error) => {
    Effect.runPromise(Cli.report(Cause.die(error))).then(Terminal.leave)
  })
  Effect.runPromise(Cli.run(argv).pipe(Effect.provide(drivers), Effect.catchAllCause(Cli.report))).then(Terminal.leave)
}
