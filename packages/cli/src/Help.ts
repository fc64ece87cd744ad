/** The parser's help, as people read it: without colours where none are wanted, and not wider than its words. */
import { stripVTControlCharacters } from "node:util"

/** Tidies what the parser prints. Of anything but its help only colours and trailing space go. */
export const tidy = (text: string, colours: boolean): string => {
  const plain = colours ? text : stripVTControlCharacters(text)
  const isHelp = /^USAGE$/m.test(stripVTControlCharacters(text))
  if (!isHelp) return plain.trimEnd()
  return plain
    .replace(wideCommand, "$1\n      $2")
    .replace(emptyWords, "")
    .replace(usage, (_, name: string) => `$ mithrandir ${parents[name] ?? ""}${name}`)
    .trimEnd()
}

/** A command of the list of commands, its explanation pushed far to the right by the longest of them. */
const wideCommand = /^( {2}- \S.*?) {2,}(\S.*?)\s*$/gm

/** What the parser says of every flag that is text, before what the flag says of itself. */
const emptyWords = / {2}A user-defined piece of text\.\n\n/g

/** The parser names a command alone, without what has to be typed before it. */
const usage = /^\$ (?!mithrandir\b)([a-z]+)/m
const parents: Readonly<Record<string, string>> = { list: "audit " }
