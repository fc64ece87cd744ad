import { Page } from "@mithrandir/core"
import { describe, expect, it } from "vitest"
import * as PageFlags from "../../src/line/PageFlags.ts"

describe("the remark beside a page", () => {
  it.each([
    [1, 120, "page 1 of 3; 120 entries in all"],
    [1, 1, "page 1 of 1; 1 entry in all"],
    [99, 1, "there is no page 99: the last is 1; 1 entry in all"],
    [99, 0, "none"]
  ])("of page %i of %i entries", (page, total, words) => {
    expect(PageFlags.remark(Page.meta(page, 50, total), "none")).toBe(words)
  })
})
