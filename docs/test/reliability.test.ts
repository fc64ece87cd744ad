import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Page, root } from "./support/Page.ts"
import { Shell } from "./support/Shell.ts"

const page = new Page("docs/reliability.md")
const torture = page.take("sh")
const soak = page.take("sh")

it("reliability: no snippet is left over", () => page.end())

describe("reliability: what proves it", () => {
  const main = `${process.execPath} ${join(root, "reliability/dist/Main.js")}`
  const shell = new Shell({
    replace: ["torture", "soak"].map((name) => [`npm run -s ${name} --`, `${main} ${name}`] as const)
  })
  afterAll(() => shell.close())

  it("kills the server as often as it is told, and says what came of it", async () => {
    expect(torture.text.trim()).toBe("npm run torture -- --mode keyed --cycles 100 --seed 1")
    const ended = await shell.run("npm run -s torture -- --mode keyed --cycles 1 --seed 1")
    expect([ended.code, ended.stderr]).toEqual([0, ""])
    expect(JSON.parse(ended.stdout)).toMatchObject({ mode: "keyed", seed: 1, cycles: 1, commands: 8, violations: 0 })
  })

  it("goes on for as long as it is told, and says how the server was", async () => {
    expect(soak.text.trim()).toBe("npm run soak -- --minutes 30")
    const ended = await shell.run("npm run -s soak -- --minutes 0.05 --listeners 20")
    expect([ended.code, ended.stderr]).toEqual([0, ""])
    const lines = ended.stdout.trim().split("\n")
    expect(lines[0]).toMatch(/^\s*minute +heap MB +rss MB +handles +p99 ms +max ms +cpu s$/)
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ minutes: 0.05, listeners: 20, problems: 0 })
  })

  it("says how it is used", async () => {
    for (const [line, code] of [
      ["npm run -s torture -- --help", 0],
      ["npm run -s torture -- --mode sideways", 2],
      ["npm run -s soak -- --minutes never", 2]
    ] as const) {
      const ended = await shell.run(line)
      expect([ended.code, ended.stdout + ended.stderr], line).toEqual([code, expect.stringContaining("npm run ")])
    }
  })
})
