import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import fc from "fast-check"
import { endBound, fromSql, startBound, toSql } from "../../src/model/Timestamp.ts"

const moment = fc
  .date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true })
  .map(DateTime.unsafeFromDate)

describe("the stored form", () => {
  it("gives back the moment it was made of", () => {
    fc.assert(fc.property(moment, (at) => assert.strictEqual(fromSql(toSql(at)).epochMillis, at.epochMillis)))
  })

  it("sorts as text by time", () => {
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        assert.strictEqual(toSql(a) < toSql(b), a.epochMillis < b.epochMillis)
      })
    )
  })

  it("can be read whatever moment it was made of, and is the nearest where a year has no four digits", () => {
    const anyMoment = fc.date({ noInvalidDate: true }).map(DateTime.unsafeFromDate)
    fc.assert(
      fc.property(anyMoment, (at) => {
        const nearest = Math.min(Math.max(at.epochMillis, -62_167_219_200_000), 253_402_300_799_999)
        assert.strictEqual(fromSql(toSql(at)).epochMillis, nearest)
      })
    )
    assert.strictEqual(toSql(DateTime.unsafeMake("+010000-01-01T00:00:00Z")), "9999-12-31 23:59:59.999")
    assert.strictEqual(toSql(DateTime.unsafeMake("-000001-12-31T23:59:59Z")), "0000-01-01 00:00:00.000")
  })

  it("is UTC, also without a fraction, as the column default writes it", () => {
    assert.strictEqual(DateTime.formatIso(fromSql("2025-01-01 12:00:00")), "2025-01-01T12:00:00.000Z")
    assert.strictEqual(toSql(DateTime.unsafeMake("2025-01-01T12:00:00.070Z")), "2025-01-01 12:00:00.070")
    assert.throws(() => fromSql("2025-01-01T12:00:00Z"))
  })
})

describe("bounds", () => {
  it("are half-open on the stored text, whichever of its two forms a row has", () => {
    fc.assert(
      fc.property(moment, moment, fc.boolean(), (bound, at, wholeSecond) => {
        const row = wholeSecond ? toSql(at).slice(0, 19) : toSql(at)
        const iso = DateTime.formatIso(bound)
        const time = fromSql(row).epochMillis
        assert.strictEqual(row >= Option.getOrThrow(startBound(iso)), time >= bound.epochMillis)
        assert.strictEqual(row < Option.getOrThrow(endBound(iso)), time < bound.epochMillis)
      })
    )
  })

  it("read a date as its whole UTC day, and an offset as what it says", () => {
    assert.deepStrictEqual(startBound("2026-01-31"), Option.some("2026-01-31 00:00:00"))
    assert.deepStrictEqual(endBound("2026-01-31"), Option.some("2026-02-01 00:00:00"))
    assert.deepStrictEqual(endBound("2026-01-31T00:00:00.5+02:00"), Option.some("2026-01-30 22:00:00.500"))
  })

  it("reach to the end of the last year, and what is in it sorts before that", () => {
    const last = toSql(fromSql("9999-12-31 23:59:59.999"))
    assert.isTrue(last < Option.getOrThrow(endBound("9999-12-31")))
    assert.isTrue(last >= Option.getOrThrow(startBound("9999-12-31")))
    assert.deepStrictEqual(endBound("9999-12-30"), Option.some("9999-12-31 00:00:00"))
  })

  it("refuse what is no moment", () => {
    const texts = [
      "",
      "yesterday",
      "2026-02-30",
      "2026-13-01",
      "2026-01-01T12:00:00",
      "2026-01-01 12:00:00Z",
      "1767225600"
    ]
    for (const text of texts) assert.isTrue(Option.isNone(startBound(text)), text)
  })
})
