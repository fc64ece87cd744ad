import { assert, describe, it } from "@effect/vitest"
import { tally } from "../../src/model/JobView.ts"

describe("tally", () => {
  it("counts a listing", () => {
    const jobs = (["waiting", "failed", "waiting"] as const).map((state, index) => ({
      id: `${index}`,
      queue: "q",
      state
    }))
    assert.deepStrictEqual(tally(jobs), { waiting: 2, active: 0, delayed: 0, completed: 0, failed: 1 })
  })
})
