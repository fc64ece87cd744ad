import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import * as Rate from "../../src/model/Rate.ts"

const rate: fc.Arbitrary<Rate.Rate> = fc.record({
  times: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 1_000 })),
  perMs: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 600_000 }))
})

/** As clocks have it in this century: at such numbers fractions of a millisecond are not exact any more. */
const moment = fc.integer({ min: 1_700_000_000_000, max: 2_100_000_000_000 })

/** Turns taken one after the other, each so many milliseconds after the one before. */
const history = (rate: Rate.Rate, start: number, gaps: ReadonlyArray<number>) => {
  let due: Rate.Due
  let now = start
  const taken: Array<number> = []
  for (const gap of gaps) {
    now += gap
    const turn = Rate.take(rate, due, now)
    if (turn._tag === "Refused") continue
    due = turn.due
    taken.push(now)
  }
  return { due, now, taken }
}

/** How long it takes until there is room for one more, about. */
const intervalOf = ({ perMs, times }: Rate.Rate) => Math.ceil(perMs / times)

/** A rate and what has happened to it, at full speed now and at leisure then; the clock goes only forward. */
const busy = rate.chain((rate) => {
  const gap = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 2 * intervalOf(rate) }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 * rate.perMs }) }
  )
  return fc.record({ rate: fc.constant(rate), start: moment, gaps: fc.array(gap, { maxLength: 150, size: "max" }) })
})

/** The same, where the clock is also set, forth and back. */
const disturbed = busy.chain(({ gaps, rate, start }) => {
  const jump = fc.integer({ min: -3 * rate.perMs, max: 3 * rate.perMs })
  return fc.record({
    rate: fc.constant(rate),
    start: fc.constant(start),
    gaps: fc.array(jump, { maxLength: 5 }).map((jumps) => [...gaps, ...jumps, ...gaps])
  })
})

/** How many are let through before one is not. */
const atOnce = (rate: Rate.Rate, from: Rate.Due, now: number): number => {
  let due = from
  for (let count = 0; count <= 2 * rate.times; count++) {
    const turn = Rate.take(rate, due, now)
    if (turn._tag === "Refused") return count
    due = turn.due
  }
  return Number.POSITIVE_INFINITY
}

describe("a rate", () => {
  it("lets exactly so many through at once, at rest: at the start and whenever it is at rest again", () => {
    fc.assert(
      fc.property(busy, ({ gaps, rate, start }) => {
        assert.strictEqual(atOnce(rate, undefined, start), rate.times)
        const { due, now } = history(rate, start, gaps)
        const rested = now + rate.perMs
        assert.isTrue(due === undefined || Rate.isAtRest(rate, due, rested))
        assert.strictEqual(atOnce(rate, due, rested), rate.times)
      })
    )
  })

  it("lets through in any stretch of time at most so many, and one more for each even part of it", () => {
    let crowded = 0
    fc.assert(
      fc.property(busy, ({ gaps, rate, start }) => {
        const { taken } = history(rate, start, gaps)
        let tooMany = 0
        for (const [from, first] of taken.entries()) {
          for (const [more, last] of taken.slice(from + rate.times).entries()) {
            crowded++
            if ((more + 1) * rate.perMs > (last - first) * rate.times) tooMany++
          }
        }
        assert.strictEqual(tooMany, 0)
      })
    )
    assert.isAbove(crowded, 1_000)
  })

  it("gives whoever never stops asking all of that, and no more", () => {
    fc.assert(
      fc.property(rate, moment, fc.integer({ min: 0, max: 300 }), (rate, start, elapsed) => {
        const expected = rate.times + Math.floor((elapsed * rate.times) / rate.perMs)
        let due: Rate.Due
        let count = 0
        for (let now = start; now <= start + elapsed && count <= expected; ) {
          const turn = Rate.take(rate, due, now)
          if (turn._tag === "Refused") {
            now++
            continue
          }
          due = turn.due
          count++
        }
        assert.strictEqual(count, expected)
      })
    )
  })

  it("lets through who was refused and comes back when told to, and not a millisecond before", () => {
    let refusals = 0
    fc.assert(
      fc.property(disturbed, ({ gaps, rate, start }) => {
        const { due, now } = history(rate, start, gaps)
        const turn = Rate.take(rate, due, now)
        if (turn._tag === "Taken") return
        refusals++
        assert.isAtLeast(turn.retryAfterMs, 1)
        assert.isTrue(Number.isInteger(turn.retryAfterMs))
        assert.strictEqual(Rate.take(rate, due, now + turn.retryAfterMs)._tag, "Taken")
        assert.strictEqual(Rate.take(rate, due, now + turn.retryAfterMs - 1)._tag, "Refused")
      }),
      { numRuns: 1_000 }
    )
    assert.isAbove(refusals, 50)
  })

  it("refuses nobody for longer than its stretch, however a clock is set back", () => {
    let refusals = 0
    fc.assert(
      fc.property(disturbed, fc.integer({ min: 0, max: 10_000_000_000 }), (it, back) => {
        const { due, now } = history(it.rate, it.start, it.gaps)
        for (const at of [now, now - back, now - (back % it.rate.perMs)]) {
          const turn = Rate.take(it.rate, due, at)
          if (turn._tag === "Taken") continue
          refusals++
          assert.isAtMost(turn.retryAfterMs, it.rate.perMs)
        }
      }),
      { numRuns: 1_000 }
    )
    assert.isAbove(refusals, 50)
  })

  it("treats whoever is at rest as if nothing had happened", () => {
    fc.assert(
      fc.property(busy, fc.nat(), ({ gaps, rate, start }, later) => {
        const { due, now } = history(rate, start, gaps)
        if (due === undefined) return
        const at = now + (later % (2 * rate.perMs))
        if (Rate.isAtRest(rate, due, at)) {
          assert.deepStrictEqual(Rate.take(rate, due, at), Rate.take(rate, undefined, at))
        } else assert.isBelow(atOnce(rate, due, at), rate.times)
      })
    )
  })
})
