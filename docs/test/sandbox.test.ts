import { afterAll, describe, expect, it } from "vitest"
import { Page } from "./support/Page.ts"
import { Shell } from "./support/Shell.ts"

const page = new Page("docs/sandbox.md")
const start = page.take("sh")
const restart = page.take("sh")
const turns = page.take("sh")

it("sandbox: no snippet is left over", () => page.end())

describe("sandbox: while it runs", () => {
  const shell = new Shell({ env: { MITHRANDIR_PORT: "0" } })
  afterAll(() => shell.close())

  it("starts as the page says, and does what the switch is told", { timeout: 120_000 }, async () => {
    const server = shell.start(start.text)
    const [, url = ""] = await server.line(/^service palantir: palantir at (\S+),/)
    const { code, stdout } = await shell.run(turns.text.replaceAll("http://127.0.0.1:4420", url))
    expect(code).toBe(0)
    const [before, set, lying] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(before.set).toEqual({ vanish: "20s", down: "1m", downFor: "12s" })
    expect(set.set).toEqual({ vanish: "20s", downFor: "12s" })
    expect(lying).toMatchObject({ now: [{ fault: "lie" }], done: expect.stringMatching(/^lies for 5s/) })
    await server.line(/sandbox: lies for 5s/)
    const [, house = ""] = await server.line(/listens on (\S+)$/)
    const restarted = await shell.run(`${restart.text} --url ${house}`)
    expect(restarted.output).toContain("success, verified")
    expect((await server.stop()).code).toBe(130)
  })
})
