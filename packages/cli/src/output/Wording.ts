/** What a pass or a command came to, in words for a person at a terminal. */
import { type Command, type Event, Job, type JobView } from "@mithrandir/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/** The most ids a line names: more are in the stream and in the record, and a line should stay one. */
const maxNamed = 5

/** `12 waiting, 3 active, 0 delayed, 90 completed, 2 failed`. */
export const counts = (known: JobView.KnownCounts): string =>
  "waiting" in known ? Job.jobStates.map((state) => `${known[state]} ${state}`).join(", ") : "nothing counted yet"

/** What a stale pass leaves standing. */
export const lastCounted = ({ counts, observedAt }: Event.ReconciliationUpdate): string =>
  "waiting" in counts ? `what was counted at ${moment(observedAt)} stays` : "nothing was counted yet"

/** What differs, in one line; empty where nothing does. */
export const differences = (details: Event.DiscrepancyDetails | undefined): string => {
  if (details === undefined) return ""
  const { missingJobIds, missingJobCount, unexpectedJobIds, changedJobs, changedCounts = [] } = details
  return [
    missingJobCount === 0 ? "" : `missing: ${named(missingJobIds, missingJobCount)}`,
    unexpectedJobIds.length === 0 ? "" : `unexpected: ${named(unexpectedJobIds)}`,
    changedJobs.length === 0
      ? ""
      : `changed: ${named(changedJobs.map((job) => `${job.id} (${job.expected}, now ${job.actual})`))}`,
    changedCounts.length === 0
      ? ""
      : `counts: ${changedCounts.map((count) => `${count.state} ${count.actual}, expected ${count.expected}`).join("; ")}`
  ]
    .filter((part) => part !== "")
    .join("; ")
}

/** What the record says of a service that turned stale. Why it did is told when it happens, and has no column. */
export const unanswered = "it gave no usable answer; what is known is as it was"

/** How disputes came to their end. */
export const endings = (details: Event.DiscrepancyDetails | undefined): string =>
  (details?.ended ?? []).map(({ by, id }) => `${id} ${endedBy[by]}`).join("; ")

const endedBy: Record<Event.EndedDispute["by"], string> = {
  agreement: "is again as expected",
  explanation: "has moved on as jobs do",
  command: "is explained by a command of ours"
}

/** Why a verified pass proves less than it seems to. */
export const basis = (update: Event.ReconciliationUpdate): string => {
  if (update.basis === "observed") return "counted only: it cannot list its jobs, so nothing can be compared"
  if (update.rebaselined !== true) return ""
  return update.ledgerAgeMs === undefined
    ? "taken as found: there was nothing to compare with yet"
    : `taken as found: the last look was ${Duration.format(Duration.seconds(Math.round(update.ledgerAgeMs / 1000)))} ago, too long to accuse anybody`
}

/** Everything worth knowing of a pass beside its status and its counts, in one line. */
export const remarks = (update: Event.ReconciliationUpdate): string => {
  const details = update.discrepancyDetails
  return sentence(accepted(details), update.message ?? "", differences(details), endings(details), basis(update))
}

/** What the record says of a difference, in one line. */
export const whatDiffered = (details: Event.DiscrepancyDetails | undefined): string =>
  sentence(accepted(details), differences(details), endings(details))

const accepted = (details: Event.DiscrepancyDetails | undefined): string =>
  details?.accepted === undefined ? "" : `accepted by ${details.accepted.actor}`

const sentence = (...parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join("; ")

/** `success, verified`, `error`, `timeout: …`. */
export const phase = (status: Pick<Command.CommandState, "phase" | "verified">): string => {
  switch (status.phase) {
    case "success":
      if (status.verified === undefined) return "success"
      return status.verified ? "success, verified" : "success, but looking again did not show it"
    case "error":
      return "error: certainly not applied"
    case "timeout":
      return "timeout: whether it was applied is not known"
    default:
      return status.phase
  }
}

/** ISO 8601, to the second: what the audit log and the stream say too. */
export const moment = (at: DateTime.Utc): string => `${DateTime.formatIso(at).slice(0, 19)}Z`

const named = (ids: ReadonlyArray<string>, total = ids.length): string => {
  const shown = ids.slice(0, maxNamed).join(", ")
  return total > maxNamed ? `${shown} and ${total - maxNamed} more` : shown
}
