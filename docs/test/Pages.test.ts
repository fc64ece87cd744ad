import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { pages } from "./support/compile.ts"
import { looksLike, root, snippets } from "./support/Page.ts"

/** Made from the code, by `npm run generate`; another test sees to it that they are as the code is. */
const isGenerated = (page: string) => page.startsWith("docs/reference/")

it("every page with snippets has a test that goes through them", () => {
  const untested = pages
    .filter((page) => !isGenerated(page) && snippets(page).length > 0)
    .map((page) => `docs/test/${page.replace(/^docs\//, "").replace(/\.md$/, ".test.ts")}`)
    .filter((test) => !existsSync(join(root, test)))
  expect(untested).toEqual([])
})

it("an output looks as a page shows it if only what differs between runs differs", () => {
  const output = "listens on http://127.0.0.1:51234\nservice mail: verified\n2026-01-02T03:04:05Z mail: 12 waiting\n"
  expect(looksLike(output, "listens on http://127.0.0.1:4410\n…\n2026-11-23T10:59:40Z mail: 3 waiting")).toBeUndefined()
  expect(looksLike(output, "service mail: DISCREPANCY")).toEqual({ missing: "service mail: DISCREPANCY" })
  expect(looksLike(output, "2026-11-23T10:59:40Z mail: 3 waiting\nservice mail: verified")).toBeDefined()
})
