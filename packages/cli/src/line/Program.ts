/** How a command of the program is declared: its words, what may be typed after it, and what it does. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import type { Database } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ExitWords } from "../output/ExitCode.ts"

export type Drivers = Database.SqliteDriver | FileSystem.FileSystem | HttpClient.HttpClient | Path.Path

/** Whatever goes wrong says in a sentence what, and has a tag that `ExitCode` knows. */
export interface Failure extends Error {
  readonly _tag: string
}

/**
 * From what was typed, `undefined` where it was not, to what the command gets; or what is wrong with it, in a line
 * that does not quote it.
 */
export type Read<out A> = (text: string | undefined) => Either.Either<A, string>

/** What is typed by its place. */
export interface Argument<out A> {
  readonly _tag: "argument"
  /** In capitals, as help shows it. */
  readonly name: string
  readonly help: string
  readonly required: boolean
  readonly read: Read<A>
}

/** What is typed by its name, `--name`. */
export interface Flag<out A> {
  readonly _tag: "flag"
  readonly name: string
  /** One letter. */
  readonly alias?: string
  /** What stands for its value in help. A switch has none, and is read as the empty text. */
  readonly placeholder?: string
  readonly help: string
  /** What holds where it is not typed, in words. */
  readonly default?: string
  readonly required: boolean
  /** Under which head help lists it. Absent: with the command's own. */
  readonly group?: FlagGroup
  readonly read: Read<A>
}

export type FlagGroup = "house" | "output"

export type Input<A = unknown> = Argument<A> | Flag<A>

/** What was typed: by an argument's name, or by a flag's with its dashes. */
export type Typed = ReadonlyMap<string, string>

/** A line to copy, and what it is good for. A test runs it. */
export interface Example {
  readonly says: string
  readonly line: string
}

/** A command that does something. */
export interface Program {
  readonly _tag: "program"
  readonly name: string
  /** One sentence, for the list of commands and the head of its own help. */
  readonly summary: string
  /** What else is worth knowing: a paragraph each. */
  readonly details: ReadonlyArray<string>
  readonly inputs: ReadonlyArray<Input>
  readonly examples: ReadonlyArray<Example>
  /** The codes that it can end with, and what each means here. */
  readonly exits: ExitWords
  /** Reads what was typed; then `run` is what to do, or there is a problem. */
  readonly prepare: (typed: Typed) => Either.Either<Effect.Effect<void, Failure, Drivers>, string>
}

/** Commands under one name. */
export interface Group {
  readonly _tag: "group"
  readonly name: string
  readonly summary: string
  readonly members: ReadonlyArray<Program>
}

export type Member = Program | Group

/** The whole program. */
export interface Root {
  readonly _tag: "root"
  readonly name: string
  readonly summary: string
  readonly sections: ReadonlyArray<{ readonly title: string; readonly members: ReadonlyArray<Member> }>
  readonly examples: ReadonlyArray<Example>
  readonly exits: ExitWords
  readonly more: ReadonlyArray<string>
}

/** What a command gets, by the names that its declaration gives its inputs. */
export type Given<Inputs extends Readonly<Record<string, Input>>> = {
  readonly [K in keyof Inputs]: Inputs[K] extends Input<infer A> ? A : never
}

/** Declares a command. Arguments are typed in the order of `inputs`. */
export const make = <const Inputs extends Readonly<Record<string, Input>>>(declaration: {
  readonly name: string
  readonly summary: string
  readonly details?: ReadonlyArray<string>
  readonly inputs: Inputs
  readonly examples: ReadonlyArray<Example>
  readonly exits: ExitWords
  readonly run: (given: Given<Inputs>) => Effect.Effect<void, Failure, Drivers>
}): Program => ({
  _tag: "program",
  name: declaration.name,
  summary: declaration.summary,
  details: declaration.details ?? [],
  inputs: Object.values(declaration.inputs),
  examples: declaration.examples,
  exits: declaration.exits,
  prepare: (typed) =>
    Either.gen(function* () {
      const given: Record<string, unknown> = {}
      for (const [key, input] of Object.entries(declaration.inputs))
        given[key] = yield* input.read(typed.get(nameOf(input)))
      // Each by its own reader, so that each is of its own type.
      return Effect.suspend(() => declaration.run(given as Given<Inputs>))
    })
})

/** By what name a `Typed` knows an input. */
export const nameOf = (input: Input): string => (input._tag === "flag" ? `--${input.name}` : input.name)

/** The members of all sections. */
export const members = (root: Root): ReadonlyArray<Member> => root.sections.flatMap((section) => section.members)
