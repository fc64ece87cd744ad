import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import fc from "fast-check"
import { jobStates } from "../../src/model/Job.ts"
import { type JobCounts, tally } from "../../src/model/JobView.ts"
import type { Dispute, Side } from "../../src/model/Judgement.ts"
import { details } from "../../src/reconciliation/Report.ts"

const counts: JobCounts = { waiting: 5, active: 5, delayed: 5, completed: 5, failed: 5 }
const absent: Side = "absent"
const at = (second: number) => DateTime.unsafeMake(second * 1000)

describe("details", () => {
  it("says nothing of no disputes", () => {
    assert.isUndefined(details([], counts))
  })

  it("sorts disputes by what they are, names at most a hundred of each, and counts all that are missing", () => {
    const dispute = (id: string, expected: Dispute["expected"], actual: Dispute["actual"], second = 9) =>
      ({ kind: "job", id, expected, actual, since: at(second) }) as Dispute
    const missing = Array.from({ length: 150 }, (_, n) => dispute(`m-${n}`, "waiting", "absent"))
    const told = details(
      [...missing, dispute("u", "absent", "active", 3), dispute("c", "completed", "waiting")],
      counts
    )
    assert.strictEqual(told?.missingJobCount, 150)
    assert.strictEqual(told?.missingJobIds.length, 100)
    assert.deepStrictEqual(told?.unexpectedJobIds, ["u"])
    assert.deepStrictEqual(told?.changedJobs, [{ id: "c", expected: "completed", actual: "waiting" }])
    assert.deepStrictEqual(told?.since, at(3))
  })

  it("expects what would be counted if nothing were disputed", () => {
    const side = fc.constantFrom(...jobStates, undefined)
    fc.assert(
      fc.property(fc.array(fc.tuple(side, side), { minLength: 1, maxLength: 40 }), (pairs) => {
        const jobs = (which: 0 | 1) =>
          pairs.flatMap((pair, n) => {
            const state = pair[which]
            return state === undefined ? [] : [{ id: `${n}`, queue: "q", state }]
          })
        const disputes = pairs.flatMap(([expected = absent, actual = absent], n): ReadonlyArray<Dispute> => {
          return expected === actual ? [] : [{ kind: "job", id: `${n}`, expected, actual, since: at(0) }]
        })
        const told = details(disputes, tally(jobs(1)))
        if (disputes.length > 0) assert.deepStrictEqual(told?.expected, tally(jobs(0)))
      })
    )
  })
})
