import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import * as Sse from "../src/Sse.ts"

const read = (bytes: Uint8Array, size: number) => {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.slice(index * size, (index + 1) * size)
  )
  return Effect.map(Stream.runCollect(Sse.decode(Stream.fromIterable(pieces))), Chunk.toReadonlyArray)
}

describe("Sse", () => {
  it("writes id, event and data, a field for each line", () => {
    assert.strictEqual(Sse.text({ id: "a-1", event: "x", data: "{}" }), "id: a-1\nevent: x\ndata: {}\n\n")
    assert.strictEqual(
      Sse.text({ event: "x", data: "a\nb\r\nc\rd" }),
      "event: x\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    )
    assert.strictEqual(
      Sse.text({ id: "1\ndata: forged", event: "x\r\n", data: "" }),
      "id: 1data: forged\nevent: x\ndata: \n\n"
    )
    assert.strictEqual(Sse.retry(1234.5), "retry: 1234\n\n")
  })

  it("reads what it wrote, however it is cut into pieces", () =>
    FastCheck.assert(
      FastCheck.asyncProperty(
        FastCheck.array(
          FastCheck.record({ event: FastCheck.stringMatching(/^[a-z.]{1,9}$/), data: FastCheck.fullUnicodeString() })
        ),
        FastCheck.integer({ min: 1, max: 20 }),
        async (sent, size) => {
          const bytes = Buffer.concat(sent.map((message) => Sse.encode(Sse.text(message))))
          const expected = sent.map(({ data, event }) => ({ event, data: data.replace(/\r\n|\r/g, "\n") }))
          assert.deepStrictEqual(await Effect.runPromise(read(bytes, size)), expected)
        }
      )
    ))

  it.effect("passes over comments, retries and events without data, and takes any line end", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode(
        ": hello\r\nretry: 10\r\n\r\nid: 1\rdata:a\rdata: b\r\revent: none\n\nid: 2\nevent: x\ndata\n\ndata: unfinished"
      )
      for (const size of [1, 2, 3, 1000]) {
        assert.deepStrictEqual(yield* read(bytes, size), [
          { id: "1", event: "message", data: "a\nb" },
          { id: "2", event: "x", data: "" }
        ])
      }
    })
  )

  it.effect("gives up on an event without end", () =>
    Effect.gen(function* () {
      const endless = Stream.repeatValue(new TextEncoder().encode(`data: ${"x".repeat(1_000_000)}`))
      const error = yield* Effect.flip(Stream.runDrain(Sse.decode(endless)))
      assert.strictEqual(error._tag, "EventTooLong")
    })
  )
})
