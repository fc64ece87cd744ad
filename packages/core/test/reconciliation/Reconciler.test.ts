import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as ExpectedState from "../../src/ledger/ExpectedState.ts"
import { tally } from "../../src/model/JobView.ts"
import * as Reconciler from "../../src/reconciliation/Reconciler.ts"
import { SourceInvalid, SourceUnavailable } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { type HouseOptions, layerHouse, makeFile, query, service } from "../support/house.ts"

const rows = (file: string) =>
  query<{ status: string; discrepancy_details_json: string | null }>(
    file,
    "SELECT * FROM discrepancy_event ORDER BY timestamp, id"
  )

/** A mail service with jobs a (waiting), b (active), c (completed), d (failed), and one pass behind it. */
const begun = (definition: Parameters<typeof service>[1] = {}, options: HouseOptions = {}) =>
  Effect.gen(function* () {
    const memory = yield* MemorySource.make
    const file = yield* makeFile
    yield* memory.control.put(
      { id: "a" },
      { id: "b", state: "active" },
      { id: "c", state: "completed" },
      { id: "d", state: "failed" }
    )
    const context = yield* Layer.build(layerHouse(file, [service(memory, definition)], options))
    const reconciler = yield* Effect.provide(Reconciler.Reconciler, context)
    const pass = (acceptAs?: string) =>
      Effect.flatMap(reconciler.run(acceptAs === undefined ? {} : { acceptAs }), ([update]) =>
        update === undefined ? Effect.die("no update") : Effect.succeed(update)
      )
    const first = yield* pass()
    return { ...memory, file, context, reconciler, pass, first }
  })

describe("a pass", () => {
  it.scoped("adopts what is there where there is no ledger yet", () =>
    Effect.gen(function* () {
      const { file, first } = yield* begun()
      assert.strictEqual(first.status, "verified")
      assert.strictEqual(first.rebaselined, true)
      assert.isUndefined(first.ledgerAgeMs)
      assert.deepStrictEqual(first.counts, { waiting: 1, active: 1, delayed: 0, completed: 1, failed: 1 })
      assert.deepStrictEqual(rows(file), [])
    })
  )

  it.scoped("explains the ordinary life of jobs", () =>
    Effect.gen(function* () {
      const { control, file, pass } = yield* begun()
      yield* control.put({ id: "a", state: "active" }, { id: "b", state: "failed" }, { id: "d" }, { id: "e" })
      yield* control.remove("c")
      const update = yield* pass()
      assert.strictEqual(update.status, "verified")
      assert.isUndefined(update.rebaselined)
      assert.deepStrictEqual(rows(file), [])
    })
  )

  it.scoped("accuses of an unfinished job that vanished, and keeps doing so until it is accepted", () =>
    Effect.gen(function* () {
      const { control, file, pass } = yield* begun()
      yield* control.remove("a")
      const found = yield* pass()
      assert.strictEqual(found.status, "discrepancy")
      assert.deepStrictEqual(found.discrepancyDetails?.missingJobIds, ["a"])
      assert.strictEqual(found.discrepancyDetails?.missingJobCount, 1)
      assert.deepStrictEqual(found.discrepancyDetails?.expected, {
        waiting: 1,
        active: 1,
        delayed: 0,
        completed: 1,
        failed: 1
      })
      yield* TestClock.adjust("1 minute")
      const again = yield* pass()
      assert.strictEqual(again.status, "discrepancy")
      assert.deepStrictEqual(again.discrepancyDetails?.since, found.discrepancyDetails?.since)
      assert.strictEqual(rows(file).length, 1)

      const accepted = yield* pass("oncall")
      assert.strictEqual(accepted.status, "verified")
      assert.deepStrictEqual(accepted.discrepancyDetails?.accepted, { actor: "oncall", disputes: 1 })
      assert.deepStrictEqual(accepted.discrepancyDetails?.missingJobIds, ["a"])
      assert.strictEqual((yield* pass()).status, "verified")
      assert.deepStrictEqual(
        rows(file).map(({ status }) => status),
        ["discrepancy", "verified"]
      )
    })
  )

  it.scoped("ends a dispute when the sides agree again", () =>
    Effect.gen(function* () {
      const { control, file, pass } = yield* begun()
      yield* control.remove("a")
      assert.strictEqual((yield* pass()).status, "discrepancy")
      yield* control.put({ id: "a", state: "active" })
      const ended = yield* pass()
      assert.strictEqual(ended.status, "verified")
      assert.deepStrictEqual(
        ended.discrepancyDetails?.ended?.map(({ by, id }) => [id, by]),
        [["a", "explanation"]]
      )
      assert.deepStrictEqual(
        rows(file).map(({ status }) => status),
        ["discrepancy", "verified"]
      )
    })
  )

  it.scoped("accuses of a completed job that came back to life", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      yield* control.put({ id: "c", state: "waiting" })
      const update = yield* pass()
      assert.strictEqual(update.status, "discrepancy")
      assert.deepStrictEqual(update.discrepancyDetails?.changedJobs, [
        { id: "c", expected: "completed", actual: "waiting" }
      ])
    })
  )

  it.scoped("accuses of counts that hold still and contradict the listing, twice", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      const truth = tally(yield* control.jobs)
      yield* control.lie({ ...truth, waiting: 7 })
      const update = yield* pass()
      assert.strictEqual(update.status, "discrepancy")
      assert.deepStrictEqual(update.discrepancyDetails?.changedCounts, [{ state: "waiting", expected: 1, actual: 7 }])
      yield* control.lie(undefined)
      assert.strictEqual((yield* pass()).status, "verified")
    })
  )

  it.scoped("gives a difference time to settle, and forgets it if it goes", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun({ settle: "250 millis" })
      yield* control.remove("a")
      const fiber = yield* Effect.fork(pass())
      yield* TestClock.adjust("249 millis")
      assert.isNull(fiber.unsafePoll())
      yield* control.put({ id: "a" })
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).status, "verified")
    })
  )

  it.scoped("does not accuse of a job that a look finds", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      yield* control.remove("a")
      yield* control.hook("find", control.put({ id: "a" }))
      assert.strictEqual((yield* pass()).status, "verified")
    })
  )

  it.scoped("accuses of many vanished jobs by a sample, and names a hundred", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      const ids = Array.from({ length: 250 }, (_, index) => `many-${String(index).padStart(3, "0")}`)
      yield* control.put(...ids.map((id) => ({ id })))
      yield* pass()
      let looked = 0
      yield* control.hook(
        "find",
        Effect.sync(() => void looked++)
      )
      yield* control.remove(...ids)
      const update = yield* pass()
      assert.strictEqual(looked, 100)
      assert.strictEqual(update.discrepancyDetails?.missingJobCount, 250)
      assert.deepStrictEqual(update.discrepancyDetails?.missingJobIds, ids.slice(0, 100))
    })
  )

  it.scoped("accuses nobody of absence once finished jobs may have left", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      yield* TestClock.adjust("11 minutes")
      yield* control.remove("a", "b")
      const update = yield* pass()
      assert.strictEqual(update.status, "verified")
      assert.strictEqual(update.rebaselined, true)
      assert.strictEqual(update.ledgerAgeMs, 11 * 60_000)
    })
  )

  it.scoped("accuses nobody of absence where finished jobs may have left while it was reading", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      yield* TestClock.adjust("9 minutes")
      yield* control.remove("a", "b")
      let listings = 0
      yield* control.hook(
        "listing",
        // The one that is to confirm.
        Effect.suspend(() => (++listings === 2 ? TestClock.adjust("2 minutes") : Effect.void))
      )
      const update = yield* pass()
      assert.strictEqual(listings, 2)
      assert.strictEqual(update.status, "verified")
      assert.isAtLeast(update.ledgerAgeMs ?? 0, 11 * 60_000)
    })
  )

  it.scoped("keeps an open dispute through a rebaseline", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      yield* control.remove("a")
      yield* pass()
      yield* TestClock.adjust("11 minutes")
      const update = yield* pass()
      assert.strictEqual(update.status, "discrepancy")
      assert.strictEqual(update.rebaselined, true)
    })
  )

  it.scoped("takes no job that leaves by itself for a vanished one", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun()
      yield* control.put({ id: "fleeting", leaves: true })
      yield* pass()
      yield* control.remove("fleeting")
      assert.strictEqual((yield* pass()).status, "verified")
    })
  )

  it.scoped("accuses, when strict, of everything but finished jobs leaving", () =>
    Effect.gen(function* () {
      const { control, pass } = yield* begun({ expectation: "strict" })
      yield* control.remove("c")
      assert.strictEqual((yield* pass()).status, "verified")
      yield* control.put({ id: "new" }, { id: "a", state: "active" })
      const update = yield* pass()
      assert.deepStrictEqual(update.discrepancyDetails?.unexpectedJobIds, ["new"])
      assert.deepStrictEqual(update.discrepancyDetails?.changedJobs, [
        { id: "a", expected: "waiting", actual: "active" }
      ])
    })
  )
})

describe("a source that fails", () => {
  it.scoped("is stale, on the record after two in a row, and nothing is missing", () =>
    Effect.gen(function* () {
      const { control, file, first, pass } = yield* begun()
      yield* control.failWith(new SourceUnavailable({ reason: "connect" }))
      const once = yield* pass()
      assert.strictEqual(once.status, "stale")
      assert.deepStrictEqual(once.counts, first.counts)
      assert.strictEqual(once.checksum, first.checksum)
      assert.isUndefined(once.discrepancyDetails)
      assert.deepStrictEqual(rows(file), [])
      yield* pass()
      yield* pass()
      assert.deepStrictEqual(
        rows(file).map(({ status }) => status),
        ["stale"]
      )
      yield* control.recover
      assert.strictEqual((yield* pass()).status, "verified")
      assert.deepStrictEqual(
        rows(file).map(({ status }) => status),
        ["stale", "verified"]
      )
    })
  )

  it.scoped("is stale also when it answers nonsense, and before anything was counted", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.failWith(new SourceInvalid({ problem: "counts must not be negative" }))
      const file = yield* makeFile
      const context = yield* Layer.build(layerHouse(file, [service(memory)]))
      const [update] = yield* Effect.flatMap(Reconciler.Reconciler, (it) => it.run({})).pipe(Effect.provide(context))
      assert.strictEqual(update?.status, "stale")
      assert.deepStrictEqual(update?.counts, {})
      // SHA-256 of `{}`
      assert.strictEqual(update?.checksum, "v1:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    })
  )
})

describe("polling", () => {
  it.scoped("passes at once, then at its interval, and more rarely while the source fails", () =>
    Effect.gen(function* () {
      const { control, reconciler } = yield* begun()
      let passes = 0
      yield* control.hook(
        "listing",
        Effect.sync(() => void passes++)
      )
      yield* Effect.forkScoped(reconciler.poll)
      yield* TestClock.adjust("0 millis")
      assert.strictEqual(passes, 1)
      yield* TestClock.adjust("1 minute")
      assert.isAtLeast(passes, 12)
      assert.isAtMost(passes, 14)

      let tries = 0
      yield* control.failWith(new SourceUnavailable({ reason: "connect" }))
      yield* control.hook(
        "counts",
        Effect.sync(() => void tries++)
      )
      yield* TestClock.adjust("10 minutes")
      // 5 s, 5, 10, 20, 40, then once a minute.
      assert.isAtLeast(tries, 12)
      assert.isAtMost(tries, 15)
    })
  )

  it.scoped("waits no longer for passes that somebody else had while the source failed", () =>
    Effect.gen(function* () {
      const { control, reconciler } = yield* begun()
      yield* control.failWith(new SourceUnavailable({ reason: "connect" }))
      yield* Effect.forkScoped(reconciler.poll)
      yield* TestClock.adjust("0 millis")
      for (let again = 0; again < 20; again++) yield* reconciler.run({})
      const tries: Array<number> = []
      yield* control.hook(
        "counts",
        Effect.map(Clock.currentTimeMillis, (now) => void tries.push(now / 1_000))
      )
      yield* TestClock.adjust("3 minutes")
      const [first = Number.NaN, ...later] = tries
      assert.isAtMost(first, 5)
      assert.deepStrictEqual(
        later.map((time) => Math.round(time - first)),
        [10, 30, 70, 130]
      )
    })
  )

  it.scoped("goes on at its interval as soon as somebody else's pass went well", () =>
    Effect.gen(function* () {
      const { control, reconciler } = yield* begun()
      yield* control.failWith(new SourceUnavailable({ reason: "connect" }))
      yield* Effect.forkScoped(reconciler.poll)
      yield* TestClock.adjust("10 minutes")
      yield* control.recover
      assert.deepInclude((yield* reconciler.run({}))[0], { status: "verified" })
      let passes = 0
      yield* control.hook(
        "listing",
        Effect.sync(() => void passes++)
      )
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(passes, 4)
    })
  )
})

describe("a source that asks to be left alone", () => {
  it.scoped("is, for as long as it asks, but never for more than a minute; a pass that somebody wants is made", () =>
    Effect.gen(function* () {
      const { control, pass, reconciler } = yield* begun()
      yield* Effect.forkScoped(reconciler.poll)
      yield* TestClock.adjust("0 millis")
      let tries = 0
      yield* control.hook(
        "counts",
        Effect.sync(() => void tries++)
      )
      /** Tries to the next pass, which fails so. */
      const after = (retryAfterMs: number) =>
        Effect.zipRight(
          control.failWith(new SourceUnavailable({ reason: "limited", retryAfterMs })),
          Effect.iterate(tries, {
            while: (before) => tries === before,
            body: (it) => Effect.as(TestClock.adjust("1 second"), it)
          })
        )
      const tryAgainAt = (seconds: number) =>
        Effect.gen(function* () {
          const before = tries
          yield* TestClock.adjust(`${seconds - 1} seconds`)
          assert.strictEqual(tries, before)
          yield* TestClock.adjust("1 second")
          assert.isAbove(tries, before)
        })
      yield* after(30_000)
      yield* control.failWith(new SourceUnavailable({ reason: "limited", retryAfterMs: 3_600_000 }))
      yield* tryAgainAt(30)
      const before = tries
      assert.strictEqual((yield* pass()).message, "it asked us to slow down")
      assert.strictEqual(tries, before + 1)
      yield* control.recover
      yield* tryAgainAt(60)
    })
  )
})

describe("what is polled", () => {
  it.scoped("is overdue once no pass has ended, or begun, for too long; and nothing else is", () =>
    Effect.gen(function* () {
      const { control, reconciler } = yield* begun()
      const overdue = reconciler.overdue
      // Nobody polls: nobody waits for a pass.
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* overdue, [])

      const poller = yield* Effect.forkScoped(reconciler.poll)
      yield* control.failWith(new SourceUnavailable({ reason: "connect" }))
      for (let minutes = 0; minutes < 10; minutes++) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* overdue, [])
      }
      yield* Fiber.interrupt(poller)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* overdue, [])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* overdue, ["mail"])

      yield* control.recover
      yield* Effect.forkScoped(reconciler.poll)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* overdue, [])
    })
  )
})

describe("a pass that cannot be concluded", () => {
  it.scoped("is stale, with the reason, and the next one is as any other", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "a" }, { id: "b" })
      let asked = 0
      // While it is examined it answers; once the account is open it throws.
      const covers = () => {
        asked += 1
        if (asked === 3) throw new TypeError("hush")
        return true
      }
      const source = Object.create(memory.source, { covers: { value: covers } })
      const context = yield* Layer.build(layerHouse(yield* makeFile, [service({ ...memory, source })]))
      const { run } = yield* Effect.provide(Reconciler.Reconciler, context)
      yield* run({})
      yield* memory.control.remove("a")
      const [lost] = yield* run({})
      assert.deepInclude(lost, {
        status: "stale",
        message: "it failed in a way that it should not; see the server's log"
      })
      assert.deepStrictEqual((yield* run({}))[0]?.discrepancyDetails?.missingJobIds, ["a"])
    })
  )
})

describe("a clock that was set back", () => {
  it.scoped("does not make a row of every pass", () =>
    Effect.gen(function* () {
      const { control, file, pass } = yield* begun()
      yield* TestClock.adjust("1 minute")
      yield* control.remove("a")
      yield* pass()
      yield* TestClock.setTime(0)
      yield* pass("oncall")
      for (let n = 0; n < 5; n++) yield* pass()
      assert.strictEqual(rows(file).length, 2)
    })
  )
})

describe("an expected side of somebody else's", () => {
  it.scoped("is what is verified", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "a" }, { id: "b" })
      const jobs = new Map([["a", { id: "a", queue: "default", state: "waiting" as const }]])
      const expected = ExpectedState.layer({
        mail: Effect.map(DateTime.now, (asOf) => Option.some({ asOf, counts: tally(jobs.values()), jobs }))
      })
      const file = yield* makeFile
      const context = yield* Layer.build(layerHouse(file, [service(memory, { expectation: "strict" })], { expected }))
      const [update] = yield* Effect.flatMap(Reconciler.Reconciler, (it) => it.run({})).pipe(Effect.provide(context))
      assert.strictEqual(update?.status, "discrepancy")
      assert.deepStrictEqual(update?.discrepancyDetails?.unexpectedJobIds, ["b"])
    })
  )

  it.scoped("that nobody keeps up to date is stale, and verifies nothing", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const jobs = new Map()
      const asOf = DateTime.unsafeMake(0)
      const expected = ExpectedState.layer({
        mail: Effect.succeed(Option.some({ asOf, counts: tally(jobs.values()), jobs }))
      })
      const file = yield* makeFile
      const context = yield* Layer.build(layerHouse(file, [service(memory)], { expected }))
      yield* TestClock.adjust("11 minutes")
      const [update] = yield* Effect.flatMap(Reconciler.Reconciler, (it) => it.run({})).pipe(Effect.provide(context))
      assert.strictEqual(update?.status, "stale")
      assert.match(update?.message ?? "", /11m ago/)
    })
  )
})
