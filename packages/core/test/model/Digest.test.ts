import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { checksum, fingerprint } from "../../src/model/Digest.ts"

const request = { service: "mail", actionType: "retry-job", target: "42" }

describe("fingerprint", () => {
  it("is the same whatever the order of keys, and for no params as for empty ones", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (params) => {
        const reversed = Object.fromEntries(Object.entries(params).reverse())
        assert.strictEqual(fingerprint({ ...request, params }), fingerprint({ ...request, params: reversed }))
      })
    )
    assert.strictEqual(fingerprint(request), fingerprint({ ...request, params: {} }))
  })

  it("differs where service, action, target or params differ, and not with the reason", () => {
    const all = [
      request,
      { ...request, service: "other" },
      { ...request, actionType: "delete-job" },
      { ...request, target: "43" },
      { ...request, params: { force: true } }
    ].map(fingerprint)
    assert.strictEqual(new Set(all).size, all.length)
    const reasoned = { ...request, reason: "because" }
    assert.strictEqual(fingerprint(reasoned), fingerprint(request))
  })

  it("stays what it was when it was first published", () => {
    // printf '%s' '{"actionType":"retry-job","params":{},"service":"mail","target":"42"}' | sha256sum
    assert.strictEqual(fingerprint(request), "42c98410cca624e755a44e48058f738ba6f001dcebdff187a0a4e8e02a5304fb")
  })
})

describe("checksum", () => {
  it("is what a client computes from the counts it was shown, keys sorted", () => {
    const counts = { waiting: 12, active: 3, delayed: 0, completed: 90, failed: 2 }
    const text = '{"active":3,"completed":90,"delayed":0,"failed":2,"waiting":12}'
    assert.strictEqual(checksum(counts), `v1:${createHash("sha256").update(text).digest("hex")}`)
    assert.strictEqual(checksum({}), `v1:${createHash("sha256").update("{}").digest("hex")}`)
  })
})
