import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as DiscrepancyLog from "../../src/reconciliation/DiscrepancyLog.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { layerHouse, makeFile, service } from "../support/house.ts"

describe("DiscrepancyLog", () => {
  it.scoped("pages what differed, newest first, by service, status and time", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "a" }, { id: "b" })
      const services = [service(memory), service(memory, { id: "other" })]
      const context = yield* Layer.build(layerHouse(yield* makeFile, services))
      const reconciler = Context.get(context, Reconciler)
      const log = Context.get(context, DiscrepancyLog.DiscrepancyLog)
      const page = (query: Record<string, unknown>) =>
        log.page(Schema.decodeUnknownSync(DiscrepancyLog.DiscrepancyQuery)(query))
      yield* reconciler.run({})
      yield* memory.control.remove("a")
      yield* reconciler.run({ service: "mail" })
      yield* TestClock.adjust("1 minute")
      yield* reconciler.run({ service: "other" })
      yield* TestClock.adjust("1 minute")
      yield* reconciler.run({ service: "mail", acceptAs: "oncall" })

      const { data, meta } = yield* page({})
      assert.deepStrictEqual(
        data.map((row) => [row.service, row.status, row.timestamp.epochMillis]),
        [
          ["mail", "verified", 120_000],
          ["other", "discrepancy", 60_000],
          ["mail", "discrepancy", 0]
        ]
      )
      assert.deepStrictEqual(meta, { page: 1, limit: 50, total: 3, totalPages: 1 })
      assert.deepStrictEqual(data[0]?.discrepancyDetails?.accepted, { actor: "oncall", disputes: 1 })
      assert.deepStrictEqual(data[2]?.discrepancyDetails?.missingJobIds, ["a"])
      const found = (query: Record<string, unknown>) =>
        Effect.map(page(query), (page) => page.data.map((row) => row.timestamp.epochMillis))
      assert.deepStrictEqual(yield* found({ service: "mail", sortOrder: "asc" }), [0, 120_000])
      assert.deepStrictEqual(yield* found({ status: "discrepancy", limit: 1, page: 2 }), [0])
      const minute = { startDate: "1970-01-01T00:01:00Z", endDate: "1970-01-01T00:02:00Z" }
      assert.deepStrictEqual(yield* found(minute), [60_000])
      assert.deepStrictEqual((yield* page({ service: "nobody" })).meta, { page: 1, limit: 50, total: 0, totalPages: 0 })
    })
  )
})
