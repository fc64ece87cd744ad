import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Commands } from "../../src/commands/Commands.ts"
import type { Job, JobState } from "../../src/model/Job.ts"
import { type JobCounts, noJobs, tally } from "../../src/model/JobView.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import { HealthMonitor } from "../../src/services/HealthMonitor.ts"
import type { ServiceDefinition } from "../../src/services/ServiceRegistry.ts"
import { ActionRejected, JobSource, make, type Shape, SourceUnavailable } from "../../src/sources/JobSource.ts"
import { run } from "../support/commands.ts"
import { layerHouse, makeFile } from "../support/house.ts"

const serviceOf = (source: Shape, definition: Partial<Omit<ServiceDefinition, "source">> = {}): ServiceDefinition => ({
  id: "own",
  type: "own",
  settle: 0,
  ...definition,
  source: Layer.succeed(JobSource, source)
})

const withSource = (source: Shape, definition?: Partial<Omit<ServiceDefinition, "source">>) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(layerHouse(yield* makeFile, [serviceOf(source, definition)]))
    const reconciler = yield* Effect.provide(Reconciler, context)
    const pass = Effect.flatMap(reconciler.run({}), ([update]) =>
      update === undefined ? Effect.die("no update") : Effect.succeed(update)
    )
    return { context, pass, reconciler }
  })

const job = (id: string, state: JobState = "waiting"): Job => ({ id, queue: "default", state })

/** The system behind the sources here: its jobs, by id. */
const makeSystem = (...initial: ReadonlyArray<Job>) => {
  const jobs = new Map(initial.map((it) => [it.id, it]))
  const counts = Effect.sync(() => tally(jobs.values()))
  const listing = Stream.suspend(() => Stream.fromIterable(Array.from(jobs.values())))
  return { jobs, counts, listing }
}

const order = (actionType: string, target: string) => ({
  commandId: `${actionType}-1`,
  service: "own",
  actionType,
  target
})

describe("a source that says only how many jobs there are", () => {
  it.scoped("is observed: counts alone accuse nobody, and no action is supported", () =>
    Effect.gen(function* () {
      const { counts, jobs } = makeSystem(job("a"))
      const { context, pass } = yield* withSource(make({ counts, finishedKept: "10 minutes" }))
      assert.deepInclude(yield* pass, { status: "verified", basis: "observed", counts: { ...noJobs, waiting: 1 } })
      jobs.clear()
      assert.deepInclude(yield* pass, { status: "verified", basis: "observed", counts: noJobs })
      const commands = yield* Effect.provide(Commands, context)
      const refused = yield* Effect.flip(commands.submit(order("delete-job", "a"), "tester"))
      assert.strictEqual(refused._tag, "ActionNotSupported")
      assert.include(refused.message, "supports: nothing")
      const health = yield* Effect.provide(HealthMonitor, context)
      yield* health.probe
      assert.strictEqual((yield* health.health("own")).status, "healthy")
    })
  )

  it.scoped("accuses by counts when it is strict", () =>
    Effect.gen(function* () {
      const { counts, jobs } = makeSystem(job("a"))
      const { pass } = yield* withSource(make({ counts, finishedKept: "10 minutes" }), { expectation: "strict" })
      yield* pass
      jobs.clear()
      assert.deepStrictEqual((yield* pass).discrepancyDetails?.changedCounts, [
        { state: "waiting", expected: 1, actual: 0 }
      ])
    })
  )
})

describe("a source that also lists", () => {
  it.scoped("accuses of a job that vanished, found gone by looking through the listing", () =>
    Effect.gen(function* () {
      const { counts, jobs, listing } = makeSystem(job("a"), job("b"), job("c", "completed"))
      const source = make({ counts, jobs: listing, finishedKept: "10 minutes" })
      const { pass } = yield* withSource(source)
      yield* pass
      jobs.delete("b")
      jobs.delete("c")
      const found = yield* pass
      assert.deepStrictEqual(found.discrepancyDetails?.missingJobIds, ["b"])
      const a = yield* source.find("a")
      assert.deepInclude(Option.getOrThrow(a), { id: "a", queue: "default", state: "waiting" })
      assert.isTrue(Option.isNone(yield* source.find("b")))
    })
  )

  it.scoped("carries out the one action it has", () =>
    Effect.gen(function* () {
      const { counts, jobs, listing } = makeSystem(job("a"), job("b", "active"))
      const source = make({
        counts,
        jobs: listing,
        finishedKept: "10 minutes",
        actions: {
          deleteJob: (id) =>
            Effect.suspend(() => (jobs.delete(id) ? Effect.void : new ActionRejected({ problem: "it is not there" })))
        }
      })
      const { context, pass } = yield* withSource(source)
      yield* pass
      yield* Effect.gen(function* () {
        const deleted = (yield* run(order("delete-job", "a"))).at(-1)
        assert.deepInclude(deleted, { phase: "success", verified: true })
        const { submit } = yield* Commands
        const refused = yield* Effect.flip(submit(order("retry-job", "a"), "tester"))
        assert.include(refused.message, "supports: delete-job")
      }).pipe(Effect.provide(context))
      assert.strictEqual((yield* pass).status, "verified")
    })
  )
})

describe("a source's defaults", () => {
  it.scoped("end a read that hangs as unavailable, and leave an action to its command's deadline", () =>
    Effect.gen(function* () {
      const hanging = make({
        counts: Effect.never,
        jobs: Stream.never,
        find: () => Effect.never,
        queue: () => Effect.never,
        worker: () => Effect.never,
        stuck: () => Effect.never,
        readTimeout: "2 seconds",
        finishedKept: 0
      })
      const { find, queue, stuck, worker } = hanging
      const reads: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        hanging.counts,
        hanging.ping,
        find("a"),
        queue?.("a") ?? Effect.void,
        worker?.("a") ?? Effect.void,
        stuck?.("") ?? Effect.void,
        Stream.runDrain(hanging.jobs ?? Stream.empty)
      ]
      for (const read of reads) {
        const fiber = yield* Effect.fork(Effect.flip(read))
        yield* TestClock.adjust("1999 millis")
        assert.isNull(fiber.unsafePoll())
        yield* TestClock.adjust("1 millis")
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "SourceUnavailable", reason: "timeout" })
      }
      assert.isTrue(Duration.equals(hanging.finishedKept, Duration.zero))
    })
  )

  it.effect("end a listing that gives chunks for ever, and no job", () =>
    Effect.gen(function* () {
      const empty = Stream.repeatEffectChunk(Effect.delay(Effect.succeed(Chunk.empty<Job>()), "100 millis"))
      const { jobs = Stream.empty } = make({ counts: Effect.succeed(noJobs), jobs: empty, finishedKept: "1 minute" })
      const fiber = yield* Effect.fork(Effect.flip(Stream.runDrain(jobs)))
      yield* TestClock.adjust("3 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "SourceUnavailable", reason: "timeout" })
    })
  )

  it.effect("know nothing that was not said", () =>
    Effect.gen(function* () {
      const bare = make({ counts: Effect.succeed(noJobs), finishedKept: "1 minute" })
      assert.sameMembers(Object.keys(bare), ["counts", "find", "actions", "honoursKeys", "finishedKept", "ping"])
      assert.isFalse(bare.honoursKeys)
      assert.deepInclude(yield* Effect.flip(bare.find("a")), { _tag: "SourceInvalid" })
      const down = make({ counts: new SourceUnavailable({ reason: "connect" }), finishedKept: "1 minute" })
      assert.deepInclude(yield* Effect.flip(down.ping), { reason: "connect" })
    })
  )
})

describe("a source that is wrong", () => {
  const broken = (): never => {
    throw new TypeError("hush")
  }
  const counts = Effect.succeed({ ...noJobs, waiting: 1 })
  const listed = (value: unknown) => make({ counts, jobs: Stream.make(value as Job), finishedKept: "1 minute" })
  const wrongs: ReadonlyArray<readonly [string, Shape, RegExp]> = [
    ["throws", make({ counts: Effect.sync(broken), finishedKept: "1 minute" }), /should not; see the server's log/],
    [
      "throws in the middle of its listing",
      make({ counts, jobs: Stream.concat(Stream.make(job("a")), Stream.sync(broken)), finishedKept: "1 minute" }),
      /should not; see the server's log/
    ],
    [
      "counts what cannot be",
      make({ counts: Effect.succeed({ ...noJobs, waiting: -1 }), finishedKept: "1 minute" }),
      /whole numbers/
    ],
    [
      "counts nothing at all",
      make({ counts: Effect.succeed({} as JobCounts), finishedKept: "1 minute" }),
      /whole numbers/
    ],
    [
      "interrupts whoever asks it",
      make({ counts: Effect.interrupt, finishedKept: "1 minute" }),
      /should not; see the server's log/
    ],
    [
      "interrupts itself in the middle of its listing",
      make({
        counts,
        jobs: Stream.concat(Stream.make(job("a")), Stream.fromEffect(Effect.interrupt)),
        finishedKept: "1 minute"
      }),
      /should not; see the server's log/
    ],
    [
      "fails with a mere text",
      make({ counts: Effect.fail("hush" as never), finishedKept: "1 minute" }),
      /should not; see the server's log/
    ],
    ["lists nothing at all for a job", listed(null), /usable id, queue or state/],
    ["lists jobs without a state", listed({ id: "a", queue: "q" }), /usable id, queue or state/],
    ["lists jobs by numbers", listed({ ...job("a"), id: 7 }), /usable id, queue or state/]
  ]
  for (const [what, source, message] of wrongs) {
    it.scoped(`because it ${what} is stale, with the reason`, () =>
      Effect.gen(function* () {
        const { pass } = yield* withSource(source)
        const update = yield* pass
        assert.strictEqual(update.status, "stale")
        assert.match(update.message ?? "", message)
        assert.notInclude(JSON.stringify(update), "hush")
      })
    )
  }

  it.scoped("because it was made by hand, and never ends, is stale in the end", () =>
    Effect.gen(function* () {
      const { find, ...made } = make({ counts, finishedKept: "1 minute" })
      const endless = Stream.repeatEffectWithSchedule(Effect.succeed(job("a")), Schedule.spaced("1 second"))
      const unique = Stream.zipWithIndex(endless).pipe(Stream.map(([it, n]) => ({ ...it, id: `${it.id}-${n}` })))
      const stubborn = Effect.uninterruptible(Effect.never)
      for (const source of [
        { ...made, find, counts: Effect.never },
        { ...made, find, counts: stubborn },
        { ...made, find, jobs: unique },
        { ...made, find, jobs: Stream.never, isAtomic: true }
      ]) {
        const { pass } = yield* withSource(source)
        const fiber = yield* Effect.fork(pass)
        yield* TestClock.adjust("1 minute")
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* Fiber.join(fiber), { status: "stale", message: "it did not answer in time" })
      }
    })
  )

  it.scoped("never ends the poller: it is asked ever more rarely, and goes on once it is mended", () =>
    Effect.gen(function* () {
      let asked = 0
      let isBroken = true
      const source = make({
        counts: Effect.suspend(() => {
          asked += 1
          return isBroken ? broken() : counts
        }),
        finishedKept: "10 minutes"
      })
      const { reconciler } = yield* withSource(source)
      yield* Effect.forkScoped(reconciler.poll)
      yield* TestClock.adjust("10 minutes")
      assert.isAbove(asked, 9)
      assert.isBelow(asked, 16)
      assert.strictEqual((yield* reconciler.status)[0]?.status, "stale")
      isBroken = false
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* reconciler.status)[0]?.status, "verified")
    })
  )
})
