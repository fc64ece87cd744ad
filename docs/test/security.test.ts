import { afterAll, describe, expect, it } from "vitest"
import { Page } from "./support/Page.ts"
import { Shell } from "./support/Shell.ts"

const page = new Page("docs/security.md")
const create = page.take("sh")

it("security: no snippet is left over", () => page.end())

describe("security: tokens", () => {
  const shell = new Shell()
  afterAll(() => shell.close())

  it("are made as the page says, shown, and listed without being shown again", async () => {
    const made = await shell.run(create.text)
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^(mth_[0-9a-f]{16}_[\w-]{43}\n){2}$/)])
    const list = await shell.run("npm run -s mithrandir -- token list -o ndjson")
    const tokens = list.stdout.trim().split("\n")
    expect(tokens.map((line) => JSON.parse(line))).toMatchObject([
      { actor: "ops", role: "admin", expiresAt: null },
      { actor: "oncall", role: "operator", expiresAt: expect.any(String) }
    ])
    for (const token of made.stdout.trim().split("\n")) expect(list.stdout).not.toContain(token)
  })
})
