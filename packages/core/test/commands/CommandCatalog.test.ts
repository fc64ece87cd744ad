import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Action from "../../src/commands/Action.ts"
import { ActionInvalid, CommandCatalog, layer, standard } from "../../src/commands/CommandCatalog.ts"

const named = (actionType: string) =>
  Action.make({ actionType, snapshot: () => Effect.succeed(null), execute: () => Effect.succeed("done") })

describe("a catalog", () => {
  it.effect(
    "has the four standard actions where nothing else is said, and names them to whoever asks for another",
    () =>
      Effect.gen(function* () {
        const catalog = yield* CommandCatalog
        for (const { actionType } of standard)
          assert.strictEqual((yield* catalog.get(actionType)).actionType, actionType)
        const { known } = yield* Effect.flip(catalog.get("explode"))
        assert.deepStrictEqual(known, ["retry-job", "delete-job", "purge-queue", "restart-service"])
      }).pipe(Effect.provide(layer()))
  )

  it.effect("is refused with an action that no request could name, or that another one would hide", () =>
    Effect.gen(function* () {
      const problems = [
        [[named("")], "1 to 64"],
        [[named("x".repeat(65))], "1 to 64"],
        [[...standard, named("retry-job")], "taken"],
        [[named("a"), named("b"), named("a")], "taken"]
      ] as const
      for (const [actions, problem] of problems) {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer(actions))))
        assert.instanceOf(error, ActionInvalid)
        assert.include(error.message, problem)
      }
      yield* Effect.scoped(Layer.build(layer([named("x".repeat(64))])))
    })
  )
})
