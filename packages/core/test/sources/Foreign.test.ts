import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import * as Foreign from "../../src/sources/Foreign.ts"

/** A queue that was shut down interrupts whoever takes from it. */
const closed = Effect.flatMap(Queue.unbounded<never>(), (queue) =>
  Effect.zipRight(Queue.shutdown(queue), Queue.take(queue))
)

/** Ends its own fiber, as nobody outside could. */
const suicide = Effect.withFiberRuntime<never>((fiber) => Effect.zipRight(Fiber.interruptFork(fiber), Effect.never))

const joined = Effect.flatMap(Effect.fork(Effect.never), (fiber) =>
  Effect.zipRight(Fiber.interrupt(fiber), Fiber.join(fiber))
)

describe("what an embedder brings", () => {
  it.effect("gives what it gives, fails as it fails, and throws what it throws", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Foreign.run(() => Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(Foreign.run(() => Effect.fail("no"))), "no")
      const broken = (): never => {
        throw new TypeError("broken")
      }
      for (const foreign of [Foreign.run<never, never, never>(broken), Foreign.run(() => Effect.sync(broken))]) {
        const cause = yield* Effect.flip(Effect.sandbox(foreign))
        assert.include(String(Option.getOrThrow(Cause.dieOption(cause))), "broken")
      }
    })
  )

  it.effect("that interrupts itself is a defect, and whoever asked goes on", () =>
    Effect.gen(function* () {
      for (const foreign of [Effect.interrupt, closed, joined, suicide]) {
        const cause = yield* Effect.flip(Effect.sandbox(Foreign.run((): Effect.Effect<never> => foreign)))
        assert.instanceOf(Option.getOrThrow(Cause.dieOption(cause)), Foreign.Interrupted)
        assert.isFalse(Cause.isInterrupted(cause))
      }
    })
  )

  it.effect("has failed where a failure interrupted the rest of it", () =>
    Effect.gen(function* () {
      const both = Effect.all([Effect.never, Effect.delay(Effect.fail("no"), "1 second")], { concurrency: "unbounded" })
      const fiber = yield* Effect.fork(Effect.flip(Effect.sandbox(Foreign.run(() => both))))
      yield* TestClock.adjust("1 second")
      const cause = yield* Fiber.join(fiber)
      assert.isFalse(Cause.isInterrupted(cause))
      assert.deepStrictEqual(Cause.failureOption(cause), Option.some("no"))
    })
  )

  it.effect("is interrupted, and given the time to let go, where whoever asked is", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      let isReleased = false
      const held = Effect.acquireUseRelease(
        Deferred.succeed(begun, undefined),
        () => Effect.never,
        () =>
          Effect.sync(() => {
            isReleased = true
          })
      )
      const fiber = yield* Effect.fork(Foreign.run(() => held))
      yield* Deferred.await(begun)
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isInterrupted(exit))
      assert.isTrue(isReleased)
    })
  )

  it.effect("keeps nobody who gives it up, though it cannot be interrupted", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const stubborn = Effect.uninterruptible(Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))
      const fiber = yield* Effect.fork(
        Effect.timeoutOption(
          Foreign.run(() => stubborn),
          "1 minute"
        )
      )
      yield* Deferred.await(begun)
      yield* TestClock.adjust("1 minute")
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.join(fiber)))
    })
  )
})

describe("the reason of a failure", () => {
  it("is its message, if it has one, and not at any length", () => {
    assert.strictEqual(Foreign.reason(new Error("down")), "down")
    assert.strictEqual(Foreign.reason({ message: "down" }), "down")
    for (const error of ["text", undefined, null, { message: 1 }, { message: "" }, {}]) {
      assert.strictEqual(Foreign.reason(error), Foreign.thrown)
    }
    assert.strictEqual(Foreign.reason({ message: "x".repeat(5_000) }).length, 1_001)
  })
})
