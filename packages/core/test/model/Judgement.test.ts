import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import fc from "fast-check"
import { isFinished, type Job, type JobState, jobStates } from "../../src/model/Job.ts"
import { type JobView, tally } from "../../src/model/JobView.ts"
import { type Dispute, type Evidence, judge, type Reading, subject } from "../../src/model/Judgement.ts"

const now = DateTime.unsafeMake("2026-01-01T00:00:00Z")

const viewOf = (jobs: Iterable<Job>): JobView => {
  const byId = new Map(Array.from(jobs, (job) => [job.id, job]))
  return { asOf: now, counts: tally(byId.values()), jobs: byId }
}
const readingOf = (jobs: Iterable<Job>): Reading => ({ view: viewOf(jobs), countsHeld: true })

const evidence = (given: Partial<Evidence> = {}): Evidence => ({
  explanation: "lifecycle",
  first: undefined,
  found: new Map(),
  inFlight: { jobs: new Set(), queues: new Set() },
  isCovered: () => true,
  open: [],
  now,
  countsAccuse: false,
  ...given
})

/** Judged as a pass does: what both readings saw the same, and what a look found gone. */
const twice = (expected: JobView, actual: Reading, given: Partial<Evidence> = {}) => {
  const seen = { ...given, first: { expected, actual } }
  const { unconfirmed } = judge(expected, actual, evidence(seen))
  return judge(expected, actual, evidence({ ...seen, found: new Map(unconfirmed.map((id) => [id, "absent"])) }))
}

const state = fc.constantFrom(...jobStates)
const unfinished = fc.constantFrom<JobState>("waiting", "active", "delayed")
const jobs = fc.uniqueArray(
  fc.record({ id: fc.integer({ min: 0, max: 40 }).map((n) => `job-${n}`), queue: fc.constantFrom("a", "b"), state }),
  { selector: ({ id }) => id, maxLength: 30 }
)

describe("judge", () => {
  it("1. finds nothing between equal sides", () => {
    fc.assert(
      fc.property(
        jobs,
        fc.constantFrom<Evidence["explanation"]>("lifecycle", "strict", "adopt"),
        (all, explanation) => {
          const judgement = twice(viewOf(all), readingOf(all), { explanation })
          assert.deepStrictEqual(judgement, {
            status: "verified",
            explained: [],
            disputes: [],
            counts: tally(all),
            suspects: [],
            unconfirmed: []
          })
        }
      )
    )
  })

  it("2. never disputes the ordinary life of jobs, read at any moments", () => {
    // What a job system does by itself, one step at a time.
    const steps: Record<JobState, ReadonlyArray<JobState | "gone">> = {
      waiting: ["active", "delayed"],
      delayed: ["waiting"],
      active: ["completed", "failed", "waiting", "delayed"],
      failed: ["waiting", "delayed", "gone"],
      completed: ["gone"]
    }
    const move = fc.record({ id: fc.integer({ min: 0, max: 15 }), pick: fc.nat() })
    const moves = fc.array(move, { maxLength: 80 })
    fc.assert(
      fc.property(moves, moves, moves, (before, between, settling) => {
        const system = new Map<string, Job>()
        const gone = new Set<string>()
        const live = (all: typeof before) => {
          for (const { id, pick } of all) {
            const key = `job-${id}`
            const job = system.get(key)
            if (job === undefined) {
              // Ids are not used again.
              if (!gone.has(key))
                system.set(key, { id: key, queue: "q", state: pick % 2 === 0 ? "waiting" : "delayed" })
              continue
            }
            const options = steps[job.state]
            const next = options[pick % options.length]
            if (next === undefined || next === "gone") {
              system.delete(key)
              gone.add(key)
            } else system.set(key, { ...job, state: next })
          }
        }
        live(before)
        const expected = viewOf(system.values())
        live(between)
        const first = readingOf(system.values())
        live(settling)
        const actual = readingOf(system.values())
        // A job that finished and left again within one poll is what `finishedKept` excludes.
        const seen = new Set([...(first.view.jobs?.keys() ?? []), ...(actual.view.jobs?.keys() ?? [])])
        fc.pre(Array.from(expected.jobs?.values() ?? []).every((job) => isFinished(job.state) || seen.has(job.id)))
        const lookedUp = new Map(Array.from(gone, (id): [string, "absent"] => [id, "absent"]))
        const judgement = judge(expected, actual, evidence({ first: { expected, actual: first }, found: lookedUp }))
        const left = judgement.disputes.filter(({ id }) => seen.has(id) || expected.jobs?.has(id))
        assert.deepStrictEqual(left, [])
      }),
      { numRuns: 500 }
    )
  })

  it("3. disputes exactly an unfinished job that was removed", () => {
    fc.assert(
      fc.property(jobs, unfinished, (others, lost) => {
        const job: Job = { id: "lost", queue: "a", state: lost }
        const { disputes, status } = twice(viewOf([...others, job]), readingOf(others))
        assert.strictEqual(status, "discrepancy")
        assert.deepStrictEqual(disputes, [{ kind: "job", id: "lost", expected: lost, actual: "absent", since: now }])
      })
    )
  })

  it("4. does not care in which order jobs are listed", () => {
    fc.assert(
      fc.property(jobs, jobs, fc.constantFrom<Evidence["explanation"]>("lifecycle", "strict"), (a, b, explanation) => {
        assert.deepStrictEqual(
          twice(viewOf(a), readingOf(b), { explanation }),
          twice(viewOf(a.toReversed()), readingOf(b.toReversed()), { explanation })
        )
      })
    )
  })

  it("5. disputes nothing new after one reading, and nothing that the two readings saw differently", () => {
    fc.assert(
      fc.property(jobs, jobs, jobs, (a, b, c) => {
        const expected = viewOf(a)
        assert.deepStrictEqual(judge(expected, readingOf(b), evidence({ explanation: "strict" })).disputes, [])
        const first = readingOf(b)
        const last = readingOf(c)
        const found = new Map(a.map(({ id }): [string, "absent"] => [id, "absent"]))
        const { disputes } = judge(
          expected,
          last,
          evidence({ explanation: "strict", first: { expected, actual: first }, found })
        )
        for (const { id } of disputes) {
          assert.strictEqual(first.view.jobs?.get(id)?.state, last.view.jobs?.get(id)?.state)
        }
      })
    )
  })

  it("6. keeps an open dispute, with its since, until the sides agree or what is seen is explained", () => {
    const since = DateTime.unsafeMake("2025-12-31T00:00:00Z")
    const open: ReadonlyArray<Dispute> = [{ kind: "job", id: "j", expected: "waiting", actual: "absent", since }]
    const expected = viewOf([{ id: "j", queue: "q", state: "waiting" }])
    const still = judge(expected, readingOf([]), evidence({ open }))
    assert.deepStrictEqual(still.disputes, open)
    assert.deepStrictEqual(judge(expected, readingOf([]), evidence({ open, explanation: "adopt" })).disputes, open)
    const back = judge(expected, readingOf([{ id: "j", queue: "q", state: "active" }]), evidence({ open }))
    assert.deepStrictEqual(back.disputes, [])
    // It differs in another way now, which is not proven yet: the old dispute stands.
    const revived = viewOf([{ id: "j", queue: "q", state: "completed" }])
    const was: ReadonlyArray<Dispute> = [{ kind: "job", id: "j", expected: "completed", actual: "waiting", since }]
    const moved = readingOf([{ id: "j", queue: "q", state: "active" }])
    assert.deepStrictEqual(judge(revived, moved, evidence({ open: was })).disputes, was)
    assert.deepStrictEqual(
      judge(revived, moved, evidence({ open: was, first: { expected: revived, actual: moved } })).disputes,
      [{ kind: "job", id: "j", expected: "completed", actual: "active", since }]
    )
  })

  it("6. holds for any open disputes, between any sides", () => {
    const since = DateTime.unsafeMake("2025-12-31T00:00:00Z")
    const side = fc.constantFrom<JobState | "absent">(...jobStates, "absent")
    const explanation = fc.constantFrom<Evidence["explanation"]>("lifecycle", "strict", "adopt")
    fc.assert(
      fc.property(jobs, jobs, fc.array(fc.tuple(side, side)), explanation, (a, b, sides, explanation) => {
        const expected = viewOf(a)
        const actual = readingOf(b)
        const ids = Array.from(new Set([...a, ...b].map(({ id }) => id)))
        const open = sides.slice(0, ids.length).map(([was, is], index): Dispute => {
          return { kind: "job", id: ids[index] ?? "", expected: was, actual: is, since }
        })
        const { disputes, explained } = twice(expected, actual, { open, explanation })
        const still = new Map(disputes.map((dispute) => [dispute.id, dispute]))
        const isExplained = new Set(explained.map(({ id }) => id))
        for (const { id } of open) {
          const agrees = expected.jobs?.get(id)?.state === actual.view.jobs?.get(id)?.state
          if (still.has(id)) assert.deepStrictEqual(still.get(id)?.since, since)
          else assert.isTrue(agrees || isExplained.has(id), id)
        }
      })
    )
  })

  it("7. neither adopts nor disputes what a command is changing", () => {
    fc.assert(
      fc.property(jobs, jobs, (a, b) => {
        const inFlight = { jobs: new Set(["job-1", "job-2"]), queues: new Set(["b"]) }
        const { disputes, explained } = twice(viewOf(a), readingOf(b), { explanation: "strict", inFlight })
        for (const { id } of [...disputes, ...explained]) assert.isFalse(inFlight.jobs.has(id))
        for (const { from, to } of explained) assert.isFalse(from?.queue === "b" || to?.queue === "b")
      })
    )
  })

  it("8. explains no subject that it disputes", () => {
    fc.assert(
      fc.property(jobs, jobs, fc.constantFrom<Evidence["explanation"]>("lifecycle", "strict"), (a, b, explanation) => {
        const { disputes, explained } = twice(viewOf(a), readingOf(b), { explanation })
        const disputed = new Set(disputes.map(subject))
        assert.isFalse(explained.some(({ id }) => disputed.has(`job:${id}`)))
      })
    )
  })

  it("explains a job that a look found finished, one of a queue that is no longer listed, and one that leaves", () => {
    const expected = viewOf([
      { id: "a", queue: "q", state: "waiting" },
      { id: "b", queue: "gone", state: "waiting" },
      { id: "c", queue: "q", state: "completed", leaves: true }
    ])
    const actual = readingOf([{ id: "c", queue: "q", state: "waiting" }])
    const given = { found: new Map([["a", "completed" as const]]), isCovered: (queue: string) => queue === "q" }
    const { disputes, explained } = judge(expected, actual, evidence({ ...given, first: { expected, actual } }))
    assert.deepStrictEqual(disputes, [])
    assert.deepStrictEqual(
      explained.map(({ id }) => id),
      ["a", "b", "c"]
    )
  })

  it("keeps disputes about counts while counts move and say nothing", () => {
    const since = DateTime.unsafeMake("2025-12-31T00:00:00Z")
    const open: ReadonlyArray<Dispute> = [{ kind: "count", id: "waiting", expected: 1, actual: 7, since }]
    const view = viewOf([{ id: "a", queue: "q", state: "waiting" }])
    assert.deepStrictEqual(judge(view, { view, countsHeld: false }, evidence({ open })).disputes, open)
    assert.deepStrictEqual(judge(view, { view, countsHeld: true }, evidence({ open })).disputes, [])
  })

  it("compares counts with a listing where the expected side has counts alone", () => {
    const view = viewOf([{ id: "a", queue: "q", state: "waiting" }])
    const right = { asOf: now, counts: view.counts }
    const wrong = { asOf: now, counts: { ...view.counts, waiting: 99 } }
    const actual = { view, countsHeld: true }
    const given = { countsAccuse: true, explanation: "strict" as const }
    assert.deepStrictEqual(twice(right, actual, given).disputes, [])
    assert.deepStrictEqual(twice(wrong, actual, given).disputes, [
      { kind: "count", id: "waiting", expected: 99, actual: 1, since: now }
    ])
    // One subject has one dispute, also while the system's own counts move.
    const open: ReadonlyArray<Dispute> = [{ kind: "count", id: "waiting", expected: 99, actual: 1, since: now }]
    assert.deepStrictEqual(twice(wrong, { view, countsHeld: false }, { ...given, open }).disputes, open)
  })

  it("adopts what it explains, so that the same reading explains nothing more", () => {
    fc.assert(
      fc.property(jobs, jobs, (a, b) => {
        const { explained } = twice(viewOf(a), readingOf(b), { explanation: "adopt" })
        const ledger = new Map(viewOf(a).jobs)
        for (const { id, to } of explained) {
          if (to === undefined) ledger.delete(id)
          else ledger.set(id, to)
        }
        assert.deepStrictEqual(tally(ledger.values()), tally(b))
        assert.deepStrictEqual(twice(viewOf(ledger.values()), readingOf(b)).explained, [])
      })
    )
  })

  it("lets counts alone accuse only where they may, and fewer finished jobs never", () => {
    const expected = { asOf: now, counts: { waiting: 2, active: 0, delayed: 0, completed: 9, failed: 1 } }
    const counts = { waiting: 3, active: 0, delayed: 0, completed: 4, failed: 1 }
    const actual = { view: { asOf: now, counts }, countsHeld: true }
    assert.deepStrictEqual(twice(expected, actual).disputes, [])
    const accused = twice(expected, actual, { countsAccuse: true })
    assert.deepStrictEqual(accused.disputes, [{ kind: "count", id: "waiting", expected: 2, actual: 3, since: now }])
    assert.deepStrictEqual(accused.counts, { ...counts, waiting: 2 })
  })

  it("judges 100,000 jobs a side in well under a second", () => {
    const side = Array.from({ length: 100_000 }, (_, index): Job => {
      return { id: `job-${index}`, queue: `q${index % 10}`, state: jobStates[index % 5] ?? "waiting" }
    })
    const expected = viewOf(side)
    const actual = readingOf(side.flatMap((job, index) => (index % 1000 === 0 ? [] : [{ ...job }])))
    // The best of a few, since the machine has other things to do.
    const took = Array.from({ length: 5 }, () => {
      const began = performance.now()
      assert.strictEqual(judge(expected, actual, evidence()).suspects.length, 100)
      return performance.now() - began
    })
    assert.isBelow(Math.min(...took), 500)
  })
})
