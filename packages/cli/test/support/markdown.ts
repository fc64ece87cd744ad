/** The documentation as it stands in the repository: what it shows is tried. */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../../", import.meta.url))

/** A block of code, and where it stands. */
export interface Block {
  /** `README.md:12`. */
  readonly at: string
  readonly text: string
}

/** Every block of one language in README.md and in docs. */
export const blocks = (language: string): ReadonlyArray<Block> => {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  const pages = [join(root, "README.md"), ...docs.map((name) => join(root, "docs", name))]
  return pages
    .filter((page) => page.endsWith(".md"))
    .flatMap((page) => {
      const whole = readFileSync(page, "utf8")
      return Array.from(whole.matchAll(/^```(\w+)\n(.*?)^```$/gms))
        .filter(([, tag]) => tag === language)
        .map(({ 2: text = "", index }) => {
          return { at: `${relative(root, page)}:${whole.slice(0, index).split("\n").length}`, text }
        })
    })
}
