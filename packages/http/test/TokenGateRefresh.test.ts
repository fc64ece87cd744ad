/** What one process learns of the tokens that another makes and revokes, over the same file. */
import { assert, describe, it } from "@effect/vitest"
import { Tokens } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { open, opened } from "../../core/test/support/security.ts"
import { Gate, TokenGate } from "../src/index.ts"
import * as House from "./support/house.ts"

describe("TokenGate.layer", () => {
  it.scoped("notices within ten seconds what another process makes and revokes", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const mine = Layer.succeed(Tokens.Tokens, (yield* open(file, "reader")).tokens)
      const { judge } = Context.get(yield* Layer.build(Layer.provide(TokenGate.layer(), mine)), Gate.Gate)
      const outcome = (headers: Record<string, string> = {}) => {
        const verdict = judge({
          ...{ method: "GET", url: "/reconciliation/status", headers: { host: "localhost", ...headers } },
          ...{ address: "127.0.0.1", time: 0, permission: "viewer", holder: undefined }
        })
        return verdict._tag === "Admitted" ? verdict.principal.actor : verdict.problem.code
      }
      // It has looked once by now, and found none.
      yield* TestClock.adjust("1 seconds")
      const { text, token } = yield* tokens.create({ actor: "ann", role: "viewer" }, "test")
      const headers = House.bearer(Redacted.value(text))
      assert.strictEqual(outcome(), "local")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([outcome(), outcome(headers)], ["unauthenticated", "ann"])
      yield* tokens.revoke(token.id, "test")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(outcome(headers), "unauthenticated")
    })
  )
})
