import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { AuditCalendar, split } from "../../src/model/AuditCalendar.ts"
import type { Range } from "../../src/model/Range.ts"

const two = (n: number) => String(n).padStart(2, "0")

/** Moments near each other, also on whole hours and days, some without a fraction. */
const moment = fc
  .record({
    day: fc.integer({ min: 1, max: 4 }),
    hour: fc.constantFrom(0, 1, 12, 23),
    minute: fc.constantFrom(0, 1, 59),
    rest: fc.constantFrom(":00", ":00.000", ":00.001", ":59.999")
  })
  .map(({ day, hour, minute, rest }) => `2026-01-${two(day)} ${two(hour)}:${two(minute)}${rest}`)

/** As `Timestamp.startBound` writes them. */
const bound = moment.map((text) => text.replace(/\.000$/, ""))

describe("a calendar", () => {
  it("knows how many there are between two moments, and where each of them is", () => {
    fc.assert(
      fc.property(
        fc.array(moment, { maxLength: 60 }),
        fc.option(bound, { nil: undefined }),
        fc.option(bound, { nil: undefined }),
        fc.constantFrom("asc" as const, "desc" as const),
        (moments, from, to, order) => {
          const calendar = new AuditCalendar()
          for (const moment of moments) calendar.add(moment)
          const within = ({ from, to }: Range) =>
            moments.filter((moment) => (from === undefined || moment >= from) && (to === undefined || moment < to))
          const range = split({ from, to })
          const parts = {
            head: range.head === undefined ? 0 : within(range.head).length,
            tail: range.tail === undefined ? 0 : within(range.tail).length
          }
          const wanted = within({ from, to }).sort()
          if (order === "desc") wanted.reverse()
          assert.strictEqual(calendar.count(range, parts), wanted.length)
          for (const [offset, moment] of wanted.entries()) {
            const { bound, skip } = calendar.seek(range, parts, offset, order)
            const left = wanted.filter(
              (moment) => bound === undefined || (order === "asc" ? moment >= bound : moment < bound)
            )
            assert.strictEqual(left[skip], moment)
            assert.strictEqual(wanted.length - left.length + skip, offset)
          }
        }
      ),
      { numRuns: 500 }
    )
  })

  it("passes over no more than what is in one hour", () => {
    const calendar = new AuditCalendar()
    for (let day = 1; day <= 28; day++)
      for (let hour = 0; hour < 24; hour++) calendar.add(`2026-02-${two(day)} ${two(hour)}`, 7)
    for (const order of ["asc", "desc"] as const) {
      for (let offset = 0; offset < 28 * 24 * 7; offset += 13) {
        assert.isBelow(calendar.seek(split({}), { head: 0, tail: 0 }, offset, order).skip, 7)
      }
    }
  })
})
