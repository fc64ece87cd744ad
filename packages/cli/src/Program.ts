/** What every command of the program may need, and how it may fail: what `Main` gives, and what `Cli` tells. */
import type * as Command from "@effect/cli/Command"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import type { Database } from "@mithrandir/core"
import type * as Types from "effect/Types"

export type Drivers = Database.SqliteDriver | FileSystem.FileSystem | HttpClient.HttpClient | Path.Path

/** Whatever goes wrong says in a sentence what, and has a tag that `ExitCode` knows. */
export interface Failure extends Error {
  readonly _tag: string
}

/** A command by its name and the flags it takes. */
export type Program<Name extends string, Flags extends Command.Command.Config> = Command.Command<
  Name,
  Drivers,
  Failure,
  Types.Simplify<Command.Command.ParseConfig<Flags>>
>
