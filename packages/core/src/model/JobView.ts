/** One side at one time: what a source, the ledger or an embedder's cache says about a service's jobs. */
import * as Schema from "effect/Schema"
import { type Job, type JobId, type JobState, jobStates } from "./Job.ts"
import type { Timestamp } from "./Timestamp.ts"

const Count = Schema.NonNegativeInt

/** How many jobs are in each state. */
export const JobCounts = Schema.Struct({
  waiting: Count,
  active: Count,
  delayed: Count,
  completed: Count,
  failed: Count
}).annotations({ identifier: "JobCounts" })
export type JobCounts = typeof JobCounts.Type

/** Counts, or `{}` where nothing was ever counted. */
export const KnownCounts = Schema.Union(JobCounts, Schema.Struct({})).annotations({ identifier: "KnownCounts" })
export type KnownCounts = typeof KnownCounts.Type

/** What one side says of a service's jobs at one time. */
export interface JobView {
  /** When the reading began. */
  readonly asOf: Timestamp
  /** How many jobs are in each state. */
  readonly counts: JobCounts
  /** Every job, where this side can list them. */
  readonly jobs?: ReadonlyMap<JobId, Job>
}

/** An empty system. */
export const noJobs: JobCounts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }

/** Counts a listing. */
export const tally = (jobs: Iterable<Job>): JobCounts => {
  const counts: Record<JobState, number> = { ...noJobs }
  for (const job of jobs) counts[job.state] += 1
  return counts
}

/** Whether two sides count the same in every state. */
export const sameCounts = (a: JobCounts, b: JobCounts): boolean => jobStates.every((state) => a[state] === b[state])
