import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Parcel } from "../src/Parcel.ts"
import * as Sink from "../src/Sink.ts"

const make = () => {
  let left = 0
  const { readable, sink } = Sink.toReadable(() => left++)
  const reader = readable.getReader()
  const read = Effect.promise(async () => {
    const { value } = await reader.read()
    return value === undefined ? undefined : new TextDecoder().decode(value)
  })
  return { sink, reader, read, left: () => left }
}

describe("a sink that is a ReadableStream", () => {
  it.live("gives what is written, and says what is not taken", () =>
    Effect.gen(function* () {
      const { left, read, sink } = make()
      yield* sink.drained
      sink.write(new Parcel("one"))
      sink.write(new Parcel("two!"))
      assert.strictEqual(sink.unsent(), 7)
      const drained = yield* Effect.fork(sink.drained)
      assert.strictEqual(yield* read, "one")
      assert.strictEqual(sink.unsent(), 4)
      assert.isNull(drained.unsafePoll())
      assert.strictEqual(yield* read, "two!")
      // Whoever reads on wants more.
      const next = yield* Effect.fork(read)
      yield* Fiber.join(drained)
      sink.write(new Parcel("three"))
      assert.strictEqual(yield* Fiber.join(next), "three")
      sink.end()
      sink.end()
      sink.write(new Parcel("too late"))
      assert.isUndefined(yield* read)
      assert.isAtLeast(left(), 1)
    })
  )

  it.live("that is ended is still read to its end, and one that is cut is not", () =>
    Effect.gen(function* () {
      const ended = make()
      ended.sink.write(new Parcel("last"))
      ended.sink.end()
      assert.strictEqual(ended.left(), 0)
      assert.strictEqual(yield* ended.read, "last")
      assert.isUndefined(yield* ended.read)
      assert.strictEqual(ended.left(), 1)

      const cut = make()
      cut.sink.write(new Parcel("last"))
      const drained = yield* Effect.fork(cut.sink.drained)
      yield* Effect.yieldNow()
      cut.sink.cut()
      yield* Fiber.join(drained)
      assert.strictEqual(cut.left(), 1)
      const problem = yield* Effect.promise(() => cut.reader.read().then(() => "read", String))
      assert.include(problem, "was cut off")
      assert.strictEqual(cut.sink.unsent(), 0)
    })
  )

  it.live("whose reader leaves is left, and nothing waits for it", () =>
    Effect.gen(function* () {
      const { left, reader, sink } = make()
      sink.write(new Parcel("never read"))
      const drained = yield* Effect.fork(sink.drained)
      yield* Effect.yieldNow()
      yield* Effect.promise(() => reader.cancel())
      yield* Fiber.join(drained)
      assert.strictEqual(left(), 1)
      sink.write(new Parcel("too late"))
      sink.end()
      sink.cut()
    })
  )
})
