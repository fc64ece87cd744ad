import { describe, expect, it } from "vitest"
import * as Output from "../../src/output/Output.ts"

const columns = [
  { head: "name", cell: (row: { name: string; state: string }) => row.name },
  { head: "state", cell: (row: { name: string; state: string }) => row.state }
]

describe("Output.printable", () => {
  it.each([
    ["an escape sequence", "\u001b[31mred", "\\u001b[31mred"],
    ["a bell and a line feed", "a\u0007b\nc", "a\\u0007b\\u000ac"],
    ["a carriage return, which writes over what was said", "ok\rno", "ok\\u000dno"],
    ["C1, which some terminals obey", "\u009b2J", "\\u009b2J"],
    ["DEL", "\u007f", "\\u007f"],
    ["marks that turn text around", "\u202eabc\u2066", "\\u202eabc\\u2066"],
    ["nothing of ordinary text", "zürich 東京 🚲 — ok", "zürich 東京 🚲 — ok"]
  ])("shows %s by its number", (_, text, shown) => {
    expect(Output.printable(text)).toBe(shown)
  })
})

describe("Output.json", () => {
  it("is one document that means what was given, and has no control characters but its own line ends", () => {
    const value = { id: "a\u001b[2J\u009b\u007f\u202e\nb", list: [1, null] }
    const text = Output.json(value)
    expect(JSON.parse(text)).toEqual(value)
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u)
  })
})

describe("Output.table", () => {
  it("is plain text in columns, without colours or trailing spaces", () => {
    const rows = [
      { name: "mail", state: "verified" },
      { name: "much-longer", state: "" }
    ]
    expect(Output.table(columns, rows, false)).toBe(
      ["NAME         STATE", "mail         verified", "much-longer"].join("\n")
    )
  })

  it("lets no control character of a cell through", () => {
    expect(Output.table(columns, [{ name: "a\u001b]0;title\u0007", state: "x\ny" }], false)).not.toMatch(
      /(?!\n)\p{Cc}/u
    )
    expect(Output.table(columns, [{ name: "a", state: "x\ny" }], false)).toContain("x\\u000ay")
  })

  it("has bold heads on a terminal", () => {
    expect(Output.table(columns, [], true)).toContain("\u001b[1mNAME\u001b[22m")
  })
})

describe("Output.takesColours", () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{}, {}, false],
    [{ isTTY: true }, { NO_COLOR: "1" }, false],
    [{ isTTY: true }, { NO_COLOR: "" }, true],
    [{ isTTY: true }, { TERM: "dumb" }, false]
  ])("%j with %j: %s", (stream, env, expected) => {
    expect(Output.takesColours(stream, env)).toBe(expected)
  })
})
