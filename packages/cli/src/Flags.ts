/** The flags that commands share, each said once. What does not fit is refused by the flag's own name. */
import * as Args from "@effect/cli/Args"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "./Config.ts"
import * as Output from "./Output.ts"
import { firstProblem } from "./SchemaProblem.ts"

/** A usage error in words of our own. */
export const invalid = (problem: string): ValidationError.ValidationError =>
  ValidationError.invalidValue(HelpDoc.p(Output.printable(problem)))

/** Text that a schema reads; what does not fit is refused as `--name: expected …`. */
export const schema =
  <A, I extends string>(name: string, read: Schema.Schema<A, I>) =>
  (text: string): Effect.Effect<A, ValidationError.ValidationError> =>
    Schema.decodeUnknown(read)(text).pipe(
      Effect.mapError(({ issue }) => invalid(`${name}: ${firstProblem(issue).problem}`))
    )

/** A flag whose text a schema reads, and that may be left out. */
export const optional = <A, I extends string>(
  name: string,
  read: Schema.Schema<A, I>,
  help: string,
  placeholder: string
): Options.Options<Option.Option<A>> =>
  Options.text(name).pipe(
    Options.withPseudoName(placeholder),
    Options.withDescription(help),
    Options.mapEffect(schema(`--${name}`, read)),
    Options.optional
  )

/** An argument whose text a schema reads. */
export const argument = <A, I extends string>(name: string, read: Schema.Schema<A, I>, help: string): Args.Args<A> =>
  Args.text({ name }).pipe(
    Args.withDescription(help),
    Args.mapEffect((text) => {
      // The parser takes a flag that it does not know for an argument.
      const problem = text.startsWith("--") ? invalid(`there is no flag ${text}`) : undefined
      return Effect.mapError(schema(name, read)(text), (error) => (problem ?? error).error)
    })
  )

const Path = Schema.NonEmptyString.annotations({ description: "a path" })

/** Where a server is; a path after the host is the prefix it is mounted under. */
export const ServerUrl = Config.HttpUrl

export const config = optional("config", Path, "the config file (default: mithrandir.json, where there is one)", "FILE")

export const database = optional("database", Config.SqliteFile, "the SQLite file (default: mithrandir.db)", "FILE")

export const url = optional("url", ServerUrl, "go through the server at this url", "URL")

/** What every one-off run takes: where the house is. */
export const access = { config, database, url }

/** A whole number on the command line, in the words of `of`. */
export const numeric = <A>(of: Schema.Schema<A, number>, description: string): Schema.Schema<A, string> =>
  // Digits alone: `1e3` and `0x1` are numbers to JavaScript, and typing errors here.
  Schema.compose(
    Schema.compose(Schema.String.pipe(Schema.pattern(/^\d{1,10}$/)), Schema.NumberFromString),
    of
  ).annotations({
    description
  })

/** A port as text. */
export const PortText = numeric(Config.Port, "a port, 0 to 65535")

export const output: Options.Options<Output.Format> = Options.text("output").pipe(
  Options.withAlias("o"),
  Options.withPseudoName("table|json"),
  Options.withDescription("how to print data"),
  Options.mapEffect(schema("--output", Schema.Literal(...Output.formats))),
  Options.withDefault("table")
)
