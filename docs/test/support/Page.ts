/** A page of the docs as a test reads it: its snippets in order, each of which some step must take. */
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

/** The top of the checkout. */
export const root = resolve(fileURLToPath(new URL("../../..", import.meta.url)))

export interface Snippet {
  /** `ts`, `sh`, `json`, `text`, … */
  readonly language: string
  /** What stands after the language, such as the name of the file that the snippet is. */
  readonly title: string
  readonly text: string
  /** `README.md:12`, for messages. */
  readonly place: string
}

/** The fenced blocks of a page that say what language they are in. Those that don't are drawings. */
export const snippets = (page: string): ReadonlyArray<Snippet> => {
  const lines = readFileSync(join(root, page), "utf8").split("\n")
  const found: Array<Snippet> = []
  let open: { readonly language: string; readonly title: string; readonly from: number } | undefined
  for (const [index, line] of lines.entries()) {
    const fence = /^\s*```(\S*)\s*(.*)$/.exec(line)
    if (fence === null) continue
    if (open === undefined) open = { language: fence[1] ?? "", title: (fence[2] ?? "").trim(), from: index }
    else {
      const { from, language, title } = open
      const text = lines.slice(from + 1, index).join("\n")
      if (language !== "") found.push({ language, title, text, place: `${page}:${from + 1}` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.from + 1}: this block has no end`)
  return found
}

/** Takes a page's snippets one by one, so that none is passed over and none comes that nobody expects. */
export class Page {
  private readonly left: Array<Snippet>

  constructor(page: string) {
    this.left = [...snippets(page)]
  }

  /** The next snippet, which must be in this language. */
  take(language: string): Snippet {
    const next = this.left.shift()
    if (next === undefined) throw new Error(`there is no further snippet, where one of ${language} was expected`)
    if (next.language !== language) throw new Error(`${next.place}: expected ${language}, found ${next.language}`)
    return next
  }

  /** Every snippet was taken. */
  end(): void {
    const [next] = this.left
    if (next !== undefined) throw new Error(`${next.place}: no step of the test takes this snippet`)
  }
}

/**
 * Whether an output looks as a page shows it: the shown lines in their order, with any between them. What differs from
 * run to run may differ: numbers, times, ids of hex digits; `…` stands for anything.
 */
export const looksLike = (output: string, shown: string): { readonly missing: string } | undefined => {
  const lines = output.split("\n")
  let at = 0
  for (const wanted of shown.split("\n").filter((line) => line.trim() !== "" && line.trim() !== "…")) {
    const pattern = patternOf(wanted.trim())
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line.trim()))
    if (found === -1) return { missing: wanted }
    at = found + 1
  }
  return undefined
}

const patternOf = (line: string): RegExp =>
  new RegExp(
    `^${line
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "[0-9a-f-]{36}")
      .replace(/\b[0-9a-f]{16,64}\b/g, "[0-9a-f]+")
      .replace(/\d+(?:\\\.\d+)?/g, "[\\d.]+")
      .replace(/…/g, ".*")
      .replace(/\s+/g, "\\s+")}$`
  )
