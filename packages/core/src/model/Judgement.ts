/**
 * The one judgement: given what is expected, what is actual and the evidence, what differs without explanation?
 *
 * Invariants, each held by a property test:
 *
 * 1. Equal sides give nothing: no change, no dispute.
 * 2. The ordinary life of jobs, read at any two moments in any interleaving, never gives a dispute.
 * 3. An unfinished job that was removed always gives exactly its own dispute, once it was missed twice and looked up.
 * 4. The order in which jobs are listed never matters.
 * 5. Nothing is disputed that was not seen identically in both readings, and nothing new is disputed after one.
 * 6. A dispute that is open ends only when the sides agree again or what is seen now is explained; it keeps its `since`.
 * 7. What is being changed by a command right now is neither adopted nor disputed.
 * 8. No subject is both explained and disputed.
 *
 * Everything around it only reads views and writes what was decided here.
 */
import { isFinished, type Job, type JobId, type JobState, jobStates } from "./Job.ts"
import { type JobCounts, type JobView, tally } from "./JobView.ts"
import type { Timestamp } from "./Timestamp.ts"

/** The state of a job on one side. */
export type Side = JobState | "absent"

/** One job (or one count) whose sides differ. `id` is the job's, or the state that is counted. */
export type Difference =
  | { readonly kind: "job"; readonly id: JobId; readonly expected: Side; readonly actual: Side }
  | { readonly kind: "count"; readonly id: JobState; readonly expected: number; readonly actual: number }

/** A difference without explanation, and since when. */
export type Dispute = Difference & { readonly since: Timestamp }

/** An explained difference of one job, to be adopted: `undefined` on a side is absence. */
export interface Adoption {
  /** The job's. */
  readonly id: JobId
  /** What was expected. */
  readonly from: Job | undefined
  /** What is to be expected from now on. */
  readonly to: Job | undefined
}

/**
 * How differences are explained. `lifecycle`: by what jobs ordinarily do. `strict`: only finished jobs leave.
 * `adopt`: whatever is actual explains itself, as when there is no ledger young enough to accuse anybody.
 */
export type Explanation = "lifecycle" | "strict" | "adopt"

/** What is being changed right now: the targets of running commands. */
export interface InFlight {
  /** Ids of jobs. */
  readonly jobs: ReadonlySet<string>
  /** Names of queues, each with all its jobs. */
  readonly queues: ReadonlySet<string>
}

/** What is known beside the two sides when they are judged. */
export interface Evidence {
  /** How differences are explained. */
  readonly explanation: Explanation
  /** Both sides as the same pass read them earlier. Without them, nothing new is disputed. */
  readonly first: { readonly expected: JobView; readonly actual: Reading } | undefined
  /** What looking up single jobs gave, for those that are listed no more. */
  readonly found: ReadonlyMap<JobId, Side>
  /** What commands of ours are changing, and so is neither adopted nor disputed. */
  readonly inFlight: InFlight
  /** Whether the jobs of a queue are listed at all. */
  readonly isCovered: (queue: string) => boolean
  /** The disputes that are open so far. */
  readonly open: ReadonlyArray<Dispute>
  /** Since when a new dispute is open. */
  readonly now: Timestamp
  /** Whether counts alone may accuse: the source cannot list, but the expected side has its own source. */
  readonly countsAccuse: boolean
}

/** A view, and whether the system's own counts were the same before and after its jobs were listed. */
export interface Reading {
  /** What was read. */
  readonly view: JobView
  /** Whether counts can be held against the listing: they did not move while it was read. */
  readonly countsHeld: boolean
}

/** What was decided, and what would have to be known to decide more. */
export interface Judgement {
  /** `discrepancy` while any dispute is open. */
  readonly status: "verified" | "discrepancy"
  /** To be adopted as expected. */
  readonly explained: ReadonlyArray<Adoption>
  /** Open from now on: those that stay and those that are new, by id. */
  readonly disputes: ReadonlyArray<Dispute>
  /** Of a side that only counts: the counts to expect from now on. */
  readonly counts: JobCounts
  /** Would be disputed if a second reading saw the same. */
  readonly suspects: ReadonlyArray<Difference>
  /** Missed twice; disputed as soon as looking them up finds them gone. */
  readonly unconfirmed: ReadonlyArray<JobId>
}

/** Compares two sides, by the invariants above. Pure: the same input always gives the same judgement. */
export const judge = (expected: JobView, actual: Reading, evidence: Evidence): Judgement => {
  const open = new Map(evidence.open.map((dispute) => [subject(dispute), dispute]))
  const explained: Array<Adoption> = []
  const disputes: Array<Dispute> = []
  const suspects: Array<Difference> = []
  const unconfirmed: Array<JobId> = []

  const dispute = (difference: Difference) =>
    disputes.push({ ...difference, since: open.get(subject(difference))?.since ?? evidence.now })

  const accuse = (difference: Difference) => {
    const known = open.get(subject(difference))
    if (known !== undefined && same(known, difference)) return void disputes.push(known)
    if (evidence.explanation === "adopt") return "explained"
    // Until a new difference is proven, an older one about the same subject stands as it was.
    if (known !== undefined && !isProven(difference)) disputes.push(known)
    if (evidence.first === undefined) suspects.push(difference)
    else if (seenIn(evidence.first, difference)) {
      if (isProven(difference)) dispute(difference)
      else if (isVanished(difference) && !evidence.found.has(difference.id)) unconfirmed.push(difference.id)
    }
  }

  const isProven = (difference: Difference): boolean =>
    evidence.first !== undefined &&
    seenIn(evidence.first, difference) &&
    (!isVanished(difference) || evidence.found.get(difference.id) === "absent")

  const jobs = actual.view.jobs
  const expectedJobs = expected.jobs
  const counts: Record<JobState, number> = { ...actual.view.counts }
  if (jobs !== undefined && expectedJobs !== undefined) {
    const consider = (id: JobId, from: Job | undefined, to: Job | undefined) => {
      if (alike(from, to)) return
      if (isInFlight(evidence.inFlight, from) || isInFlight(evidence.inFlight, to)) {
        const known = open.get(`job:${id}`)
        if (known !== undefined) disputes.push(known)
        return
      }
      const difference = { kind: "job", id, expected: sideOf(from), actual: sideOf(to) } as const
      if (isExplained(from, to, evidence) || accuse(difference) === "explained") {
        // Whatever once made a job's absence no evidence goes on doing so.
        explained.push({ id, from, to: from?.leaves && to !== undefined ? { ...to, leaves: true } : to })
      }
    }
    for (const [id, from] of expectedJobs) consider(id, from, jobs.get(id))
    for (const [id, to] of jobs) if (!expectedJobs.has(id)) consider(id, undefined, to)
    // A system whose counts hold still and contradict its own listing is not telling the truth in one of them. While
    // they move they say nothing, neither against it nor for it.
    if (actual.countsHeld) differingCounts(tally(jobs.values()), actual.view.counts).forEach(accuse)
    else disputes.push(...evidence.open.filter(({ kind }) => kind === "count"))
  } else if (evidence.countsAccuse) {
    for (const missed of missedCounts(expected.counts, actual.view.counts)) {
      if (accuse(missed) !== "explained") counts[missed.id] = missed.expected
    }
  }

  return {
    status: disputes.length === 0 ? "verified" : "discrepancy",
    explained: explained.sort(byId),
    disputes: disputes.sort(byId),
    counts,
    suspects: suspects.sort(byId),
    unconfirmed: unconfirmed.sort()
  }
}

/** Names what a difference is about, whatever its sides say. */
export const subject = (difference: Pick<Difference, "kind" | "id">): string => `${difference.kind}:${difference.id}`

/** The same subject, with the same sides. */
export const same = (a: Difference, b: Difference): boolean =>
  a.kind === b.kind && a.id === b.id && a.expected === b.expected && a.actual === b.actual

/** An unfinished job that is there no more. */
export const isVanished = (difference: Difference): difference is Difference & { readonly kind: "job" } =>
  difference.kind === "job" && difference.actual === "absent"

const alike = (from: Job | undefined, to: Job | undefined): boolean =>
  from?.state === to?.state && from?.queue === to?.queue && (from?.leaves === true || to?.leaves !== true)

const sideOf = (job: Job | undefined): Side => job?.state ?? "absent"

const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

const isInFlight = (inFlight: InFlight, job: Job | undefined): boolean =>
  job !== undefined && (inFlight.jobs.has(job.id) || inFlight.queues.has(job.queue))

/**
 * What needs no accusation. In a `lifecycle`, whatever one poll can miss counts as one step: a failed job may have
 * been retried and finished in between. Only two things never happen by themselves: an unfinished job vanishes, and
 * a completed job comes back to life.
 */
const isExplained = (from: Job | undefined, to: Job | undefined, evidence: Evidence): boolean => {
  if (to === undefined) {
    if (from === undefined || isFinished(from.state) || from.leaves === true) return true
    const found = evidence.found.get(from.id)
    // It finished, as a look at it alone showed, and is listed no more; or its queue is not.
    return (found !== undefined && found !== "absent" && isFinished(found)) || !evidence.isCovered(from.queue)
  }
  if (evidence.explanation !== "lifecycle") return from?.state === to.state
  // One that leaves by itself may have done so, and another come under its id.
  return from === undefined || from.leaves === true || from.state !== "completed" || to.state === "completed"
}

/** Finished jobs may leave, so that there are fewer of them says nothing. */
const missedCounts = (expected: JobCounts, actual: JobCounts) =>
  differingCounts(expected, actual).filter((count) => !isFinished(count.id) || count.actual > count.expected)

const differingCounts = (expected: JobCounts, actual: JobCounts): Array<Difference & { readonly kind: "count" }> =>
  jobStates
    .filter((state) => expected[state] !== actual[state])
    .map((state) => ({ kind: "count", id: state, expected: expected[state], actual: actual[state] }))

const seenIn = (first: NonNullable<Evidence["first"]>, difference: Difference): boolean => {
  const { actual, expected } = first
  const jobs = actual.view.jobs
  if (difference.kind === "job") {
    const { id } = difference
    return (
      jobs !== undefined &&
      sideOf(jobs.get(id)) === difference.actual &&
      sideOf(expected.jobs?.get(id)) === difference.expected
    )
  }
  const isListed = jobs !== undefined && expected.jobs !== undefined
  const then = !isListed ? expected.counts : actual.countsHeld ? tally(jobs.values()) : undefined
  return then?.[difference.id] === difference.expected && actual.view.counts[difference.id] === difference.actual
}
