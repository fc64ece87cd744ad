import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import {
  CommandId,
  CommandRequest,
  canFollow,
  fingerprint,
  isEnd,
  Phase,
  phaseOf,
  Target
} from "../../src/model/Command.ts"

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

describe("phases", () => {
  it("lead from queued to one end, and nowhere from there", () => {
    for (const from of Phase.literals) {
      for (const to of Phase.literals) {
        if (isEnd(from) || to === "queued" || from === to) assert.isFalse(canFollow(from, to), `${from} → ${to}`)
      }
    }
    assert.isTrue(canFollow("queued", "running"))
    assert.isTrue(canFollow("queued", "error"))
    assert.isFalse(canFollow("queued", "success"))
    assert.isFalse(canFollow("queued", "timeout"))
    for (const end of ["success", "error", "timeout"] as const) assert.isTrue(canFollow("running", end))
    assert.deepStrictEqual((["success", "failure", "timeout"] as const).map(phaseOf), ["success", "error", "timeout"])
  })
})

describe("a request", () => {
  const refused = (schema: Schema.Schema<string>, text: string) =>
    assert.isTrue(Either.isLeft(Schema.decodeEither(schema)(text)), JSON.stringify(text))

  it("takes ids of 1 to 64 harmless characters", () => {
    assert.isTrue(Schema.is(CommandId)("Az09._:-"))
    for (const text of ["", "a".repeat(65), "a b", "a/b", "é", "a\n"]) refused(CommandId, text)
  })

  it("takes targets of 1 to 256 characters that reach upstream whole", () => {
    for (const text of ["42", "mail:42", "a/b?c#d%", "…", "ü 🚀"]) assert.isTrue(Schema.is(Target)(text), text)
    for (const text of ["", ".", "..", "a\u0000", "a\nb", "\u009b", "\ud800", "x".repeat(257)]) refused(Target, text)
  })

  it("has no fields but its own", () => {
    const decode = Schema.decodeUnknownEither(CommandRequest, { onExcessProperty: "error" })
    assert.isTrue(Either.isRight(decode({ ...request, commandId: "c" })))
    assert.isTrue(Either.isLeft(decode({ ...request, commandId: "c", actor: "root" })))
  })
})

describe("a command's id", () => {
  it("is one that a path can carry", () => {
    for (const text of ["a", "A.b_c:d-9", "...", ".a", "x".repeat(64)]) assert.isTrue(Schema.is(CommandId)(text), text)
    for (const text of ["", ".", "..", "a b", "a/b", "x".repeat(65)]) assert.isFalse(Schema.is(CommandId)(text), text)
  })
})
