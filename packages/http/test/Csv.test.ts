import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Csv from "../src/Csv.ts"

/** One line read back: RFC 4180, as any reader of it would. */
const cells = (line: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  const pattern = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n)/gy
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    found.push(match[1] === undefined ? (match[2] ?? "") : match[1].replaceAll('""', '"'))
    if (match[3] === "\r\n") break
  }
  return found
}

/** What the documentation tells readers to do. */
const unguarded = (cell: string | undefined) => (cell?.startsWith("'") ? cell.slice(1) : cell)

describe("Csv.row", () => {
  it("has its cells in order, ends as RFC 4180 asks, and quotes what needs it", () => {
    expect(Csv.head(["id", "target"])).toBe("id,target\r\n")
    expect(Csv.row(["b", "a", "c"], { a: 'x,"y"', b: "z", c: "ü 東" })).toBe('z,"x,""y""",ü 東\r\n')
  })

  it.each([
    ["nothing for what is absent or null", undefined, ""],
    ["text as it is", "mail:42", "mail:42"],
    ["numbers and booleans as JSON", 12, "12"],
    ["what is nested as JSON", { a: [1, "x"] }, '{"a":[1,"x"]}'],
    ["control characters by their numbers", "a\u001b[2J\nb", "a\\u001b[2J\\u000ab"],
    ["control characters in what is nested too", ["\u202e\u009b"], '["\\u202e\\u009b"]']
  ])("shows %s", (_, value, cell) => {
    expect(cells(Csv.row(["a"], { a: value }))).toEqual([cell])
  })

  it.each(["=1+1", "+41", "-2", "@SUM(A1)", "\t=1", "  =1", "\uff1d1", "'quoted", '=HYPERLINK("http://x","y")'])(
    "never gives a spreadsheet the formula %j",
    (value) => {
      const [cell = ""] = cells(Csv.row(["a"], { a: value }))
      expect(cell).toMatch(/^(?:'|\\u)/)
    }
  )

  it("of a negative number is no formula either", () => {
    expect(cells(Csv.row(["a"], { a: -5 }))).toEqual(["'-5"])
  })

  it("is one cell, also for spreadsheets that take a semicolon for the end of one", () => {
    expect(Csv.row(["a", "b"], { a: "a;=1+1", b: "b\t=1+1" })).toBe('"a;=1+1",b\\u0009=1+1\r\n')
  })

  it("gives every text back to whoever takes one apostrophe away", () => {
    const text = fc.stringMatching(/^[ '=+\-@a-z,"]{0,12}$/)
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (values) => {
        const fields = values.map((_, index) => `f${index}`)
        const row = Object.fromEntries(values.map((value, index) => [`f${index}`, value]))
        expect(cells(Csv.row(fields, row)).map(unguarded)).toEqual(values)
      })
    )
  })
})
