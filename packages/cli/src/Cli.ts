/** The whole command line, and how everything that can go wrong leaves the process. */
import { stripVTControlCharacters } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Audit from "./commands/Audit.ts"
import * as Config from "./commands/Config.ts"
import * as Discrepancies from "./commands/Discrepancies.ts"
import * as Reconcile from "./commands/Reconcile.ts"
import * as Run from "./commands/Run.ts"
import * as Sandbox from "./commands/Sandbox.ts"
import * as Security from "./commands/Security.ts"
import * as Serve from "./commands/Serve.ts"
import * as Services from "./commands/Services.ts"
import * as Token from "./commands/Token.ts"
import * as Watch from "./commands/Watch.ts"
import { ConfigInvalid } from "./config/ConfigInvalid.ts"
import * as CommandLine from "./line/CommandLine.ts"
import * as Help from "./line/Help.ts"
import type { Drivers, Root } from "./line/Program.ts"
import * as ExitCode from "./output/ExitCode.ts"
import { debugging, pretty } from "./output/Log.ts"
import * as Output from "./output/Output.ts"
import * as Redaction from "./output/Redaction.ts"
import * as Remedy from "./output/Remedy.ts"
import * as Terminal from "./output/Terminal.ts"
import { version } from "./Version.ts"

/** Every command there is. */
export const root: Root = {
  _tag: "root",
  name: "mithrandir",
  summary: "Is what my dashboard shows true, and if not, what differs, since when, and what was done?",
  sections: [
    { title: "To run it", members: [Serve.program, Config.group, Token.group, Sandbox.program] },
    { title: "To act", members: [Reconcile.program, Run.program] },
    { title: "To look", members: [Services.program, Discrepancies.program, Audit.group, Watch.program, Security.group] }
  ],
  examples: [
    { says: "See what it does, on make-believe jobs", line: "mithrandir serve --sandbox" },
    { says: "Compare now, in another terminal", line: "mithrandir reconcile --url http://127.0.0.1:4410" },
    { says: "What a command can do", line: "mithrandir run --help" }
  ],
  exits: ExitCode.words,
  more: [
    "Data goes to stdout, everything else to stderr. Flags beat MITHRANDIR_* variables, which beat .env, which beats the config file.",
    "NO_COLOR=1 leaves colours out; MITHRANDIR_DEBUG=1 shows what goes on inside."
  ]
}

/** Runs a command line, as `process.argv` has it. Never fails: what went wrong is said on stderr and in the code. */
export const run = (argv: ReadonlyArray<string>): Effect.Effect<ExitCode.ExitCode, never, Drivers> =>
  Effect.sync(Redaction.forget).pipe(
    Effect.zipRight(Effect.flatMap(CommandLine.parse(root, argv.slice(2)), answer)),
    Effect.as<ExitCode.ExitCode>(ExitCode.ok),
    Effect.catchAllCause(report)
  )

const answer = (request: CommandLine.Request) => {
  switch (request._tag) {
    case "version":
      return Output.data(version)
    case "help":
      return Output.data(plain(Help.of(root, request.path)).trimEnd())
    case "run": {
      const help = CommandLine.helpFor(root, request.path)
      return Effect.flatten(
        Either.mapLeft(request.program.prepare(request.typed), (problem) => new ExitCode.Misused({ problem, help }))
      )
    }
  }
}

const plain = (text: string) => (Terminal.stdoutColours() ? text : stripVTControlCharacters(text))

/** Says what went wrong, in a line, and gives the code to end with. */
export const report = (cause: Cause.Cause<unknown>): Effect.Effect<ExitCode.ExitCode> =>
  Effect.gen(function* () {
    const failure = Cause.failureOption(cause)
    // That it ends is no fault, whoever wants to see what goes on inside.
    if (Option.isSome(failure) && failure.value instanceof ExitCode.Ended) return ExitCode.ofError(failure.value)
    // Indented, so that no line of it can look like one of ours.
    if (debugging()) for (const line of pretty(cause).split("\n")) yield* Output.note(`  ${Output.printable(line)}`)
    if (Option.isNone(failure)) {
      if (Cause.isInterruptedOnly(cause)) return ExitCode.interrupted
      yield* Output.note(complaint(`a fault of ours, please report it: ${messageOf(Cause.squash(cause))}`))
      return ExitCode.failed
    }
    const error = failure.value
    // A config is mended in one go: it is told line by line what is wrong with it.
    const lines = error instanceof ConfigInvalid ? error.message.split("\n") : [messageOf(error)]
    yield* Effect.forEach(lines, (line) => Output.note(complaint(line)), { discard: true })
    if (error instanceof ExitCode.Misused) yield* Output.note(`try: ${error.help}`)
    return ExitCode.ofError(error)
  })

const complaint = (problem: string) =>
  `mithrandir: ${Output.printable(Redaction.without(problem).replace(/\s*\n\s*/g, " "))}`

const messageOf = (error: unknown): string => {
  if (error instanceof Error && error.message !== "") return `${error.message}${Remedy.of(error)}`
  return typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)
}
