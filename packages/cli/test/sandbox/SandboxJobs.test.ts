import { assert, describe, it } from "@effect/vitest"
import { JobView } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import * as SandboxJobs from "../../src/sandbox/SandboxJobs.ts"

type Jobs = ReadonlyMap<string, SandboxJobs.SandboxJob>

const snapshot = (sandbox: SandboxJobs.SandboxJobs) =>
  Effect.map(sandbox.jobs, (jobs): Jobs => new Map(jobs.map((job) => [job.id, job])))

/** What happens between two looks at the jobs. */
type Step = "tick" | "retry" | "remove" | "purge" | "restart" | "lose" | "revive"

const queues = ["mail", "media", "reports"]
const workers = ["mailer", "encoder", "reporter"]

/** Which jobs may be gone without having finished, and which finished ones may be back. */
const perform = (sandbox: SandboxJobs.SandboxJobs, step: Step, at: number, before: Jobs) =>
  Effect.gen(function* () {
    const jobs = Array.from(before.values())
    const pick = <A>(some: ReadonlyArray<A>): A | undefined => some[at % Math.max(some.length, 1)]
    switch (step) {
      case "tick":
        return { gone: [], back: [] }
      case "retry": {
        const job = pick(jobs.filter(({ state }) => state === "failed")) ?? pick(jobs)
        const answer = yield* sandbox.retry(job?.id ?? "none")
        assert.strictEqual(answer._tag, job === undefined ? "missing" : job.state === "failed" ? "done" : "conflict")
        return { gone: [], back: answer._tag === "done" ? [job?.id] : [] }
      }
      case "remove": {
        const job = pick(jobs)
        const answer = yield* sandbox.remove(job?.id ?? "none")
        assert.strictEqual(answer._tag, job === undefined ? "missing" : job.state === "active" ? "conflict" : "done")
        return { gone: answer._tag === "done" ? [job?.id] : [], back: [] }
      }
      case "purge": {
        const queue = pick(queues) ?? ""
        const purged = jobs.filter((job) => job.queue === queue && (job.state === "waiting" || job.state === "delayed"))
        assert.deepStrictEqual(yield* sandbox.purge(queue), { _tag: "done", value: purged.length })
        return { gone: purged.map(({ id }) => id), back: [] }
      }
      case "restart": {
        const worker = pick(workers) ?? ""
        const old = yield* sandbox.worker(worker)
        const answer = yield* sandbox.restart(worker)
        assert.strictEqual(answer._tag, "done")
        assert.notStrictEqual((yield* sandbox.worker(worker))?.instanceId, old?.instanceId)
        return { gone: [], back: [] }
      }
      case "lose": {
        const lost = yield* sandbox.lose
        if (lost !== undefined) assert.include(["waiting", "delayed"], before.get(lost.id)?.state)
        return { gone: lost === undefined ? [] : [lost.id], back: [] }
      }
      case "revive": {
        const revived = yield* sandbox.revive
        if (revived !== undefined) {
          assert.strictEqual(before.get(revived.id)?.state, "completed")
          assert.strictEqual((yield* sandbox.find(revived.id))?.state, "waiting")
        }
        return { gone: [], back: revived === undefined ? [] : [revived.id] }
      }
    }
  })

/** Every job's step from one look to the next is one that ordinary lives take. */
const ordinary = (
  before: Jobs,
  after: Jobs,
  now: number,
  allowed: { readonly gone: ReadonlyArray<string | undefined>; readonly back: ReadonlyArray<string | undefined> }
) => {
  for (const [id, was] of before) {
    const is = after.get(id)
    if (is === undefined) {
      const old = was.state === "completed" && now - was.since > 600_000
      assert.isTrue(old || allowed.gone.includes(id), `${id} left from ${was.state}`)
    } else if (was.state === "completed" || was.state === "failed") {
      assert.isTrue(is.state === was.state || allowed.back.includes(id), `${id} went from ${was.state} to ${is.state}`)
    }
  }
}

/** A clock that only goes when it is told to, many thousand times a second. Nothing here sleeps. */
class Hand implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  private millis = Date.UTC(2026, 0, 1)
  readonly unsafeCurrentTimeMillis = () => this.millis
  readonly unsafeCurrentTimeNanos = () => BigInt(this.millis) * 1_000_000n
  readonly currentTimeMillis = Effect.sync(this.unsafeCurrentTimeMillis)
  readonly currentTimeNanos = Effect.sync(this.unsafeCurrentTimeNanos)
  readonly scheduler = Effect.dieMessage("nothing is scheduled")
  readonly sleep = () => Effect.dieMessage("nothing sleeps")
  readonly advance = (millis: number) => {
    this.millis += millis
  }
}

const run = <A, E>(body: (clock: Hand) => Effect.Effect<A, E>) => {
  const clock = new Hand()
  return Effect.runPromise(Effect.withClock(body(clock), clock))
}

/** Lets life go on, in the steps of a server. */
const live = (sandbox: SandboxJobs.SandboxJobs, clock: Hand, seconds: number) =>
  Effect.repeatN(
    Effect.suspend(() => {
      clock.advance(200)
      return sandbox.tick
    }),
    seconds * 5 - 1
  )

describe("SandboxJobs", () => {
  it("jobs never leave ordinary life but by command or by fault, and counts are their tally", async () => {
    const steps = fc.array(
      fc.record({
        step: fc.constantFrom<Step>("tick", "tick", "tick", "retry", "remove", "purge", "restart", "lose", "revive"),
        at: fc.nat(),
        millis: fc.integer({ min: 1, max: 20_000 })
      }),
      { minLength: 1, maxLength: 80 }
    )
    await fc.assert(
      fc.asyncProperty(fc.integer(), steps, (seed, steps) =>
        run((clock) =>
          Effect.gen(function* () {
            const sandbox = yield* SandboxJobs.make({ seed })
            let before = yield* snapshot(sandbox)
            for (const { at, millis, step } of steps) {
              const now = clock.unsafeCurrentTimeMillis()
              const allowed = yield* perform(sandbox, step, at, before)
              const between = yield* snapshot(sandbox)
              ordinary(before, between, now, allowed)
              clock.advance(millis)
              yield* sandbox.tick
              const after = yield* snapshot(sandbox)
              ordinary(between, after, now + millis, { gone: [], back: [] })
              assert.deepStrictEqual(yield* sandbox.counts, JobView.tally(after.values()))
              before = after
            }
          })
        )
      ),
      { numRuns: process.env["MITHRANDIR_TEST_LONG"] === undefined ? 60 : 1000 }
    )
  })

  it("the same seed lives the same lives", async () => {
    const lives = () =>
      run((clock) =>
        Effect.gen(function* () {
          const sandbox = yield* SandboxJobs.make({ seed: "once more" })
          yield* live(sandbox, clock, 20)
          return yield* sandbox.jobs
        })
      )
    assert.deepStrictEqual(await lives(), await lives())
  })

  for (const seed of process.env.MITHRANDIR_TEST_LONG ? [1, 2, 3, 4, 5] : [1, 2]) {
    it(`shows a newcomer something of everything, at every time (seed ${seed})`, () =>
      run((clock) =>
        Effect.gen(function* () {
          const sandbox = yield* SandboxJobs.make({ seed })
          for (let second = 0; second < 900; second += 1) {
            yield* live(sandbox, clock, 1)
            const counts = yield* sandbox.counts
            assert.isAtLeast(counts.waiting, 1)
            assert.isAtLeast(counts.active, 1)
            assert.isAtLeast(counts.delayed, 1)
            assert.isAtLeast(counts.failed, 4)
            assert.isAtMost(counts.failed, 8)
            assert.isAtMost(counts.completed, 3000)
            assert.isAtLeast((yield* sandbox.stuck).length, 2)
            if (second % 60 === 11) assert.isDefined(yield* sandbox.lose)
            if (second % 60 === 12) assert.isDefined(yield* sandbox.revive)
          }
          assert.isAbove((yield* sandbox.counts).completed, 300)
        })
      ))
  }

  it("a failed job stays until somebody retries it, and then completes", () =>
    run((clock) =>
      Effect.gen(function* () {
        const sandbox = yield* SandboxJobs.make({ seed: 7 })
        const failed = (yield* sandbox.jobs).filter((job) => job.state === "failed")
        yield* live(sandbox, clock, 120)
        for (const { id } of failed) assert.strictEqual((yield* sandbox.find(id))?.state, "failed")
        for (const { id } of failed) yield* sandbox.retry(id)
        yield* live(sandbox, clock, 120)
        for (const { id } of failed) assert.strictEqual((yield* sandbox.find(id))?.state, "completed")
      })
    ))

  it("a job that is revived waits long enough to be seen twice, and completes again", () =>
    run((clock) =>
      Effect.gen(function* () {
        const sandbox = yield* SandboxJobs.make({ seed: 7 })
        const revived = yield* sandbox.revive
        assert.strictEqual(revived?.queue, "media")
        yield* live(sandbox, clock, 2)
        assert.notStrictEqual((yield* sandbox.find(revived?.id ?? ""))?.state, "completed")
        yield* live(sandbox, clock, 60)
        assert.strictEqual((yield* sandbox.find(revived?.id ?? ""))?.state, "completed")
      })
    ))

  it("a restart frees what was stuck", () =>
    run((clock) =>
      Effect.gen(function* () {
        const sandbox = yield* SandboxJobs.make({ seed: 7 })
        const stuck = yield* sandbox.stuck
        assert.strictEqual(stuck.length, 2)
        yield* sandbox.restart("encoder")
        yield* live(sandbox, clock, 120)
        for (const { id } of stuck) assert.strictEqual((yield* sandbox.find(id))?.state, "completed")
      })
    ))
})
