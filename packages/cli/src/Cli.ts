/** The whole command line, and how everything that can go wrong leaves the process. */
import type * as CliApp from "@effect/cli/CliApp"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Audit from "./commands/Audit.ts"
import * as Reconcile from "./commands/Reconcile.ts"
import * as Run from "./commands/Run.ts"
import * as Sandbox from "./commands/Sandbox.ts"
import * as Serve from "./commands/Serve.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Help from "./Help.ts"
import { debugging } from "./Log.ts"
import * as Output from "./Output.ts"
import type { Drivers } from "./Program.ts"
import { version } from "./Version.ts"

const root = Command.make("mithrandir").pipe(
  Command.withDescription("Is what my dashboard shows true, and if not, what differs, since when, and what was done?"),
  Command.withSubcommands([Serve.command, Reconcile.command, Run.command, Audit.command, Sandbox.command])
)

const parse = Command.run(root, { name: "mithrandir", version })

/** Runs a command line, as `process.argv` has it. Never fails: what went wrong is said on stderr and in the code. */
export const run = (
  argv: ReadonlyArray<string>
): Effect.Effect<ExitCode.ExitCode, never, Drivers | CliApp.CliApp.Environment> =>
  plain(parse(argv)).pipe(
    Effect.as<ExitCode.ExitCode>(ExitCode.ok),
    Effect.catchAllCause((cause) => report(cause, helpFor(argv))),
    // Case matters in an action's parameters and in ids, so it does everywhere. Built-in flags would drown ours.
    Effect.provide(CliConfig.layer({ isCaseSensitive: true, showBuiltIns: false }))
  )

/** What to type for help on what was typed: `mithrandir audit list --help`. */
const helpFor = (argv: ReadonlyArray<string>): string => {
  const [first = "", second = ""] = argv.slice(2)
  const isSubcommand = HashMap.has(Command.getSubcommands(root), first)
  // What the parser gives of a subcommand no longer knows of subcommands of its own. `audit` alone has any.
  const isNested = first === "audit" && HashMap.has(Command.getSubcommands(Audit.command), second)
  const names = isSubcommand ? [first, ...(isNested ? [second] : [])] : []
  return ["mithrandir", ...names, "--help"].join(" ")
}

/** Says what went wrong, in a line, and gives the code to end with. */
export const report = (cause: Cause.Cause<unknown>, help = "mithrandir --help"): Effect.Effect<ExitCode.ExitCode> =>
  Effect.gen(function* () {
    if (debugging()) yield* Output.note(Cause.pretty(cause))
    const failure = Cause.failureOption(cause)
    if (Option.isNone(failure)) {
      if (Cause.isInterruptedOnly(cause)) return ExitCode.interrupted
      yield* Output.note(complaint(`a fault of ours, please report it: ${messageOf(Cause.squash(cause))}`))
      return ExitCode.failed
    }
    const error = failure.value
    if (error instanceof ExitCode.Ended) return ExitCode.ofError(error)
    if (ValidationError.isValidationError(error)) {
      // What was wrong has been printed where it was found.
      yield* Output.note(`try: ${help}`)
      return ExitCode.usage
    }
    yield* Output.note(complaint(messageOf(error)))
    return ExitCode.ofError(error)
  })

const complaint = (problem: string) => `mithrandir: ${Output.printable(problem.replace(/\s*\n\s*/g, " "))}`

const messageOf = (error: unknown): string => {
  if (error instanceof Error && error.message !== "") return error.message
  return typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)
}

/** The parser colours its help whoever reads it, and ends its errors with empty lines. */
const plain = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Console.consoleWith((console) =>
    Effect.withConsole(effect, {
      ...console,
      log: (...all) => console.log(...all.map((one) => tidy(one, Output.stdoutColours()))),
      error: (...all) => console.error(...all.map((one) => tidy(one, Output.stderrColours())))
    })
  )

const tidy = (text: unknown, colours: boolean): unknown => (typeof text === "string" ? Help.tidy(text, colours) : text)
