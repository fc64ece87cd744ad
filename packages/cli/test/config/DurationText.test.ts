import * as Duration from "effect/Duration"
import fc from "fast-check"
import { expect, it } from "vitest"
import { formatShort, parseShort } from "../../src/config/DurationText.ts"

it("a short duration is read as it is written", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Duration.toMillis("24 days") }), (millis) => {
      const read = parseShort(formatShort(Duration.millis(millis)))
      expect(read && Duration.toMillis(read)).toBe(millis)
    })
  )
})

it("what is no short duration, or longer than a timer can wait, is none", () => {
  for (const text of ["", "5", "5 s", "s", "-1s", "1e3s", "1d", "25.0001h5", "577h", "1.2345s"]) {
    expect(parseShort(text), text).toBeUndefined()
  }
  expect(parseShort("1.5m")).toEqual(Duration.seconds(90))
})
