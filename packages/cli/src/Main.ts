/** The edge: which drivers this program uses, and how its process ends. */

import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { SqlError } from "@effect/sql/SqlError"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { Database } from "@mithrandir/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Cli from "./Cli.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Log from "./Log.ts"

/** better-sqlite3, by way of Effect's client. It throws where a file cannot be opened. */
const sqlite = Layer.effect(
  Database.SqliteDriver,
  Effect.map(Reactivity.make, (reactivity) =>
    Database.SqliteDriver.of({
      open: (options) =>
        SqliteClient.make(options).pipe(
          Effect.provideService(Reactivity.Reactivity, reactivity),
          Effect.catchAllDefect((cause) => new SqlError({ cause, message: "the file could not be opened" }))
        )
    })
  )
)

/**
 * Node's own HTTP client: unlike fetch it keeps size limits, follows no redirect to another host, and inflates
 * nothing.
 */
export const drivers = Layer.mergeAll(sqlite, NodeContext.layer, NodeHttpClient.layer, Log.layer)

/** Runs a command line to its end, and the process with it. */
export const main = (argv: ReadonlyArray<string>): void => {
  process.stdout.on("error", unwritable)
  process.stderr.on("error", () => undefined)
  // Nothing of ours throws outside an effect, but a driver may.
  process.on("uncaughtException", (error) => {
    Effect.runPromise(Cli.report(Cause.die(error))).then(exit)
  })
  Effect.runPromise(Cli.run(argv).pipe(Effect.provide(drivers), Effect.catchAllCause(Cli.report))).then(exit)
}

/** Whoever reads us may stop reading (`| head`): no failure of ours. But what a full disk swallowed was not told. */
const unwritable = ({ code = "unknown" }: NodeJS.ErrnoException): void => {
  if (code === "EPIPE") process.exit(ExitCode.ok)
  // Told by whatever was written last, and by the stream.
  process.stdout.off("error", unwritable).on("error", () => undefined)
  process.stderr.write(`mithrandir: what should be printed could not be written (${code})\n`, () =>
    process.exit(ExitCode.failed)
  )
}

/** Ends the process once what was printed has left it; whatever a driver still holds open is let go with it. */
const exit = (code: ExitCode.ExitCode): void => {
  process.stdout.write("", (error) => {
    // A file tells of its error here first.
    if (error) unwritable(error)
    else process.stderr.write("", () => process.exit(code))
  })
}
