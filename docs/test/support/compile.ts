/** Compiles every TypeScript snippet of the docs, once, before any test of a page runs. */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root, snippets } from "./Page.ts"

/** Where the snippets are as programs. Beside the docs' own packages, so that imports resolve. */
export const programs = join(root, "docs/.snippets")

/** The pages that people read. */
export const pages: ReadonlyArray<string> = [
  ...readdirSync(root),
  ...["docs", ...["decisions", "recipes", "reference"].map((folder) => `docs/${folder}`)]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
].filter((name) => name.endsWith(".md"))

/** What a block starts with that goes on where the one before it ended. */
const continued = "// continued\n"

/** The programs of a page, in its order: each its text, and where it begins. */
export const programsOf = (page: string): ReadonlyArray<{ readonly text: string; readonly place: string }> => {
  const found: Array<{ text: string; readonly place: string }> = []
  for (const { language, place, text } of snippets(page)) {
    if (language !== "ts") continue
    const last = found.at(-1)
    if (text.startsWith(continued) && last !== undefined) last.text += `\n${text}`
    else found.push({ text, place })
  }
  return found
}

/** The n-th program of a page (from 1), built. */
export const programOf = (page: string, n: number): string => join(programs, "dist", `${nameOf(page)}-${n}.js`)

/**
 * The n-th program of a page, built, with what stands in here for words of the page: ports that are free, jobs that are
 * there. Beside the other, so that imports resolve. A word that is not in it is a mistake.
 */
export const programHere = (
  page: string,
  n: number,
  replace: ReadonlyArray<readonly [from: string, to: string]>
): string => {
  const program = programOf(page, n)
  const text = replace.reduce(
    (adapted, [from, to]) => {
      if (!adapted.includes(from)) throw new Error(`program ${n} of ${page} does not say ${from}`)
      return adapted.replaceAll(from, to)
    },
    readFileSync(program, "utf8")
  )
  const here = program.replace(/\.js$/, ".here.js")
  writeFileSync(here, text)
  return here
}

const nameOf = (page: string): string => page.replace(/\.md$/, "").replaceAll("/", "-")

/** Files that were named on the command line: whoever runs some tests by name waits for nothing that others need. */
const named = process.argv.filter((word) => /^(packages|docs)\//.test(word))

export default (): void => {
  if (named.length > 0 && !named.some((word) => word.startsWith("docs/"))) return
  rmSync(programs, { recursive: true, force: true })
  mkdirSync(programs, { recursive: true })
  const places = new Map<string, string>()
  for (const page of pages) {
    for (const [index, { place, text }] of programsOf(page).entries()) {
      const file = `${nameOf(page)}-${index + 1}.ts`
      places.set(file, place)
      writeFileSync(join(programs, file), `${text}\n`)
    }
  }
  writeFileSync(
    join(programs, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      compilerOptions: {
        composite: false,
        declaration: false,
        declarationMap: false,
        // Some run in pages.
        lib: ["ES2023", "DOM"],
        rootDir: ".",
        outDir: "dist",
        // A snippet shows what there is; its reader uses it.
        noUnusedLocals: false
      },
      include: ["*.ts"]
    })
  )
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", programs],
    { encoding: "utf8" }
  )
  if (status === 0) return
  const told = stdout.replace(/\S*?([\w-]+\.ts)\((\d+),/g, (line, file: string, at: string) =>
    places.has(file) ? `${places.get(file)} (line ${at} of the snippet; ` : line
  )
  throw new Error(`a snippet of the docs does not compile:\n${told}`)
}
