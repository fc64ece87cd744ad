import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import * as Rate from "../../src/model/Rate.ts"
import * as Limiter from "../../src/security/Limiter.ts"

/** As many keys as a limiter knows at most. */
const maxKeys = 10_000

const start = 1_790_000_000_000

describe("Limiter", () => {
  it("counts for each key as if there were no other", () => {
    const asked = fc.record({ key: fc.constantFrom("a", "b", "c", ""), gap: fc.nat({ max: 400 }) })
    const rate = fc.record({ times: fc.integer({ min: 1, max: 5 }), perMs: fc.integer({ min: 1, max: 3_000 }) })
    let refusals = 0
    fc.assert(
      fc.property(rate, fc.array(asked, { maxLength: 100, size: "max" }), (rate, all) => {
        const limiter = Limiter.make(rate)
        const dues = new Map<string, Rate.Due>()
        let now = start
        for (const { gap, key } of all) {
          now += gap
          const turn = Rate.take(rate, dues.get(key), now)
          if (turn._tag === "Taken") dues.set(key, turn.due)
          else refusals++
          assert.strictEqual(limiter.take(key, now), turn._tag === "Taken" ? undefined : turn.retryAfterMs)
        }
      })
    )
    assert.isAbove(refusals, 100)
  })

  it("says after how long there is a turn again, and a refusal takes none", () => {
    const limiter = Limiter.make({ times: 2, perMs: 60_000 })
    assert.isUndefined(limiter.take("a", start))
    assert.isUndefined(limiter.take("a", start))
    for (let again = 0; again < 100; again++) assert.strictEqual(limiter.take("a", start + 1), 29_999)
    assert.strictEqual(limiter.take("a", start + 29_999), 1)
    assert.isUndefined(limiter.take("a", start + 30_000))
    assert.strictEqual(limiter.take("a", start + 30_000), 30_000)
  })

  it("shares nothing with another limiter", () => {
    const [one, other] = [Limiter.make({ times: 1, perMs: 1_000 }), Limiter.make({ times: 1, perMs: 1_000 })]
    assert.isUndefined(one.take("a", start))
    assert.isUndefined(other.take("a", start))
  })

  it("knows the newest ten thousand, and of more forgets whoever was let through longest ago", () => {
    const limiter = Limiter.make({ times: 1, perMs: 1_000_000 })
    const all = Array.from({ length: maxKeys }, (_, index) => `address-${index}`)
    const forgotten = (keys: ReadonlyArray<string>) => keys.filter((key) => limiter.take(key, start) === undefined)
    assert.deepStrictEqual(forgotten(all), all)
    // All are known still, so that none takes another's place.
    assert.deepStrictEqual(forgotten(all), [])
    for (let more = 0; more < 50; more++) assert.isUndefined(limiter.take(`more-${more}`, start))
    assert.deepStrictEqual(forgotten(all.slice(50)), [])
    assert.deepStrictEqual(forgotten(all.slice(49, 50)), all.slice(49, 50))
  })

  it("does not forget who was let through again meanwhile", () => {
    const limiter = Limiter.make({ times: 2, perMs: 1_000_000 })
    for (const key of ["first", "second"]) assert.isUndefined(limiter.take(key, start))
    assert.isUndefined(limiter.take("first", start))
    for (let more = 0; more < maxKeys - 1; more++) limiter.take(`more-${more}`, start)
    assert.isNumber(limiter.take("first", start))
    // Forgotten: two are let through again.
    assert.isUndefined(limiter.take("second", start))
    assert.isUndefined(limiter.take("second", start))
  })

  it("goes on where the clock is set back, and forgets what it knew of later", () => {
    const limiter = Limiter.make({ times: 1, perMs: 1_000 })
    assert.isUndefined(limiter.take("a", start))
    assert.isUndefined(limiter.take("a", start - 3_600_000))
    assert.strictEqual(limiter.take("a", start - 3_600_000), 1_000)
  })

  describe("in memory", () => {
    setFlagsFromString("--expose-gc")
    const collect: () => void = runInNewContext("gc")
    const used = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const megabyte = 1_048_576
    /** So long that what is kept of keys is far more than what else comes and goes. */
    const long = (index: number) => Buffer.alloc(2_000, `${index}-`).toString("latin1")

    it("takes no more for thirty thousand keys than for ten thousand", () => {
      const limiter = Limiter.make({ times: 1, perMs: 1_000_000 })
      const before = used()
      for (let index = 0; index < maxKeys; index++) limiter.take(long(index), start)
      const full = used() - before
      for (let index = maxKeys; index < 3 * maxKeys; index++) limiter.take(long(index), start)
      const beyond = used() - before
      assert.isAbove(full, 10 * megabyte)
      assert.isBelow(beyond, full + 10 * megabyte)
      assert.isNumber(limiter.take(long(3 * maxKeys - 1), start))
    })

    it("takes nothing for keys that are at rest", () => {
      const limiter = Limiter.make({ times: 1, perMs: 1_000 })
      const before = used()
      for (let index = 0; index < maxKeys; index++) limiter.take(long(index), start)
      assert.isAbove(used() - before, 10 * megabyte)
      limiter.take("somebody", start + 1_000)
      assert.isBelow(used() - before, 5 * megabyte)
      assert.isNumber(limiter.take("somebody", start + 1_000))
    })
  })
})
