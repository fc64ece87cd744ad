import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Mithrandir from "../src/Mithrandir.ts"
import { Reconciler } from "../src/reconciliation/Reconciler.ts"
import { HealthMonitor } from "../src/services/HealthMonitor.ts"
import { make } from "../src/sources/JobSource.ts"
import * as MemorySource from "../src/sources/MemorySource.ts"
import { layerHouse, makeFile, service } from "./support/house.ts"

describe("the daemon", () => {
  it.scoped("goes on with every other service where a source interrupts whoever asks it", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "failed", state: "failed" })
      let isClosed = false
      const orClosed = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.suspend(() => (isClosed ? Effect.interrupt : effect))
      const { counts, jobs = Stream.empty, ping } = memory.source
      const closing = {
        ...memory,
        source: make({ counts: orClosed(counts), jobs, ping: orClosed(ping), finishedKept: "10 minutes" })
      }
      const services = [service(closing, { id: "closing" }), service(memory)]
      const context = yield* Layer.build(
        Layer.provideMerge(Mithrandir.layerDaemon, layerHouse(yield* makeFile, services))
      )
      const reconciler = Context.get(context, Reconciler)
      const health = Context.get(context, HealthMonitor)
      const told = Effect.gen(function* () {
        const updates = yield* reconciler.status
        const statuses = updates.map(({ service, status }) => [service, status])
        const probes = yield* Effect.forEach(["closing", "mail"], health.health)
        return { updates, statuses, healths: probes.map(({ status }) => status), probes }
      })
      yield* TestClock.adjust("6 seconds")
      const before = yield* told
      assert.deepStrictEqual(before.statuses, [
        ["closing", "verified"],
        ["mail", "verified"]
      ])
      assert.deepStrictEqual(before.healths, ["healthy", "healthy"])

      isClosed = true
      yield* TestClock.adjust("20 seconds")
      const after = yield* told
      assert.deepStrictEqual(after.statuses, [
        ["closing", "stale"],
        ["mail", "verified"]
      ])
      assert.deepStrictEqual(after.healths, ["unhealthy", "healthy"])
      const now = yield* DateTime.now
      for (const { checkedAt } of after.probes) {
        assert.isAtMost(now.epochMillis - (checkedAt?.epochMillis ?? 0), 5_000)
      }
      assert.isAtMost(now.epochMillis - (after.updates[1]?.observedAt.epochMillis ?? 0), 5_000)
      assert.deepStrictEqual(yield* reconciler.overdue, [])

      isClosed = false
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual((yield* told).statuses, before.statuses)
      assert.deepStrictEqual((yield* told).healths, before.healths)
    })
  )
})
