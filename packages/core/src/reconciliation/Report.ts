/** How disputes are told. */
import * as DateTime from "effect/DateTime"
import { type DiscrepancyDetails, type EndedDispute, maxListedIds } from "../model/Event.ts"
import { isFinished, type JobState } from "../model/Job.ts"
import type { JobCounts } from "../model/JobView.ts"
import type { Dispute } from "../model/Judgement.ts"

/** What exactly differs, and what no longer does; `undefined` where there is neither. */
export const details = (
  disputes: ReadonlyArray<Dispute>,
  actual: JobCounts,
  ended: ReadonlyArray<EndedDispute> = []
): DiscrepancyDetails | undefined => {
  const [first, ...others] = [...disputes, ...ended]
  if (first === undefined) return undefined
  const jobs = disputes.filter((dispute) => dispute.kind === "job")
  const counts = disputes.filter((dispute) => dispute.kind === "count")
  const missing = jobs.filter(
    (job) => job.actual === "absent" && job.expected !== "absent" && !isFinished(job.expected)
  )
  const unexpected = jobs.filter((job) => job.expected === "absent")
  const changed = jobs.filter((job) => job.actual !== "absent" && job.expected !== "absent")
  return {
    expected: expectedCounts(disputes, actual),
    actual,
    missingJobIds: missing.slice(0, maxListedIds).map(({ id }) => id),
    missingJobCount: missing.length,
    unexpectedJobIds: unexpected.slice(0, maxListedIds).map(({ id }) => id),
    changedJobs: changed.slice(0, maxListedIds).map(({ id, expected, actual }) => ({ id, expected, actual })),
    ...(counts.length === 0
      ? {}
      : { changedCounts: counts.map(({ id, expected, actual }) => ({ state: id, expected, actual })) }),
    ...(ended.length === 0 ? {} : { ended: ended.slice(0, maxListedIds) }),
    since: others.reduce((oldest, { since }) => DateTime.min(oldest, since), first.since)
  }
}

/** What would be counted if nothing were disputed, so that the two differ by the disputes and by nothing else. */
const expectedCounts = (disputes: ReadonlyArray<Dispute>, actual: JobCounts): JobCounts => {
  const counts: Record<JobState, number> = { ...actual }
  for (const dispute of disputes) {
    if (dispute.kind === "count") counts[dispute.id] = dispute.expected
    else {
      if (dispute.expected !== "absent") counts[dispute.expected] += 1
      if (dispute.actual !== "absent") counts[dispute.actual] = Math.max(0, counts[dispute.actual] - 1)
    }
  }
  return counts
}
