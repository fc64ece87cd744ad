import { assert, describe, it } from "@effect/vitest"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Commands } from "../src/commands/Commands.ts"
import * as Mithrandir from "../src/Mithrandir.ts"
import { Reconciler } from "../src/reconciliation/Reconciler.ts"
import { HealthMonitor } from "../src/services/HealthMonitor.ts"
import { make } from "../src/sources/JobSource.ts"
import * as MemorySource from "../src/sources/MemorySource.ts"
import { layerHouse, makeFile, service } from "./support/house.ts"

/** A clock that somebody can set, beside the one that goes on evenly. */
const makeSettable = Effect.map(Effect.clock, (even) => {
  let shift = 0
  const read = () => even.unsafeCurrentTimeMillis() + shift
  const clock: Clock.Clock = Object.create(even, {
    unsafeCurrentTimeMillis: { value: read },
    currentTimeMillis: { value: Effect.sync(read) }
  })
  const set = (by: number) => {
    shift += by
  }
  return { clock, set }
})

describe("the daemon", () => {
  for (const [how, hours] of [
    ["back", -1],
    ["on", 1]
  ] as const) {
    it.scoped(`goes on as before where somebody sets the clock ${how} by an hour`, () =>
      Effect.gen(function* () {
        const { clock, set } = yield* makeSettable
        const memory = yield* MemorySource.make
        yield* memory.control.put({ id: "a", state: "failed" }, { id: "b", state: "failed" })
        let [passes, probes] = [0, 0]
        yield* memory.control.hook(
          "counts",
          Effect.sync(() => void passes++)
        )
        const { actions } = memory.source
        const source = {
          ...memory.source,
          ping: Effect.sync(() => void probes++),
          // It says that it retries "b", and does not.
          actions: {
            ...actions,
            retryJob: (id: string, key: string) =>
              id === "b" ? Effect.void : (actions.retryJob?.(id, key) ?? Effect.void)
          }
        }
        const house = layerHouse(yield* makeFile, [service({ ...memory, source })])
        const context = yield* Layer.build(Layer.provideMerge(Mithrandir.layerDaemon, house)).pipe(
          Effect.withClock(clock)
        )
        const commands = Context.get(context, Commands)
        const command = (commandId: string, target: string) =>
          commands
            .submit({ commandId, service: "mail", actionType: "retry-job", target }, "test")
            .pipe(Effect.withClock(clock))
        yield* TestClock.adjust("20 seconds")
        yield* command("before", "a")
        yield* TestClock.adjust("10 seconds")
        // What does not show is looked for during seconds.
        yield* command("meanwhile", "b")
        yield* TestClock.adjust("1 second")
        set(hours * 3_600_000)
        ;[passes, probes] = [0, 0]
        yield* TestClock.adjust("30 seconds")
        assert.isAtLeast(passes, 6)
        assert.isAtLeast(probes, 5)
        assert.deepStrictEqual(yield* Context.get(context, Reconciler).overdue, [])

        const { logs, phase } = yield* commands.get("meanwhile")
        assert.strictEqual(phase, "success", logs.join("\n"))
        assert.include(logs, "looked again: the effect does not show")
        yield* command("after", "a")
        yield* TestClock.adjust("1 second")
        for (const [id, end] of [
          ["before", "success"],
          ["after", "error"]
        ] as const) {
          assert.deepInclude(yield* commands.get(id), { phase: end })
        }
      })
    )
  }

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
