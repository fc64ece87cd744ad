import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { CommandId, CommandRequest, canFollow, isEnd, Phase, phaseOf, Target } from "../../src/model/Command.ts"

const request = { service: "mail", actionType: "retry-job", target: "42" }

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
