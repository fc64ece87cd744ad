/** What happens, as the stream tells it. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CommandId, type CommandState, Phase } from "./Command.ts"
import { JobState } from "./Job.ts"
import { KnownCounts } from "./JobView.ts"
import { ServiceId } from "./Service.ts"
import { Timestamp } from "./Timestamp.ts"

/** How a pass ended. */
export const PassStatus = Schema.Literal("verified", "stale", "discrepancy")
export type PassStatus = typeof PassStatus.Type

/** The most ids any list in an update names; the number beside it is exact. */
export const maxListedIds = 100

/** A job whose two sides differ. `absent`: that side does not have it. */
export const ChangedJob = Schema.Struct({
  /** The job's. */
  id: Schema.String,
  /** Its state on the expected side. */
  expected: Schema.Union(JobState, Schema.Literal("absent")),
  /** Its state upstream. */
  actual: Schema.Union(JobState, Schema.Literal("absent"))
}).annotations({ identifier: "ChangedJob" })

/** Which `actor` took the actual side for true, ending the `disputes` of that time: so many. */
export const Acceptance = Schema.Struct({ actor: Schema.String, disputes: Schema.NonNegativeInt }).annotations({
  identifier: "Acceptance"
})

/** A dispute that this pass found ended. */
export const EndedDispute = Schema.Struct({
  /** The job's, or the state whose count was disputed. */
  id: Schema.String,
  since: Timestamp,
  /**
   * `agreement`: the sides say the same again. `explanation`: they differ in a way that jobs ordinarily do. `command`:
   * one of ours changed what is expected.
   */
  by: Schema.Literal("agreement", "explanation", "command")
}).annotations({ identifier: "EndedDispute" })
export type EndedDispute = typeof EndedDispute.Type

/** What exactly differs, and what no longer does. Each list has at most `maxListedIds` entries. */
export const DiscrepancyDetails = Schema.Struct({
  /** The actual counts with the disputes undone: the two differ by exactly what is disputed. */
  expected: KnownCounts,
  /** The counts upstream. */
  actual: KnownCounts,
  /** Expected, unfinished, absent upstream. */
  missingJobIds: Schema.Array(Schema.String),
  /** How many those are, whether listed or not. */
  missingJobCount: Schema.NonNegativeInt,
  /** There, and not expected to be. */
  unexpectedJobIds: Schema.Array(Schema.String),
  /** On both sides, in states that no ordinary life of a job explains. */
  changedJobs: Schema.Array(ChangedJob),
  /** Counts that differ where no job can be named. */
  changedCounts: Schema.optionalWith(
    Schema.Array(Schema.Struct({ state: JobState, expected: Schema.NonNegativeInt, actual: Schema.NonNegativeInt })),
    { exact: true }
  ),
  /** Since when the oldest of these disputes is open, or was. */
  since: Timestamp,
  /** With this pass somebody took the actual side for true. */
  accepted: Schema.optionalWith(Acceptance, { exact: true }),
  /** The disputes that this pass found ended, and by what. */
  ended: Schema.optionalWith(Schema.Array(EndedDispute), { exact: true })
}).annotations({ identifier: "DiscrepancyDetails" })

export type DiscrepancyDetails = typeof DiscrepancyDetails.Type

/** The result of one pass. */
export const ReconciliationUpdate = Schema.Struct({
  /** A UUIDv7; where the pass wrote a `discrepancy_event`, its id. */
  eventId: Schema.String,
  service: ServiceId,
  status: PassStatus,
  /** The actual counts; of a `stale` pass, the last ones known. */
  counts: KnownCounts,
  /** Of `counts`, as `JobView.checksum` makes it. */
  checksum: Schema.String,
  /** How long reading the source took. */
  latencyMs: Schema.NonNegativeInt,
  /** When the reading began that `counts` is from. */
  observedAt: Timestamp,
  /** `observed`: nothing to compare with, the counts alone. Absent: compared. */
  basis: Schema.optionalWith(Schema.Literal("observed"), { exact: true }),
  /** The actual side was adopted as it was: there was no ledger, or it was too old to accuse anybody. */
  rebaselined: Schema.optionalWith(Schema.Literal(true), { exact: true }),
  /** With `rebaselined`: how old the ledger was; absent where there was none. */
  ledgerAgeMs: Schema.optionalWith(Schema.NonNegativeInt, { exact: true }),
  /** With `stale`: why, in a sentence. */
  message: Schema.optionalWith(Schema.String, { exact: true }),
  /** Absent where there is neither; a `stale` pass found out nothing, and repeats nothing. */
  discrepancyDetails: Schema.optionalWith(DiscrepancyDetails, { exact: true })
}).annotations({ identifier: "ReconciliationUpdate" })
export type ReconciliationUpdate = typeof ReconciliationUpdate.Type

/** A command went into a phase. `logs` are all lines so far. */
export const CommandStatus = Schema.Struct({
  commandId: CommandId,
  service: ServiceId,
  phase: Phase,
  logs: Schema.Array(Schema.String),
  /** Whether its effect was found; absent where that cannot be told, or not yet. */
  verified: Schema.optionalWith(Schema.Boolean, { exact: true })
}).annotations({ identifier: "CommandStatus" })
export type CommandStatus = typeof CommandStatus.Type

/** How far a command is, as the stream tells it. */
export const statusOf = ({ commandId, logs, phase, service, verified }: CommandState): CommandStatus => ({
  commandId,
  service,
  phase,
  logs,
  ...(verified === undefined ? {} : { verified })
})

/** What kinds of events there are. */
export const EventName = Schema.Literal("reconciliation.update", "command.status")
export type EventName = typeof EventName.Type

/** An event before it has its place in the log. */
export interface NewEvent {
  /** What kind it is. */
  readonly name: EventName
  /** The service it is about. */
  readonly service: ServiceId
  /** What it is about: the commandId of a `command.status`, the service of an update. */
  readonly subject: string
  /** The payload as JSON text, encoded once. */
  readonly data: string
}

/** An event in the log. */
export interface Event extends NewEvent {
  /** Its place: 1, 2, 3, … without a gap, in commit order. */
  readonly seq: number
}

const encodeUpdate = Schema.encodeSync(Schema.parseJson(ReconciliationUpdate))
const encodeStatus = Schema.encodeSync(Schema.parseJson(CommandStatus))

/** The event that tells the result of a pass. */
export const ofUpdate = (update: ReconciliationUpdate): NewEvent => ({
  name: "reconciliation.update",
  service: update.service,
  subject: update.service,
  data: encodeUpdate(update)
})

/** The event that tells that a command went into a phase. */
export const ofStatus = (status: CommandStatus): NewEvent => ({
  name: "command.status",
  service: status.service,
  subject: status.commandId,
  data: encodeStatus(status)
})

/** `<logId>-<seq>`: names one event of one database for ever. */
export const id = (logId: string, seq: number): string => `${logId}-${seq}`

const idForm = /^([a-z0-9]{1,40})-(0|[1-9]\d{0,15})$/

/** Takes an event id apart. */
export const parseId = (text: string): Option.Option<{ readonly logId: string; readonly seq: number }> => {
  const match = idForm.exec(text)
  const seq = Number(match?.[2])
  return match?.[1] !== undefined && Number.isSafeInteger(seq) ? Option.some({ logId: match[1], seq }) : Option.none()
}

/** Which events a listener wants. Absent: all. */
export interface EventFilter {
  /** Ids of services. */
  readonly services?: ReadonlyArray<string>
  /** Kinds of events. */
  readonly names?: ReadonlyArray<EventName>
}

/** Whether a filter lets an event through. */
export const matches = (filter: EventFilter, event: Pick<NewEvent, "name" | "service">): boolean =>
  (filter.services === undefined || filter.services.includes(event.service)) &&
  (filter.names === undefined || filter.names.includes(event.name))

/** Why a listener cannot go on from where it was, and starts anew. */
export const ResetReason = Schema.Literal("malformed", "foreign", "future", "pruned", "behind")
export type ResetReason = typeof ResetReason.Type
