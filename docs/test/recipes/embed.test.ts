import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, describe, expect, it } from "vitest"
import { programHere } from "../support/compile.ts"
import { Page, root } from "../support/Page.ts"
import { Shell } from "../support/Shell.ts"

const recipe = "docs/recipes/embed.md"
const page = new Page(recipe)
const example = page.take("sh")
const pack = page.take("sh")
const install = page.take("sh")
page.take("ts")
page.take("ts")

it("embed: no snippet is left over", () => page.end())

it("embed: the example that it names is there", () => {
  // What it does is tested beside the core.
  const [, command = "", program = ""] = /^npm run (\w+) && node (\S+)$/.exec(example.text) ?? []
  expect(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts).toHaveProperty(command)
  expect(existsSync(join(root, program))).toBe(true)
})

it("embed: what is to be installed is what is tested here", () => {
  const packageOf = (path: string) => JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"))
  const { devDependencies, name, version } = packageOf("packages/core")
  expect(pack.text).toContain(`npx ${packageOf("").packageManager} --dir packages/core pack`)
  expect(install.text).toContain(`/${name.replace("@", "").replace("/", "-")}-${version}.tgz `)
  const ranges = Array.from(install.text.matchAll(/(\S+)@(\^\d+\.\d+)(?=\s|$)/g))
  expect(ranges).toHaveLength(6)
  for (const [, dependency = "", range = ""] of ranges) {
    expect(`${devDependencies[dependency]}.`, dependency).toContain(`${range}.`)
  }
})

describe("embed: the layer, and using it", () => {
  const shell = new Shell()
  afterAll(() => shell.close())

  it("prints every pass, and ends in good order when it is told to", async () => {
    const sandbox = shell.start("mithrandir sandbox --port 0 --fault none")
    const [, url = ""] = await sandbox.line(/(http:\/\/127\.0\.0\.1:\d+)/)
    const application = shell.start(`node ${programHere(recipe, 1, [["http://127.0.0.1:4420", url]])}`)
    await application.line(/^palantir verified \[\]$/)
    const { code, output } = await application.stop()
    expect(output).not.toMatch(/error/i)
    expect(code).toBe(0)
    const file = join(shell.directory, "mithrandir.db")
    // Whoever closes a database in good order leaves nothing beside it that has to be recovered.
    expect(existsSync(`${file}-wal`)).toBe(false)
    const db = new Sqlite(file, { readonly: true })
    expect(db.prepare("SELECT service FROM latest_update").all()).toEqual([{ service: "palantir" }])
    db.close()
  })
})
