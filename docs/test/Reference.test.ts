import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root } from "./support/Page.ts"

interface Reference {
  readonly pages: () => Readonly<Record<string, string>>
}

describe("the reference", async () => {
  const { pages }: Reference = await import(join(root, "scripts/reference.mjs"))
  for (const [page, text] of Object.entries(pages())) {
    it(`${page} is as the code is (else: npm run generate)`, () => {
      expect(readFileSync(join(root, page), "utf8")).toBe(text)
    })
  }

  it("names every route, every flag and every key", () => {
    const { "docs/reference/cli.md": cli, "docs/reference/config.md": config, "docs/reference/http.md": http } = pages()
    expect(http).toContain("### GET /reconciliation/audit/{id}")
    expect(http).toContain("`command-id-taken`")
    expect(cli).toContain("--command-id ID")
    expect(config).toContain("| `pollInterval` |")
  })
})
