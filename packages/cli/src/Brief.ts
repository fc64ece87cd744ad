/** Answers that need nothing of the program: what scripts ask, and people in a hurry. */
import { readFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"
import * as Terminal from "./output/Terminal.ts"
import { version } from "./Version.ts"

/** The answer to a command line that asks for help or the version and nothing else; all others are the program's. */
export const answer = (words: ReadonlyArray<string>, dist = new URL(".", import.meta.url)): string | undefined => {
  const [first] = words
  if (words.length === 1 && (first === "--version" || first === "-V")) return `${version}\n`
  const asked = askedFor(words)
  const texts = asked === undefined ? undefined : helpTexts(dist)
  if (asked === undefined || texts === undefined || !Object.hasOwn(texts, asked)) return undefined
  const text = texts[asked]
  return text === undefined || Terminal.stdoutColours() ? text : stripVTControlCharacters(text)
}

/** Which command's help these words ask for, as `HelpTexts` names it. */
const askedFor = (words: ReadonlyArray<string>): string | undefined => {
  if (words.length === 0) return ""
  if (words[0] === "help") return words.slice(1).join(" ")
  return ["-h", "--help"].includes(words.at(-1) ?? "") ? words.slice(0, -1).join(" ") : undefined
}

/** Written by the build, of the declarations. Without it the program makes them itself. */
const helpTexts = (dist: URL): Readonly<Record<string, string>> | undefined => {
  try {
    return JSON.parse(readFileSync(new URL("help.json", dist), "utf8"))
  } catch {
    return undefined
  }
}
