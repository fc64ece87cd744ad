/** The flags that commands share, each said once. What does not fit is refused by the flag's own name. */
import * as Args from "@effect/cli/Args"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Output from "./Output.ts"
import { firstProblem } from "./SchemaProblem.ts"

/** A usage error in words of our own. */
export const invalid = (problem: string): ValidationError.ValidationError =>
  ValidationError.invalidValue(HelpDoc.p(Output.printable(problem)))

/** Text that a schema reads; what does not fit is refused as `--name: expected …`. */
export const schema =
  <A>(name: string, read: Schema.Schema<A, string>) =>
  (text: string): Effect.Effect<A, ValidationError.ValidationError> =>
    Schema.decode(read)(text).pipe(Effect.mapError(({ issue }) => invalid(`${name}: ${firstProblem(issue).problem}`)))

/** A flag whose text a schema reads, and that may be left out. */
export const optional = <A>(
  name: string,
  read: Schema.Schema<A, string>,
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
export const argument = <A>(name: string, read: Schema.Schema<A, string>, help: string): Args.Args<A> =>
  Args.text({ name }).pipe(Args.withDescription(help), Args.mapEffect((text) => Effect.mapError(schema(name, read)(text), (error) => error.error)))

const Path = Schema.NonEmptyString.annotations({ description: "a path" })

const httpUrl = (text: string) => {
  if (!URL.canParse(text)) return false
  const { protocol, search, hash } = new URL(text)
  return (protocol === "http:" || protocol === "https:") && search === "" && hash === ""
}

/** Where a server is; a path after the host is the prefix it is mounted under. */
export const ServerUrl = Schema.String.pipe(Schema.filter(httpUrl)).annotations({
  description: "an http:// or https:// url such as http://127.0.0.1:4410"
})

export const config = optional("config", Path, "the config file (default: mithrandir.json, where there is one)", "FILE")

export const database = optional("database", Path, "the SQLite file (default: mithrandir.db)", "FILE")

export const url = optional("url", ServerUrl, "go through the server at this url", "URL")

/** A number on the command line. */
export const numeric = <A>(of: Schema.Schema<A, number>, description: string) =>
  Schema.compose(Schema.NumberFromString, of).annotations({ description })

export const output: Options.Options<Output.Format> = Options.text("output").pipe(
  Options.withAlias("o"),
  Options.withPseudoName("table|json"),
  Options.withDescription("how to print data"),
  Options.mapEffect(schema("--output", Schema.Literal(...Output.formats))),
  Options.withDefault("table")
)
