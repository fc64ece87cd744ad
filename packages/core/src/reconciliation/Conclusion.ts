/** From what a pass found to what it writes: plain functions around the judgement. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { v7 as uuid } from "uuid"
import { type Account, changed, type Entry } from "../ledger/Ledger.ts"
import { checksum } from "../model/Digest.ts"
import {
  DiscrepancyDetails,
  type EndedDispute,
  ofUpdate,
  type PassStatus,
  type ReconciliationUpdate
} from "../model/Event.ts"
import type { JobId } from "../model/Job.ts"
import { type JobView, tally } from "../model/JobView.ts"
import { type Adoption, type Dispute, type Evidence, judge, type Reading, type Side } from "../model/Judgement.ts"
import type { Timestamp } from "../model/Timestamp.ts"
import type { RegisteredService } from "../services/ServiceRegistry.ts"
import { type Change, Write } from "../storage/Change.ts"
import { details } from "./Report.ts"

/** What one pass learned from the source. */
export interface Findings {
  readonly last: Reading
  readonly first: Evidence["first"]
  readonly found: ReadonlyMap<JobId, Side>
  /** The expected side, where somebody else than the ledger keeps it: none while there is nothing in it. */
  readonly other: Option.Option<Option.Option<JobView>>
  readonly latencyMs: number
}

/** Puts the question that `judge` answers. */
export const frame = (
  service: RegisteredService,
  account: Account,
  { first, found, last, other }: Findings,
  touched: Evidence["inFlight"],
  now: Timestamp
) => {
  const own: Option.Option<JobView> = Option.map(account.read, ({ asOf, counts }) => ({
    asOf,
    counts: last.view.jobs === undefined ? counts : tally(account.jobs.values()),
    jobs: account.jobs
  }))
  const expected = Option.getOrElse(other, () => own)
  // To the end of the reading: what was unfinished then may have finished at once, and what is kept may have left by now.
  const ageMs = Option.map(expected, ({ asOf }) => Math.max(0, now.epochMillis - asOf.epochMillis))
  const isTooOld = Option.match(ageMs, {
    onNone: () => true,
    onSome: (age) => age > Duration.toMillis(service.source.finishedKept)
  })
  const evidence: Evidence = {
    explanation: isTooOld ? "adopt" : service.expectation,
    first,
    found,
    inFlight: touched,
    isCovered: service.source.covers ?? (() => true),
    open: account.disputes,
    now,
    countsAccuse: Option.isSome(other) || service.expectation === "strict"
  }
  // Before the first pass only commands have written of jobs: of those whose absence is no evidence.
  const nothing: JobView = { asOf: last.view.asOf, counts: last.view.counts, jobs: account.jobs }
  return { expected: Option.getOrElse(expected, () => nothing), evidence, isTooOld, ageMs }
}

/** Judges, and says what is to be written of it. */
export const conclude = (
  service: RegisteredService,
  account: Account,
  findings: Findings,
  touched: Evidence["inFlight"],
  recordedStatus: PassStatus,
  at: Timestamp,
  acceptAs: string | undefined
): Entry<ReconciliationUpdate> => {
  const { ageMs, evidence, expected, isTooOld } = frame(service, account, findings, touched, at)
  const { view } = findings.last
  const judgement = judge(expected, findings.last, evidence)
  const accepted = acceptAs === undefined ? [] : judgement.disputes
  const disputes = acceptAs === undefined ? judgement.disputes : []
  const status: PassStatus = disputes.length === 0 ? "verified" : "discrepancy"
  const { ended, open } = changed(account.disputes, [...disputes, ...accepted])
  const endings = ended.map((dispute) => ending(dispute, expected, view, Option.isNone(findings.other)))
  const difference = details([...disputes, ...accepted], view.counts, endings)
  const update: ReconciliationUpdate = {
    eventId: uuid(),
    service: service.id,
    status,
    counts: view.counts,
    checksum: checksum(view.counts),
    latencyMs: findings.latencyMs,
    observedAt: view.asOf,
    ...(view.jobs === undefined && !evidence.countsAccuse ? { basis: "observed" as const } : {}),
    ...(isTooOld
      ? {
          rebaselined: true as const,
          ...Option.match(ageMs, {
            onNone: () => ({}),
            onSome: (ledgerAgeMs) => ({ ledgerAgeMs })
          })
        }
      : {}),
    ...(difference === undefined
      ? {}
      : {
          discrepancyDetails:
            acceptAs === undefined
              ? difference
              : { ...difference, accepted: { actor: acceptAs, disputes: accepted.length } }
        })
  }
  const isNews = open.length + ended.length + accepted.length > 0 || recordedStatus !== status
  return {
    adoptions: Option.isSome(findings.other)
      ? []
      : [
          ...judgement.explained,
          ...accepted.flatMap((dispute) => (dispute.kind === "job" ? [adoption(dispute, account, view)] : []))
        ],
    read: Option.some({ asOf: view.asOf, counts: acceptAs === undefined ? judgement.counts : view.counts }),
    disputes: Option.some(disputes),
    change: told(update, at, isNews),
    result: update
  }
}

/** By what a dispute came to its end. Only the ledger learns what our commands did: no other side changes by them. */
const ending = (dispute: Dispute, { jobs }: JobView, view: JobView, isLedger: boolean): EndedDispute => {
  const expected = jobs?.get(dispute.id)?.state ?? "absent"
  const actual = view.jobs?.get(dispute.id)?.state ?? "absent"
  const by = dispute.kind === "count" || expected === actual ? "agreement" : "explanation"
  const isOurs = isLedger && dispute.kind === "job" && expected !== dispute.expected
  return { id: dispute.id, since: dispute.since, by: isOurs ? "command" : by }
}

/** Takes the actual side of a dispute for true. */
const adoption = ({ id }: Dispute, account: Account, view: JobView): Adoption => ({
  id,
  from: account.jobs.get(id),
  to: view.jobs?.get(id)
})

/** What a pass tells: to the stream, to whoever asks for the latest, and, if it is news, to the record. */
export const told = (update: ReconciliationUpdate, at: Timestamp, isNews: boolean): Change => {
  const event = ofUpdate(update)
  const { checksum, counts, discrepancyDetails, eventId, latencyMs, service, status } = update
  const record = Write.DiscrepancyRecorded({
    id: eventId,
    timestamp: at,
    service,
    status,
    countsJson: JSON.stringify(counts),
    checksum,
    latencyMs,
    detailsJson: Option.map(Option.fromNullable(discrepancyDetails), encodeDetails)
  })
  const recorded = isNews ? Option.some(status) : Option.none()
  return {
    writes: [Write.PassEnded({ service, data: event.data, recorded }), ...(isNews ? [record] : [])],
    events: [event]
  }
}

const encodeDetails = Schema.encodeSync(Schema.parseJson(DiscrepancyDetails))
