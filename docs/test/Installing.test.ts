/** What an installation may run: of all packages that would like to, the one native module alone. */
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (...path: ReadonlyArray<string>) => readFileSync(join(root, ...path), "utf8")
const manifest = (directory: string) => JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))

/** The names in a folder of packages; those with a scope are in folders of their own. */
const namesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => (name.startsWith("@") ? readdirSync(join(folder, name)).map((own) => `${name}/${own}`) : [name]))

/** Every package that is installed, by its name, and where. A link leads to one that is there itself. */
const installed = (): ReadonlyArray<readonly [name: string, directory: string]> => {
  const store = join(root, "node_modules", ".pnpm")
  return readdirSync(store)
    .map((one) => join(store, one, "node_modules"))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => namesIn(folder).map((name) => [name, join(folder, name)] as const))
    .filter(([, directory]) => !lstatSync(directory).isSymbolicLink() && existsSync(join(directory, "package.json")))
}

const lifecycle = ["preinstall", "install", "postinstall"]

/** Whether installing it runs something of its own: a script, or the compiler where it has something to compile. */
const wantsToRun = (directory: string): boolean =>
  lifecycle.some((name) => manifest(directory).scripts?.[name] !== undefined) ||
  existsSync(join(directory, "binding.gyp"))

/** `name: true|false` under `allowBuilds`. */
const allowed = (): Readonly<Record<string, boolean>> => {
  const [, block = ""] = /^allowBuilds:\n((?: {2}.*\n)+)/m.exec(read("pnpm-workspace.yaml")) ?? []
  const entries = Array.from(block.matchAll(/^ {2}"?([^":]+)"?: (true|false)$/gm))
  return Object.fromEntries(entries.map(([, name = "", answer]) => [name, answer === "true"]))
}

describe("an installation", () => {
  it("runs the script of better-sqlite3, and of no other package", () => {
    const all = installed()
    expect(all.length).toBeGreaterThan(100)
    const wanting = new Set(all.filter(([, directory]) => wantsToRun(directory)).map(([name]) => name))
    const answers = allowed()
    expect(Object.keys(answers).filter((name) => answers[name])).toEqual(["better-sqlite3"])
    expect(wanting).toContain("better-sqlite3")
    // Each has its answer: pnpm would ask for it, and somebody might say yes to all.
    expect([...wanting].filter((name) => !(name in answers))).toEqual([])
  })

  it("has no other way to allow more", () => {
    expect(read("pnpm-workspace.yaml")).not.toMatch(
      /dangerously|BuiltDependencies|ignoreScripts|configDependencies|pnpmfile/i
    )
    for (const file of [".npmrc", ".pnpmfile.cjs", "pnpmfile.cjs"])
      expect(existsSync(join(root, file)), file).toBe(false)
    expect(manifest(root).pnpm).toBeUndefined()
  })

  it("takes every package from the registry, as it was when it was locked", () => {
    const resolutions = read("pnpm-lock.yaml").match(/^ {4}resolution: .*$/gm) ?? []
    expect(resolutions.length).toBeGreaterThan(200)
    // Of a git repository or a tarball scripts run that no list of ours names.
    expect(resolutions.filter((line) => !/^ {4}resolution: \{integrity: sha512-[\w+/]+=*\}$/.test(line))).toEqual([])
  })

  it("runs nothing of ours", () => {
    for (const folder of [
      ".",
      "docs",
      ...["packages", "examples"].flatMap((one) => namesIn(join(root, one)).map((name) => `${one}/${name}`))
    ]) {
      const scripts = manifest(join(root, folder)).scripts ?? {}
      expect(
        [...lifecycle, "prepare", "prepublish"].filter((name) => name in scripts),
        folder
      ).toEqual([])
    }
  })
})
