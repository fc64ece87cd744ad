/** What `--help` prints: made of the declarations alone, so that it says what is. */

import type { ExitWords } from "../output/ExitNumber.ts"
import * as CommandLine from "./CommandLine.ts"
import type { Argument, Example, Flag, FlagGroup, Group, Program, Root } from "./Program.ts"

/** As wide as the narrowest terminal that is usual. */
const width = 80

/** The help on every command, by the words that lead to it; on the program itself, by none. */
export const all = (root: Root): Readonly<Record<string, string>> => {
  const texts: Record<string, string> = { "": ofRoot(root) }
  for (const { members } of root.sections) {
    for (const member of members) {
      texts[member.name] = of(root, [member.name])
      if (member._tag !== "group") continue
      for (const { name } of member.members) texts[`${member.name} ${name}`] = of(root, [member.name, name])
    }
  }
  return texts
}

/** The help on what stands under these words, its heads bold; `Terminal` has them plain where colours are not wanted. */
export const of = (root: Root, path: CommandLine.Path): string => {
  const found = CommandLine.find(root, path)
  if (found === undefined || found._tag === "root") return ofRoot(root)
  return found._tag === "group" ? ofGroup(root, found) : ofProgram(root, path, found)
}

const ofRoot = (root: Root): string =>
  page(
    paragraph(root.summary),
    section("Usage", [`  ${root.name} COMMAND [ARGUMENTS] [FLAGS]`]),
    ...root.sections.map(({ members, title }) =>
      section(
        title,
        columns(
          members.flatMap((member): Array<Row> => {
            if (member._tag === "program") return [[member.name, member.summary]]
            return member.members.map(({ name, summary }) => [`${member.name} ${name}`, summary])
          })
        )
      )
    ),
    section("Flags", columns([helpRow, ["-V, --version", "which version this is"]])),
    examples(root.examples),
    exits(root.exits),
    section(
      "More",
      root.more.flatMap((line) => wrap(line, 2))
    )
  )

const ofGroup = (root: Root, group: Group): string =>
  page(
    paragraph(group.summary),
    section("Usage", [`  ${root.name} ${group.name} COMMAND [ARGUMENTS] [FLAGS]`]),
    section("Commands", columns(group.members.map(({ name, summary }) => [name, summary]))),
    section("More", [`  ${root.name} ${group.name} COMMAND --help`])
  )

const ofProgram = (root: Root, path: CommandLine.Path, program: Program): string => {
  const all = program.inputs
  const argumentsOf = all.filter((input) => input._tag === "argument")
  const flags = all.filter((input) => input._tag === "flag")
  return page(
    paragraph(program.summary),
    section("Usage", wrap(usage(root, path, argumentsOf, flags), 2, 6)),
    ...program.details.map(paragraph),
    section("Arguments", columns(argumentsOf.map(({ help, name }) => [name, help]))),
    ...flagGroups.map(({ group, title }) =>
      section(title, columns(flags.filter((flag) => flag.group === group).map(flagRow)))
    ),
    section("Help", columns([helpRow])),
    examples(program.examples),
    exits(program.exits)
  )
}

const usage = (
  root: Root,
  path: CommandLine.Path,
  argumentsOf: ReadonlyArray<Argument<unknown>>,
  flags: ReadonlyArray<Flag<unknown>>
): string =>
  [
    root.name,
    ...path,
    ...argumentsOf.map(({ name, required }) => (required ? name : `[${name}]`)),
    ...flags.filter(({ required }) => required).map((flag) => `--${flag.name} ${flag.placeholder}`),
    ...(flags.every(({ required }) => required) ? [] : ["[FLAGS]"])
  ].join(" ")

const flagGroups: ReadonlyArray<{ readonly group: FlagGroup | undefined; readonly title: string }> = [
  { group: undefined, title: "Flags" },
  { group: "house", title: "Which database or server" },
  { group: "output", title: "Output" }
]

const flagRow = (flag: Flag<unknown>): Row => {
  const alias = flag.alias === undefined ? "    " : `-${flag.alias}, `
  const value = flag.placeholder === undefined ? "" : ` ${flag.placeholder}`
  const remark = flag.required ? " (required)" : flag.default === undefined ? "" : ` (default: ${flag.default})`
  return [`${alias}--${flag.name}${value}`, `${flag.help}${remark}`]
}

const helpRow: Row = ["-h, --help", "this text"]

const examples = (all: ReadonlyArray<Example>): string =>
  section(
    "Examples",
    all.flatMap(({ line, says }) => [...wrap(`${says}:`, 2), `    ${line}`])
  )

const exits = (words: ExitWords): string => section("Exit codes", columns(Object.entries(words)))

const page = (...parts: ReadonlyArray<string>): string => `${parts.filter((part) => part !== "").join("\n\n")}\n`

/** A head, and lines under it; nothing where there are none. */
const section = (title: string, lines: ReadonlyArray<string>): string =>
  lines.length === 0 ? "" : [`\u001b[1m${title}\u001b[22m`, ...lines].join("\n")

const paragraph = (text: string): string => wrap(text, 0).join("\n")

type Row = readonly [name: string, help: string]

/** What is longer than this has its help on lines of its own: one long name must not push all others away. */
const maxName = 26

const columns = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const longest = Math.max(0, ...rows.map(([name]) => name.length).filter((length) => length <= maxName))
  const margin = longest + 4
  return rows.flatMap(([name, help]) => {
    const lines = wrap(help, margin)
    const [first = "", ...rest] = lines
    return name.length > longest
      ? [`  ${name}`, ...lines]
      : [`  ${name.padEnd(longest)}  ${first.trimStart()}`, ...rest]
  })
}

/** Lines of words, each as far in as `margin`; all but the first as far as `hanging`. */
const wrap = (text: string, margin: number, hanging = margin): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = " ".repeat(margin)
  let isEmpty = true
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = " ".repeat(hanging)
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line]
}
