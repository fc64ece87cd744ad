import { scryptSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import canonicalize from "canonicalize"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Action from "../../src/commands/Action.ts"
import { fingerprintOf } from "../../src/commands/Fingerprint.ts"
import { fingerprint } from "../../src/model/Digest.ts"

const unlock = Action.make({
  actionType: "unlock",
  params: Schema.Struct({
    door: Schema.String,
    pin: Schema.optionalWith(Action.Secret, { exact: true }),
    master: Schema.optionalWith(Action.Secret, { exact: true })
  }),
  snapshot: () => Effect.succeed(null),
  execute: () => Effect.succeed("unlocked")
})

const request = (params?: Record<string, unknown>, commandId = "one") => ({
  commandId,
  service: "mail",
  actionType: "unlock",
  target: "a",
  ...(params === undefined ? {} : { params })
})
const of = (params?: Record<string, unknown>, commandId?: string) => fingerprintOf(unlock, request(params, commandId))

describe("a fingerprint", () => {
  it.effect("is the plain one where nothing is sensitive", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* of(), fingerprint(request()))
      assert.strictEqual(yield* of({ door: "d" }), fingerprint(request({ door: "d" })))
    })
  )

  it.effect("tells secrets apart, not the order in which they were sent, and says nothing of them by itself", () =>
    Effect.gen(function* () {
      const one = yield* of({ door: "d", pin: "1234", master: "0" })
      assert.match(one, /^[0-9a-f]{64}$/)
      assert.strictEqual(one, yield* of({ master: "0", pin: "1234", door: "d" }))
      const others = [
        yield* of({ door: "d", pin: "1235", master: "0" }),
        yield* of({ door: "d", pin: "0", master: "1234" }),
        yield* of({ door: "e", pin: "1234", master: "0" }),
        yield* of({ door: "d", pin: "1234" }),
        // The same content under another id: whoever reads the database cannot tell that it is the same.
        yield* of({ door: "d", pin: "1234", master: "0" }, "two"),
        fingerprint(request({ door: "d", pin: "1234", master: "0" })),
        fingerprint(request({ door: "d", pin: "[redacted]", master: "[redacted]" }))
      ]
      assert.strictEqual(new Set([one, ...others]).size, others.length + 1)
    })
  )

  it.effect("is what it was when it was first published", () =>
    Effect.gen(function* () {
      const params = { door: "d", pin: "1234" }
      const cost = { N: 32_768, r: 8, p: 3, maxmem: 2 ** 26 }
      const hash = `scrypt:${scryptSync(canonicalize(params) ?? "", "one", 32, cost).toString("hex")}`
      const published = "62817c55c342dcf66905e8cc69054c181ef75c1c1c9af5f180633221c27e658a"
      assert.strictEqual(fingerprint(request({ door: "d", pin: hash })), published)
      assert.strictEqual(yield* of(params), published)
    })
  )
})
