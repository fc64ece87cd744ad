import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Loop from "../../src/services/Loop.ts"

describe("a loop that is kept", () => {
  it.effect("is begun again after five seconds, whatever it ended by, and no other ends with it", () =>
    Effect.gen(function* () {
      const endings: ReadonlyArray<Effect.Effect<void, string>> = [
        Effect.interrupt,
        Effect.die("broken"),
        Effect.fail("no"),
        Effect.void
      ]
      const begun = endings.map(() => 0)
      let others = 0
      const loops = endings.map((ending, index) =>
        Loop.keep(
          "it",
          Effect.suspend(() => {
            begun[index] = (begun[index] ?? 0) + 1
            return ending
          })
        )
      )
      const other = Effect.forever(
        Effect.delay(
          Effect.sync(() => others++),
          "1 second"
        )
      )
      const fiber = yield* Effect.fork(Effect.all([...loops, other], { concurrency: "unbounded" }))
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(begun, [1, 1, 1, 1])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(begun, [2, 2, 2, 2])
      assert.strictEqual(others, 5)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(begun, [2, 2, 2, 2])
    })
  )

  it.effect("is done at last, where it only has to be done once", () =>
    Effect.gen(function* () {
      const endings: Array<Effect.Effect<string, string>> = [Effect.interrupt, Effect.die("broken"), Effect.fail("no")]
      const fiber = yield* Effect.fork(
        Loop.untilDone(
          "it",
          Effect.suspend(() => endings.shift() ?? Effect.succeed("done"))
        )
      )
      yield* TestClock.adjust("14999 millis")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
    })
  )
})
