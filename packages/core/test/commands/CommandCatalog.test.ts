import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Action from "../../src/commands/Action.ts"
import { ActionInvalid, CommandCatalog, layer, standard } from "../../src/commands/CommandCatalog.ts"
import { Commands } from "../../src/commands/Commands.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { layerHouse, makeFile, service } from "../support/house.ts"

const named = (actionType: string) =>
  Action.make({ actionType, snapshot: () => Effect.succeed(null), execute: () => Effect.succeed("done") })

/** Its params are put together only when they are used, and cannot be. */
const unbuildable = Action.make({
  actionType: "unbuildable",
  params: Schema.suspend(() =>
    Schema.extend(Schema.Struct({ a: Schema.Int }), Action.sensitive(Schema.Struct({ a: Schema.String })))
  ) as never,
  snapshot: () => Effect.succeed(null),
  execute: () => Effect.succeed("done")
})

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
        [[named("a"), named("b"), named("a")], "taken"],
        [[unbuildable], "what of its params is sensitive cannot be told"]
      ] as const
      for (const [actions, problem] of problems) {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer(actions))))
        assert.instanceOf(error, ActionInvalid)
        assert.include(error.message, problem)
      }
      yield* Effect.scoped(Layer.build(layer([named("x".repeat(64))])))
    })
  )

  it.scoped("refuses an unsupported action, though the isSupported of another one throws", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const broken = Action.make({
        actionType: "broken",
        isSupported: () => {
          throw new TypeError("hush")
        },
        snapshot: () => Effect.succeed(null),
        execute: () => Effect.succeed("done")
      })
      const none = Action.make({
        actionType: "none",
        isSupported: () => false,
        snapshot: () => Effect.succeed(null),
        execute: () => Effect.succeed("done")
      })
      const house = layerHouse(yield* makeFile, [service(memory)], { actions: [broken, none, named("fine")] })
      const { submit } = yield* Effect.provide(Commands, yield* Layer.build(house))
      for (const actionType of ["none", "broken"]) {
        const error = yield* Effect.flip(submit({ commandId: "c", service: "mail", actionType, target: "a" }, "tester"))
        assert.deepInclude(error, { _tag: "ActionNotSupported", actionType, supported: ["fine"] })
      }
    })
  )
})
