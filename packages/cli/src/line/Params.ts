/** The parameters of a command, as they are typed: JSON, or `@` and the name of a file that has it. */
import type * as FileSystem from "@effect/platform/FileSystem"
import { Command } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { firstProblem } from "../config/SchemaProblem.ts"
import * as TextFile from "../config/TextFile.ts"
import * as ExitCode from "../output/ExitCode.ts"

const Json = Schema.parseJson(Command.Params).annotations({ description: 'a JSON object such as {"key": "value"}' })

/** The parameters themselves, or where they are. */
export const Source = Schema.Union(Schema.TemplateLiteral("@", Schema.String), Json).annotations({
  description: 'a JSON object such as {"key": "value"}, or @FILE'
})

/** The parameters. What is wrong with a file is said by its name, and never by what is in it. */
export const read = (
  source: typeof Source.Type
): Effect.Effect<typeof Command.Params.Type, ExitCode.Refused, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    if (typeof source !== "string") return source
    const file = source.slice(1)
    const refused = (problem: string) =>
      new ExitCode.Refused({ code: ExitCode.usage, problem: `--params: ${file}: ${problem}` })
    const text = yield* Effect.mapError(TextFile.read(file), ({ problem }) => refused(problem))
    return yield* Effect.mapError(decode(text), ({ issue }) => refused(firstProblem(issue).problem))
  })

const decode = Schema.decodeUnknown(Json)
