import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { checksum, tally } from "../../src/model/JobView.ts"

describe("checksum", () => {
  it("is what a client computes from the counts it was shown, keys sorted", () => {
    const counts = { waiting: 12, active: 3, delayed: 0, completed: 90, failed: 2 }
    const text = '{"active":3,"completed":90,"delayed":0,"failed":2,"waiting":12}'
    assert.strictEqual(checksum(counts), `v1:${createHash("sha256").update(text).digest("hex")}`)
    assert.strictEqual(checksum({}), `v1:${createHash("sha256").update("{}").digest("hex")}`)
  })
})

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
