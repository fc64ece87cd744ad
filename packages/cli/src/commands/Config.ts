/** `mithrandir config check`: which configuration holds, where each part is from, and what is wrong with it. */
import { Server } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type Mistake, told } from "../config/ConfigInvalid.ts"
import * as EffectiveConfig from "../config/EffectiveConfig.ts"
import * as Environment from "../config/Environment.ts"
import * as Settings from "../config/Settings.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"

const { config, database } = Flags.access

const check = Program.make({
  name: "check",
  summary: "Show the configuration that holds and where each part is from, and say what is wrong with it.",
  details: [
    'Takes the flags of serve, reads MITHRANDIR_* variables, .env and the config file as serve does, and starts nothing. Every mistake is told, not the first alone. Secrets are not shown: [redacted] stands for one, and of { "env": "NAME" } whether the variable is set.',
    "Where a part is from: flag, environment, .env, file (the config file) or default."
  ],
  inputs: { ...Flags.listen, config, database, entries: Flags.services, output: Flags.output(["table", "json"]) },
  examples: [
    { says: "What serve would start with here", line: "mithrandir config check" },
    {
      says: "Before a deployment: exits with 2 if anything is wrong",
      line: "mithrandir config check --config staging.json"
    },
    { says: "As JSON, for a program", line: "mithrandir config check -o json" }
  ],
  exits: {
    0: "it fits",
    ...ExitCode.wordsOf(ExitCode.failed),
    2: "it does not fit, cannot be understood, or serve would refuse it"
  },
  run: ({ output, ...given }) =>
    Effect.gen(function* () {
      const settings = yield* Effect.either(Settings.resolve(given))
      if (Either.isLeft(settings)) {
        yield* Output.warnings(Environment.suspicions(yield* Environment.read))
        return yield* refuse(settings.left.mistakes)
      }
      const { services } = settings.right
      const needs = Server.needsOf(settings.right)
      const warnings = [...settings.right.warnings, ...(needs.tokens ? [needsTokens(settings.right.host)] : [])]
      yield* print(EffectiveConfig.of(settings.right), warnings, output)
      yield* Output.warnings(warnings)
      const mistakes = [
        ...(Either.isLeft(services) ? services.left.mistakes : []),
        ...(settings.right.entries.length > 0 ? [] : [noServices(settings.right)]),
        ...(needs.hosts ? [hostsMissing(settings.right)] : [])
      ]
      if (mistakes.length > 0) yield* refuse(mistakes)
    })
})

/** The database is not opened: whether it has any is not known here. */
const needsTokens = (host: string) =>
  `host: serve listens on ${host} only if its database has tokens; make one with mithrandir token create`

/** What is no mistake of the configuration alone, and has `serve` refuse it. */
const noServices = (settings: Settings.Settings): Mistake => ({
  source: "services",
  path: "",
  problem: `serve needs one, or --sandbox: ${Settings.whyNone(settings)}`
})

const hostsMissing = ({ host }: Settings.Settings): Mistake => ({
  source: "hosts",
  path: "",
  problem: `serve listens on ${host} only if it knows by which names it is reached; list them`
})

/** Commands about the configuration. */
export const group: Program.Group = {
  _tag: "group",
  name: "config",
  summary: "Look at the configuration.",
  members: [check]
}

/** Here every one of them is told: this is what was asked for. */
const refuse = (mistakes: ReadonlyArray<Mistake>) =>
  Effect.forEach(mistakes, (mistake) => Output.note(`mithrandir: ${told(mistake)}`), { discard: true }).pipe(
    Effect.zipRight(new ExitCode.Ended({ code: ExitCode.usage }))
  )

const print = (effective: EffectiveConfig.EffectiveConfig, warnings: ReadonlyArray<string>, format: "table" | "json") =>
  Effect.gen(function* () {
    if (format === "json") return yield* Output.data(Output.json({ ...effective, warnings }))
    yield* Output.note(Output.printable(`config file: ${effective.configFile ?? "none"}`))
    yield* Output.data(Output.table(columns, EffectiveConfig.rows(effective)))
  })

const columns: ReadonlyArray<Output.Column<EffectiveConfig.Row>> = [
  { head: "key", cell: ({ key }) => key },
  { head: "value", cell: ({ value }) => value },
  { head: "from", cell: ({ origin }) => origin }
]
