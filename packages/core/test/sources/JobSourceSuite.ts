/** What every source promises: one suite, run over each of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Job, type JobId, type JobState, jobStates } from "../../src/model/Job.ts"
import { noJobs, tally } from "../../src/model/JobView.ts"
import type * as JobSource from "../../src/sources/JobSource.ts"

/** A system behind a source, and how to arrange it. */
export interface Upstream {
  readonly source: JobSource.Shape
  /** Two queues that exist, empty at first. */
  readonly queues: readonly [string, string]
  /** Makes a job of that state, named `name` where given; the id is the source's. */
  readonly seed: (queue: string, state: JobState, name?: string) => Effect.Effect<JobId>
  /** A worker service, where the system has such. */
  readonly worker?: string
}

export const listed = (source: JobSource.Shape) =>
  Effect.map(Stream.runCollect(source.jobs ?? Stream.die("this source lists nothing")), Chunk.toReadonlyArray)

const byId = (jobs: ReadonlyArray<Job>) => new Map(jobs.map((job) => [job.id, job]))

/** Runs the suite. The upstream is made anew for every test. */
export const jobSourceSuite = (upstream: Effect.Effect<Upstream, unknown, Scope.Scope>): void => {
  const test = (name: string, body: (up: Upstream) => Effect.Effect<void, unknown>) =>
    it.scopedLive(name, () => Effect.flatMap(upstream, body))

  describe("reading", () => {
    test("an empty system counts and lists nothing", ({ source }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual({ ...(yield* source.counts) }, noJobs)
        assert.deepStrictEqual(yield* listed(source), [])
        yield* source.ping
      }))

    test("lists every job once, with its queue and state, and counts the same", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        const expected = new Map<JobId, { readonly queue: string; readonly state: JobState }>()
        for (const queue of queues) {
          for (const state of jobStates) expected.set(yield* seed(queue, state), { queue, state })
        }
        const jobs = yield* listed(source)
        assert.strictEqual(jobs.length, expected.size)
        for (const { id, queue, state } of jobs) assert.deepStrictEqual({ queue, state }, expected.get(id))
        assert.deepStrictEqual({ ...(yield* source.counts) }, tally(jobs))
      }))

    test("finds each job in the state it is listed in, and none that does not exist", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        for (const state of jobStates) {
          const id = yield* seed(queues[0], state)
          const found = yield* source.find(id)
          assert.deepStrictEqual(
            Option.map(found, (job) => ({ id: job.id, queue: job.queue, state: job.state })),
            Option.some({ id, queue: queues[0], state })
          )
        }
        assert.deepStrictEqual(yield* source.find("no-such-job"), Option.none())
        assert.deepStrictEqual(yield* source.find(`${queues[0]}:no-such-job`), Option.none())
      }))

    test("an id of any characters reaches the other side whole", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        for (const name of ["a/b", "50%", "what?", "no#1", "ü €😀", "a b+c", "%2F", "..x", "retry"]) {
          const id = yield* seed(queues[0], "waiting", name)
          assert.strictEqual(Option.getOrThrow(yield* source.find(id)).id, id)
          yield* source.actions.deleteJob?.(id, `delete-${encodeURIComponent(name)}`) ?? Effect.void
          assert.deepStrictEqual(yield* source.find(id), Option.none())
        }
      }))

    test("looks a queue up by its name", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        yield* seed(queues[0], "waiting")
        yield* seed(queues[0], "failed")
        yield* seed(queues[1], "delayed")
        const queue = Option.getOrThrow(yield* source.queue?.(queues[0]) ?? Effect.succeedNone)
        assert.strictEqual(queue.name, queues[0])
        assert.deepStrictEqual({ ...queue.counts }, { ...noJobs, waiting: 1, failed: 1 })
        assert.deepStrictEqual(yield* source.queue?.("no-such-queue") ?? Effect.succeedNone, Option.none())
      }))

    test("says how long finished jobs stay", ({ source }) =>
      Effect.sync(() => assert.isAbove(Duration.toMillis(source.finishedKept), 0)))
  })

  describe("retryJob", () => {
    test("puts a failed job back to work", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        const id = yield* seed(queues[0], "failed")
        yield* retry(source, id, "r1")
        assert.notStrictEqual(Option.getOrThrow(yield* source.find(id)).state, "failed")
      }))

    test("is refused for a job that has not failed, and changes nothing", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        for (const state of jobStates.filter((state) => state !== "failed")) {
          const id = yield* seed(queues[0], state)
          assert.strictEqual((yield* Effect.flip(retry(source, id, `r-${state}`)))._tag, "ActionRejected")
          assert.strictEqual(Option.getOrThrow(yield* source.find(id)).state, state)
        }
      }))

    test("of a job that does not exist fails with TargetNotFound", ({ queues, source }) =>
      Effect.gen(function* () {
        for (const id of ["no-such-job", `${queues[0]}:no-such-job`, "stuck", "counts"]) {
          assert.deepInclude(yield* Effect.flip(retry(source, id, `r-${id}`)), { _tag: "TargetNotFound", target: id })
        }
      }))
  })

  describe("deleteJob", () => {
    test("removes a job that is not active, and only that", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        const other = yield* seed(queues[0], "waiting")
        for (const state of jobStates.filter((state) => state !== "active")) {
          const id = yield* seed(queues[0], state)
          yield* remove(source, id, `d-${state}`)
          assert.deepStrictEqual(yield* source.find(id), Option.none())
        }
        assert.deepStrictEqual(
          (yield* listed(source)).map((job) => job.id),
          [other]
        )
      }))

    test("is refused for an active job", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        const id = yield* seed(queues[0], "active")
        assert.strictEqual((yield* Effect.flip(remove(source, id, "d")))._tag, "ActionRejected")
        assert.strictEqual(Option.getOrThrow(yield* source.find(id)).state, "active")
      }))

    test("of a job that does not exist fails with TargetNotFound", ({ queues, source }) =>
      Effect.gen(function* () {
        for (const id of ["no-such-job", `${queues[0]}:no-such-job`, "stuck", "counts"]) {
          assert.deepInclude(yield* Effect.flip(remove(source, id, `d-${id}`)), { _tag: "TargetNotFound", target: id })
        }
      }))
  })

  describe("purgeQueue", () => {
    test("removes the waiting and delayed jobs of one queue and gives their number", ({ queues, seed, source }) =>
      Effect.gen(function* () {
        const purged: Array<JobId> = []
        const kept: Array<JobId> = []
        for (const state of jobStates) {
          ;(state === "waiting" || state === "delayed" ? purged : kept).push(yield* seed(queues[0], state))
          kept.push(yield* seed(queues[1], state))
        }
        purged.push(yield* seed(queues[0], "waiting"))
        assert.strictEqual(yield* purge(source, queues[0], "p1"), purged.length)
        const left = byId(yield* listed(source))
        assert.sameMembers([...left.keys()], kept)
        assert.strictEqual(yield* purge(source, queues[0], "p2"), 0)
        // The queue goes on working.
        const later = yield* seed(queues[0], "completed")
        assert.strictEqual(Option.getOrThrow(yield* source.find(later)).state, "completed")
      }))

    test("of a queue that does not exist fails with TargetNotFound", ({ source }) =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(purge(source, "no-such-queue", "p")), { _tag: "TargetNotFound" })
      }))
  })

  describe("restartService", () => {
    test("gives another instance, where there are workers", ({ source, worker }) =>
      Effect.gen(function* () {
        const restart = source.actions.restartService
        if (worker === undefined || restart === undefined || source.worker === undefined) {
          return assert.isUndefined(restart)
        }
        const before = Option.getOrThrow(yield* source.worker(worker))
        yield* restart(worker, "s1")
        assert.notStrictEqual(Option.getOrThrow(yield* source.worker(worker)).instanceId, before.instanceId)
        assert.deepStrictEqual(yield* source.worker("no-such-service"), Option.none())
        assert.deepInclude(yield* Effect.flip(restart("no-such-service", "s2")), { _tag: "TargetNotFound" })
      }))
  })

  test("a repeated key gives the first answer and has no second effect, where keys are honoured", (up) =>
    Effect.gen(function* () {
      const { queues, seed, source } = up
      if (!source.honoursKeys) return
      const id = yield* seed(queues[0], "failed", "again")
      yield* retry(source, id, "same")
      yield* retry(source, id, "same")
      yield* seed(queues[0], "waiting")
      const purged = yield* purge(source, queues[0], "purge")
      const survivor = yield* seed(queues[0], "waiting")
      assert.strictEqual(yield* purge(source, queues[0], "purge"), purged)
      assert.isTrue(Option.isSome(yield* source.find(survivor)))
      assert.strictEqual((yield* Effect.flip(retry(source, survivor, "bad")))._tag, "ActionRejected")
      assert.strictEqual((yield* Effect.flip(retry(source, survivor, "bad")))._tag, "ActionRejected")
    }))
}

const missing = Effect.die("the source does not support it")
const retry = (source: JobSource.Shape, id: JobId, key: string) => source.actions.retryJob?.(id, key) ?? missing
const remove = (source: JobSource.Shape, id: JobId, key: string) => source.actions.deleteJob?.(id, key) ?? missing
const purge = (source: JobSource.Shape, name: string, key: string) => source.actions.purgeQueue?.(name, key) ?? missing
