import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Listing from "../../src/sources/Listing.ts"

const limits = { gap: Duration.seconds(3), total: Duration.minutes(1) }
const bounded = <A>(listing: Stream.Stream<A, "late">) => Listing.bounded(listing, () => "late" as const, limits)

/** How a listing ends, and at which second. */
const endOf = <A>(listing: Stream.Stream<A, "late">) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.either(Stream.runCollect(bounded(listing))))
    let seconds = 0
    for (; seconds < 100 && fiber.unsafePoll() === null; seconds++) yield* TestClock.adjust("1 second")
    return { seconds, exit: yield* Fiber.join(fiber) }
  })

const everySecond = Schedule.spaced("1 second")

describe("a listing", () => {
  it.effect("gives all that it has, in its order, if it is in time", () =>
    Effect.gen(function* () {
      const listing = Stream.fromChunks(Chunk.make(1, 2), Chunk.empty<number>(), Chunk.make(3))
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(bounded(listing))), [1, 2, 3])
      const slow = Stream.schedule(Stream.range(1, 20), Schedule.spaced("2 seconds"))
      const { exit } = yield* endOf(slow)
      assert.strictEqual(exit._tag === "Right" ? exit.right.length : exit.left, 20)
    })
  )

  it.effect("is late where it gives no job for too long, however many chunks without one it gives", () =>
    Effect.gen(function* () {
      const empty = Stream.repeatEffectChunk(Effect.delay(Effect.succeed(Chunk.empty<number>()), "100 millis"))
      const { exit, seconds } = yield* endOf(Stream.concat(Stream.make(1), empty))
      assert.deepStrictEqual([exit._tag, seconds], ["Left", 3])
      assert.deepStrictEqual((yield* endOf(Stream.never)).seconds, 3)
    })
  )

  it.effect("is late where it goes on for too long, however many jobs it gives", () =>
    Effect.gen(function* () {
      const { exit, seconds } = yield* endOf(Stream.repeatEffectWithSchedule(Effect.succeed(1), everySecond))
      assert.deepStrictEqual([exit._tag, seconds], ["Left", 60])
    })
  )

  it("has as long as finished jobs stay, but at least a minute, and at most ten", () => {
    const given = [Duration.zero, Duration.minutes(2), Duration.hours(1), Duration.infinity]
    assert.deepStrictEqual(
      given.map((kept) => Duration.toMinutes(Listing.maxDuration(kept))),
      [1, 2, 10, 10]
    )
  })
})
