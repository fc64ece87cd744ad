import { assert, describe, it } from "@effect/vitest"
import { type AuditEntry, Page } from "@mithrandir/core"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import * as RecordPages from "../../src/access/RecordPages.ts"

const entry = (id: number): AuditEntry.AuditEntry => ({
  id: `c-${id}`,
  timestamp: DateTime.unsafeMake(id),
  actor: "a",
  actionType: "retry-job",
  target: "t",
  outcome: "success",
  beforeState: null,
  afterState: null,
  commandParams: null,
  logs: []
})

/** A record that grows while it is read: before request `n`, by the entries of `growth[n]`, each at its time. */
const growing = (first: ReadonlyArray<number>, growth: ReadonlyArray<ReadonlyArray<number>>) => {
  let times = [...first].sort((a, b) => a - b)
  let asked = 0
  const ask: RecordPages.AskPage = ({ limit, page, sortOrder }) =>
    Effect.sync(() => {
      times = [...times, ...(growth[asked++] ?? [])].sort((a, b) => a - b)
      const data = (sortOrder === "asc" ? times : times.toReversed()).slice((page - 1) * limit, page * limit).map(entry)
      return { data, meta: Page.meta(page, limit, times.length) }
    })
  return ask
}

const read = (ask: RecordPages.AskPage, limit: number) =>
  Stream.runCollect(RecordPages.entries(ask, limit)).pipe(
    Effect.map((all) => Chunk.toReadonlyArray(all).map(({ timestamp }) => timestamp.epochMillis)),
    Effect.either
  )

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe("RecordPages.entries", () => {
  it.effect("reads a record that stands still whole, in order, and none at all", () =>
    Effect.gen(function* () {
      for (const size of [0, 1, 3, 4, 8, 9]) {
        const ask = growing(numbers(0, size), [])
        assert.deepStrictEqual(yield* read(ask, 4), Either.right(numbers(0, size)))
      }
    })
  )

  it.effect("reads what was there at the beginning, while the record grows at its end", () =>
    Effect.gen(function* () {
      const ask = growing(numbers(0, 9), [[], [], [100], [101, 102], [], [103]])
      assert.deepStrictEqual(yield* read(ask, 4), Either.right(numbers(0, 9)))
    })
  )

  it.effect("fails where an entry came into the part that was read already", () =>
    Effect.gen(function* () {
      // Before the second page: the last entry of the first would be there twice.
      const ask = growing(numbers(10, 20), [[], [], [5]])
      const found = yield* read(ask, 4)
      assert.isTrue(Either.isLeft(found) && found.left._tag === "RecordChanged")
    })
  )

  it("never loses one and never has one twice, however the record grows", async () => {
    const even = fc.integer({ min: 0, max: 20 }).map((n) => 2 * n)
    const odd = fc.integer({ min: 0, max: 20 }).map((n) => 2 * n + 1)
    let whole = 0
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(even, { maxLength: 12 }),
        fc.uniqueArray(odd, { maxLength: 8 }),
        fc.array(fc.nat({ max: 2 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (first, later, pace, limit) => {
          const left = [...later]
          const growth = pace.map((count) => left.splice(0, count))
          const found = await Effect.runPromise(read(growing(first, growth), limit))
          if (Either.isLeft(found)) return
          whole += 1
          const there = [...first, ...(growth[0] ?? [])]
          assert.includeMembers([...found.right], there)
          assert.strictEqual(new Set(found.right).size, found.right.length)
          assert.deepStrictEqual(
            found.right,
            [...found.right].sort((a, b) => a - b)
          )
        }
      ),
      { numRuns: 2000 }
    )
    // Most get through: it does not refuse out of caution.
    assert.isAbove(whole, 1000)
  })
})
