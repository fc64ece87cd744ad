/** What was typed, understood: commander parses it by the declarations, and nothing of commander leaves this module. */
import { Command, type CommanderError } from "commander"
import * as Either from "effect/Either"
import { Misused } from "../output/ExitCode.ts"
import * as Program from "./Program.ts"

/** What a command line asks for. */
export type Request =
  | { readonly _tag: "run"; readonly program: Program.Program; readonly typed: Program.Typed; readonly path: Path }
  | { readonly _tag: "help"; readonly path: Path }
  | { readonly _tag: "version" }

/** The words that lead to a command: `["audit", "list"]`. Of the whole program: none. */
export type Path = ReadonlyArray<string>

/** What to type for help on a command. */
export const helpFor = (root: Program.Root, path: Path): string => [root.name, ...path, "--help"].join(" ")

/** Reads the words after the program's name. */
export const parse = (root: Program.Root, words: ReadonlyArray<string>): Either.Either<Request, Misused> => {
  // `help run` is `run --help`.
  if (words[0] === "help") return parse(root, [...words.slice(1).filter((word) => !helpFlags.includes(word)), "--help"])
  try {
    commandOf(root).parse([...words], { from: "user" })
  } catch (error) {
    if (error instanceof Found) return known(root, error.request, words)
    if (error instanceof Misused) return Either.left(error)
    throw error
  }
  throw new Error("every command line is run, helped or refused")
}

const helpFlags: ReadonlyArray<string> = ["-h", "--help"]

/**
 * Help is of the command that is named, before `--help` or after it: whoever asks for help has nothing run. On a
 * command that there is not it is no help: then it says so, as without `--help`.
 */
const known = (root: Program.Root, request: Request, words: ReadonlyArray<string>): Either.Either<Request, Misused> => {
  if (request._tag !== "help") return Either.right(request)
  let path = request.path
  for (const word of words.slice(path.length).filter((word) => !word.startsWith("-"))) {
    if (find(root, path)?._tag === "program") break
    path = [...path, word]
    if (find(root, path) === undefined) return parse(root, path)
  }
  return Either.right({ _tag: "help", path })
}

/** What stands under these words. */
export const find = (root: Program.Root, path: Path): Program.Root | Program.Member | undefined => {
  const [first, second, ...rest] = path
  if (first === undefined) return root
  const member = Program.members(root).find(({ name }) => name === first)
  if (second === undefined || member?._tag !== "group") return second === undefined ? member : undefined
  return rest.length > 0 ? undefined : member.members.find(({ name }) => name === second)
}

/** How a request leaves commander, which would rather print and exit. */
class Found extends Error {
  readonly request: Request

  constructor(request: Request) {
    super()
    this.request = request
  }
}

const commandOf = (root: Program.Root): Command => {
  const command = configure(new Command(root.name), root, [])
    // After the name of a command all flags are that command's: `--params -V` is no question for the version.
    .enablePositionalOptions()
    .version("", "-V, --version")
  for (const member of Program.members(root)) add(command, root, member, [])
  return command
}

const add = (parent: Command, root: Program.Root, member: Program.Member, above: Path): void => {
  const path = [...above, member.name]
  const command = configure(parent.command(member.name), root, path)
  if (member._tag === "group") {
    for (const each of member.members) add(command, root, each, path)
    return
  }
  const typed = new Map<string, string>()
  for (const input of member.inputs) {
    if (input._tag === "argument") command.argument(input.required ? `<${input.name}>` : `[${input.name}]`)
    else addFlag(command, input, typed)
  }
  command.action(() => {
    const names = member.inputs.filter((input) => input._tag === "argument").map(Program.nameOf)
    for (const [index, text] of command.args.entries()) typed.set(names[index] ?? "", text)
    throw new Found({ _tag: "run", program: member, typed, path })
  })
}

const addFlag = (command: Command, flag: Program.Flag<unknown>, typed: Map<string, string>) => {
  const name = Program.nameOf(flag)
  const names = flag.alias === undefined ? name : `-${flag.alias}, ${name}`
  command.option(flag.placeholder === undefined ? names : `${names} <${flag.placeholder}>`)
  // Of two values one would be ignored without a word.
  command.on(`option:${flag.name}`, (text: string | null) => {
    if (typed.has(name)) command.error(`${name} is there twice`)
    typed.set(name, text ?? "")
  })
}

/** Prints nothing and ends nothing: what commander would, it throws. */
const configure = (command: Command, root: Program.Root, path: Path): Command =>
  command
    .helpCommand(false)
    .helpOption("-h, --help")
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined, outputError: () => undefined })
    .exitOverride((error) => {
      switch (error.code) {
        case "commander.help":
        case "commander.helpDisplayed":
          throw new Found({ _tag: "help", path })
        case "commander.version":
          throw new Found({ _tag: "version" })
        default:
          throw new Misused({ problem: problemOf(error), help: helpFor(root, path) })
      }
    })

/** In a line, and without a value: of an unknown flag it may be a secret, mistyped. */
const problemOf = ({ message }: CommanderError): string =>
  message
    .replace(/^error: /, "")
    .replace(/'(-[^=]*)=.*'/s, "'$1'")
    .replace(/\s*\n\s*/g, " ")
    .replace(/option/, "flag")
