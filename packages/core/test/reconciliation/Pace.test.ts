import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { backoffMs, isOverdue, maxBackoffMs, nextTickMs } from "../../src/reconciliation/Pace.ts"

const interval = fc.integer({ min: 100, max: 600_000 })

describe("backoffMs", () => {
  it("doubles from the interval to a minute, and is never shorter than the interval", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 4, 5, 6].map((n) => backoffMs(5_000, n)),
      [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]
    )
    fc.assert(
      fc.property(interval, fc.integer({ min: 1, max: 100_000 }), (every, failures) => {
        const wait = backoffMs(every, failures)
        assert.isAtLeast(wait, every)
        assert.isAtMost(wait, Math.max(every, maxBackoffMs))
        assert.isAtMost(wait, backoffMs(every, failures + 1))
      })
    )
  })
})

describe("backoffMs of who asked to be left alone", () => {
  it("is as long as was asked for, but no shorter than it would be anyhow, and up to a minute", () => {
    assert.deepStrictEqual(
      [0, 3_000, 30_000, 60_001, 86_400_000].map((asked) => backoffMs(5_000, 2, asked)),
      [10_000, 10_000, 30_000, 60_000, 60_000]
    )
    fc.assert(
      fc.property(interval, fc.integer({ min: 1, max: 100 }), fc.nat({ max: 86_400_000 }), (every, failures, asked) => {
        const wait = backoffMs(every, failures, asked)
        assert.strictEqual(wait, Math.max(backoffMs(every, failures), Math.min(asked, maxBackoffMs)))
      })
    )
  })
})

describe("nextTickMs", () => {
  it("is the first moment after now that is whole intervals from the offset", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), interval, fc.nat(), (offset, every, later) => {
        const now = offset - every + later
        const next = nextTickMs(offset, every, now)
        assert.isAbove(next, now)
        assert.isAtLeast(next, offset)
        assert.strictEqual((next - offset) % every, 0)
        assert.isTrue(next - every <= now || next === offset)
      })
    )
  })
})

describe("isOverdue", () => {
  it("is nobody who waits as long as one may, or passes as long as a pass may, with a minute to spare", () => {
    const limits = { intervalMs: 5_000, maxPassMs: 240_000 }
    const at = (isPassing: boolean, nowMs: number) => isOverdue({ isPassing, since: 1_000 }, limits, nowMs)
    assert.deepStrictEqual([at(false, 121_000), at(false, 121_001)], [false, true])
    assert.deepStrictEqual([at(true, 301_000), at(true, 301_001)], [false, true])
    fc.assert(
      fc.property(interval, fc.integer({ min: 1, max: 1_000 }), (intervalMs, failures) => {
        const wait = backoffMs(intervalMs, failures)
        assert.isFalse(isOverdue({ isPassing: false, since: 0 }, { intervalMs, maxPassMs: 0 }, wait))
      })
    )
  })
})
