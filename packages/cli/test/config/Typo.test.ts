import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Typo from "../../src/config/Typo.ts"

describe("Typo.isWithin", () => {
  it.each([
    ["PORT", "PORT", 0],
    ["PORT", "PROT", 1],
    ["PORT", "PORTS", 1],
    ["PORT", "PRT", 1],
    ["PORT", "PART", 1],
    ["DATABASE", "DATABSE", 1],
    ["DATABASE", "DAATBESA", 3],
    ["", "ab", 2],
    ["PORT", "HOST", 2]
  ])("%j and %j are %i slips apart", (one, other, slips) => {
    expect(Typo.isWithin(one, other, slips)).toBe(true)
    expect(Typo.isWithin(other, one, slips)).toBe(true)
    if (slips > 0) expect(Typo.isWithin(one, other, slips - 1)).toBe(false)
  })

  it("one slip is one slip, wherever it is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.constantFrom("drop", "add", "change"), (word, at, how) => {
        const index = at % word.length
        const put = how === "drop" ? "" : how === "add" ? `${word[index]}~` : "~"
        const slipped = `${word.slice(0, index)}${put}${word.slice(index + 1)}`
        expect(Typo.isWithin(word, slipped, 1)).toBe(true)
      })
    )
  })
})
