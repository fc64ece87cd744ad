import { assert, describe } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import fc from "fast-check"
import * as EventLog from "../../src/events/EventLog.ts"
import {
  type EventFilter,
  type EventName,
  matches,
  type NewEvent,
  parseId,
  type ResetReason
} from "../../src/model/Event.ts"
import { Write } from "../../src/storage/Change.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile, query } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"

const opened = Effect.gen(function* () {
  const file = yield* makeFile
  const context = yield* Layer.build(
    Layer.provideMerge(EventLog.layer, Layer.provide(Store.layer, layerDatabase(file)))
  )
  const log = Context.get(context, EventLog.EventLog)
  const store = Context.get(context, Store.Store)
  const write = (...events: ReadonlyArray<NewEvent>) => store.commit({ writes: [], events })
  return { file, log, store, write }
})

const event = (service = "mail", name: EventName = "reconciliation.update", subject = service): NewEvent => ({
  name,
  service,
  subject,
  data: "{}"
})
const many = (n: number) => Array.from({ length: n }, () => event())

describe("EventLog", () => {
  it.scoped("replays from any place and goes on with what comes, without a gap or a repeat", () =>
    Effect.gen(function* () {
      const { log, write } = yield* opened
      // More than one page of replay.
      yield* write(...many(1200))
      const fiber = yield* Effect.fork(log.tail(7, {}).pipe(Stream.take(1293), Stream.runCollect))
      for (let round = 0; round < 100; round++) yield* write(event())
      const seqs = Chunk.toReadonlyArray(yield* Fiber.join(fiber)).map(({ seq }) => seq)
      assert.deepStrictEqual(
        seqs,
        Array.from({ length: 1293 }, (_, index) => index + 8)
      )
    })
  )

  it.scoped("gives each listener what its filter wants", () =>
    Effect.gen(function* () {
      const { log, write } = yield* opened
      const services = ["mail", "bulk", "sms"]
      const names = ["reconciliation.update", "command.status"] as const
      const all = services.flatMap((service) => names.map((name) => event(service, name)))
      const stored = yield* write(...all, ...all)
      const filter = fc.record(
        { services: fc.subarray(services, { minLength: 1 }), names: fc.subarray([...names], { minLength: 1 }) },
        { requiredKeys: [] }
      )
      for (const wanted of fc.sample(filter, 30) as ReadonlyArray<EventFilter>) {
        const { events, upTo } = yield* log.page(3, wanted, 100)
        assert.deepStrictEqual(
          events.map(({ seq }) => seq),
          stored.filter((one) => one.seq > 3 && matches(wanted, one)).map(({ seq }) => seq)
        )
        assert.strictEqual(upTo, 12)
      }
    })
  )

  it.scoped("takes an id for a place, or says why it cannot", () =>
    Effect.gen(function* () {
      const { log, store, write } = yield* opened
      yield* write(...many(10))
      yield* store.commit({ writes: [Write.EventsPruned({ upTo: 4 })], events: [] })
      const after = (seq: number): EventLog.Resumption => ({ _tag: "After", seq })
      const reset = (reason: ResetReason): EventLog.Resumption => ({
        _tag: "Reset",
        reason,
        oldest: 5,
        newest: 10
      })
      assert.deepEqual(yield* log.resume(log.idOf(7), {}), after(7))
      assert.deepEqual(yield* log.resume(log.idOf(10), {}), after(10))
      assert.deepEqual(yield* log.resume(log.idOf(4), {}), after(4))
      assert.deepEqual(yield* log.resume("0", {}), after(4))
      assert.deepEqual(yield* log.resume(log.idOf(3), {}), reset("pruned"))
      assert.deepEqual(yield* log.resume(log.idOf(11), {}), reset("future"))
      assert.deepEqual(yield* log.resume("somebodyelse-7", {}), reset("foreign"))
      for (const text of [
        "",
        "7",
        "-7",
        `${log.idOf(7)} `,
        `${log.idOf(7)}.5`,
        `${store.logId}--7`,
        "x".repeat(1000)
      ]) {
        assert.deepEqual(yield* log.resume(text, {}), reset("malformed"), text)
      }
    })
  )

  it.scoped("a page says what is kept, so that a reader sees what pruning took from before it", () =>
    Effect.gen(function* () {
      const { log, store, write } = yield* opened
      yield* write(...many(10))
      assert.strictEqual((yield* log.page(0, {}, 3)).oldest, 1)
      yield* store.commit({ writes: [Write.EventsPruned({ upTo: 7 })], events: [] })
      const { events, oldest } = yield* log.page(3, {}, 3)
      assert.deepStrictEqual([oldest, events.map(({ seq }) => seq)], [8, [8, 9, 10]])
      yield* store.commit({ writes: [Write.EventsPruned({ upTo: 10 })], events: [] })
      assert.strictEqual((yield* log.page(10, {}, 3)).oldest, 11)
    })
  )

  it.scoped("lets a listener start anew who is more than 5,000 matching events behind", () =>
    Effect.gen(function* () {
      const { log, write } = yield* opened
      yield* write(...many(5_001), event("other"))
      assert.strictEqual((yield* log.resume(log.idOf(0), {}))._tag, "Reset")
      assert.strictEqual((yield* log.resume(log.idOf(1), { services: ["mail"] }))._tag, "After")
      assert.strictEqual((yield* log.resume(log.idOf(0), { services: ["other"] }))._tag, "After")
    })
  )

  it.scoped("keeps events for a day, and at most 100,000", () =>
    Effect.gen(function* () {
      const { file, log, write } = yield* opened
      yield* write(...many(2_500))
      yield* TestClock.adjust("23 hours")
      yield* write(...many(10))
      assert.strictEqual(yield* log.prune, 0)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(yield* log.prune, 2_500)
      assert.deepStrictEqual(query(file, "SELECT MIN(seq) AS a, MAX(seq) AS b FROM event"), [{ a: 2_501, b: 2_510 }])
      // As many more as are kept, put there at once.
      const db = new Sqlite(file)
      db.exec(`
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
        INSERT INTO event SELECT 2510 + i, time, name, service, subject, data FROM n, event WHERE seq = 2510;
        UPDATE event_seq SET newest = 102509`)
      db.close()
      yield* write(...many(1))
      assert.strictEqual(yield* log.prune, 10)
    })
  )

  it("reads ids strictly", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,40}$/), fc.nat(), (logId, seq) => {
        const parsed = parseId(`${logId}-${seq}`)
        assert.deepStrictEqual(parsed._tag === "Some" && parsed.value, { logId, seq })
      })
    )
  })
})
