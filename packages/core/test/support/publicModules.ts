/** What the sources of a public module say of themselves: which types they export, and what has no docstring. */

/** `export const a`, `export declare class B`, `export interface C`, … */
const declaration = /^export (?:declare )?(?:abstract )?(const|class|interface|type|function|enum) (\w+)/
/** `export { a, type B } from "./C.ts"`, also over several lines. */
const list = /^export (type )?\{([^}]*)\}/gm

/** The types that a module exports, but for those that go with a value of their name. */
const typesIn = (text: string): ReadonlyArray<string> => {
  const declared = text.split("\n").flatMap((line) => {
    const [, kind, name = ""] = declaration.exec(line) ?? []
    return kind === "interface" || (kind === "type" && !isPaired(text, name)) ? [name] : []
  })
  const listed = Array.from(text.matchAll(list)).flatMap(([, all, names = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && (all !== undefined || name.startsWith("type ")))
      .map((name) => name.replace(/^type /, "").replace(/^.* as /, ""))
  )
  return [...declared, ...listed].sort()
}

/** Everything that a module exports: its values, then its types. */
export const exported = (module: object, text: string): ReadonlyArray<string> => [
  ...Object.keys(module).sort(),
  ...typesIn(text).map((name) => `type ${name}`)
]

/** A type that only repeats the name of the value before it. */
const isPaired = (text: string, name: string): boolean => new RegExp(`^export (const|class) ${name}\\b`, "m").test(text)

/**
 * Lines that begin an export, or a member of what is exported, and have no docstring right before. Members are those
 * of interfaces and services, and the fields of Schemas that neither a named Schema explains, nor the docstring of the
 * whole, by their `name`. What is nested deeper is explained by its parent.
 */
export const undocumented = (text: string): ReadonlyArray<string> => {
  const lines = text.split("\n")
  const missing: Array<string> = []
  // Finds, in a line, the members of the export that we are in that its docstring does not speak of.
  let membersIn: (line: string) => ReadonlyArray<string> = none
  // How far its first member is indented.
  let indent: number | undefined
  for (const [index, line] of lines.entries()) {
    const [, kind, name = ""] = declaration.exec(line) ?? []
    if (kind !== undefined || /^export (type )?[{*]/.test(line)) {
      if (!(kind === "type" && isPaired(text, name)) && docstring(lines, index) === "") missing.push(line)
      membersIn = membersOf(kind, line, docstring(lines, index))
      indent = undefined
      // On the line of its parent a member can have no docstring.
      if (membersIn(line.replace(/^.*?\{ /, " ")).length > 0) missing.push(line)
    } else if (/^[^\s/})\]|]/.test(line)) membersIn = none
    if (membersIn === none || !/^ +(?:readonly )?\w+\??:/.test(line)) continue
    indent ??= line.search(/\S/)
    if (line.search(/\S/) === indent && membersIn(line).length > 0 && docstring(lines, index) === "") missing.push(line)
  }
  return missing
}

const none = () => []

const membersOf = (kind: string | undefined, line: string, whole: string) => {
  const isInterface = kind === "interface" || line.includes("Context.Tag(")
  if (!isInterface && !/Schema\.(?:Struct|Class|TaggedError)\b/.test(line)) return none
  const member = isInterface ? property : field
  return (line: string) =>
    Array.from(line.matchAll(member), ([, name = ""]) => name).filter(
      (name) => isInterface || !whole.includes(`\`${name}\``)
    )
}

/** The docstring right before a line; empty: there is none. */
const docstring = (lines: ReadonlyArray<string>, index: number): string => {
  if (lines[index - 1]?.trim().endsWith("*/") !== true) return ""
  const before = lines.slice(0, index)
  return before.slice(before.findLastIndex((line) => line.trim().startsWith("/**"))).join("\n")
}

/** `name:`, `readonly name?:` */
const property = /(?:^| )(?:readonly )?(\w+)\??: /g
/** A property whose Schema has no name of its own. */
const field = /(?:^| )(\w+): (?:Schema\.(?:optionalWith|NullOr|Array)\()*Schema\.(?!(?:optionalWith|NullOr|Array)\()/g
