/** The port to one upstream job system: what can be read of it, and what can be done to it. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Job, JobDetail, type JobId } from "../model/Job.ts"
import { JobCounts } from "../model/JobView.ts"
import * as Foreign from "./Foreign.ts"
import * as Listing from "./Listing.ts"

/** The most jobs one listing may have. Beyond it the listing fails as `SourceInvalid`: it would fill memory. */
export const maxListedJobs = 2_000_000

/** The most bytes one answer of a source may have. */
export const maxAnswerBytes = 16 * 1024 * 1024

/**
 * Why a source gave no usable answer. `connect`: no connection was made, so nothing was applied. `address`: none was
 * even tried, since its host leads to where nobody is asked (`Egress`). `denied`: 401 or 403. `limited`: 429. `status`:
 * another status that decides nothing. `readonly`: it takes no writes now, being full, say.
 */
export const UnavailableReason = Schema.Literal(
  "connect",
  "address",
  "timeout",
  "reset",
  "status",
  "denied",
  "limited",
  "readonly"
)

/** The reasons for which nothing was sent, so that nothing was applied. */
export const unsent: ReadonlyArray<typeof UnavailableReason.Type> = ["connect", "address"]

/** The source did not answer, or not now. Worth another try. */
export class SourceUnavailable extends Schema.TaggedError<SourceUnavailable>()("SourceUnavailable", {
  reason: UnavailableReason,
  /** The HTTP status, with the reason `status`, of a system that speaks HTTP. */
  status: Schema.optionalWith(Schema.Int, { exact: true }),
  /** How long it asked to be left alone, in milliseconds. Whoever polls waits so long, up to a minute. */
  retryAfterMs: Schema.optionalWith(Schema.NonNegativeInt, { exact: true })
}) {
  override get message() {
    if (this.reason !== "status") return whyUnavailable[this.reason]
    return this.status === undefined ? "it answered with an error" : `it answered with status ${this.status}`
  }
}

const whyUnavailable: Record<Exclude<typeof UnavailableReason.Type, "status">, string> = {
  connect: "no connection could be made",
  address: "its host leads to a link-local address or a metadata service, which are never asked",
  timeout: "it did not answer in time",
  reset: "the connection broke",
  denied: "it refused our credentials",
  limited: "it asked us to slow down",
  readonly: "it takes no writes now"
}

/** The source answered something that the contract does not allow. `problem` names it and quotes nothing. */
export class SourceInvalid extends Schema.TaggedError<SourceInvalid>()("SourceInvalid", { problem: Schema.String }) {
  override get message() {
    return `its answer does not fit the contract: ${this.problem}`
  }
}

/** The upstream does not know the `target`. Nothing was applied. */
export class TargetNotFound extends Schema.TaggedError<TargetNotFound>()("TargetNotFound", { target: Schema.String }) {
  override get message() {
    return `"${this.target}" does not exist upstream`
  }
}

/** The upstream decided against the action. Nothing was applied. */
export class ActionRejected extends Schema.TaggedError<ActionRejected>()("ActionRejected", {
  /** The HTTP status, where there was one. */
  status: Schema.optionalWith(Schema.Int, { exact: true }),
  /** Why, in a sentence, which goes on the record: no secrets. */
  problem: Schema.String
}) {
  override get message() {
    return `upstream refused: ${this.problem}`
  }
}

/** Why a read gave no usable answer. */
export type ReadError = SourceUnavailable | SourceInvalid
/** How an action failed. The last two, and what is `unsent`, say that nothing was applied; of the others nobody knows. */
export type ActionError = ReadError | TargetNotFound | ActionRejected

/** A queue, looked up by its `name`. */
export class Queue extends Schema.Class<Queue>("Queue")({ name: Schema.String, counts: JobCounts }) {}

/** A worker service, looked up by its `name`. A restart gives it another `instanceId`. */
export class Worker extends Schema.Class<Worker>("Worker")({ name: Schema.String, instanceId: Schema.String }) {}

/** An answer passed through as it came. */
export interface RawAnswer {
  /** The HTTP status. */
  readonly status: number
  /** The media type, if it had one. */
  readonly contentType: string | undefined
  /** At most `maxAnswerBytes`. */
  readonly body: Uint8Array
}

/**
 * What a source can do to a target. Each takes the command's id as the key under which the upstream is asked to
 * apply it at most once. An action that is absent is not supported.
 */
export interface SourceActions {
  /** Puts a failed job back to work. */
  readonly retryJob?: (id: JobId, key: string) => Effect.Effect<void, ActionError>
  /** Removes a job that is not active. */
  readonly deleteJob?: (id: JobId, key: string) => Effect.Effect<void, ActionError>
  /** Removes the waiting and delayed jobs of a queue; gives their number. */
  readonly purgeQueue?: (name: string, key: string) => Effect.Effect<number, ActionError>
  /** Asks a worker service to start anew. */
  readonly restartService?: (name: string, key: string) => Effect.Effect<void, ActionError>
}

/**
 * One upstream job system. Every effect ends within the source's own deadline, reads a bounded answer, and fails
 * with a typed error that carries no secret. None retries by itself.
 */
export class JobSource extends Context.Tag("@mithrandir/core/JobSource")<
  JobSource,
  {
    /** How many jobs are in each state, as the system itself counts. */
    readonly counts: Effect.Effect<JobCounts, ReadError>
    /**
     * Every job, each once, where the system can list them. A job that is there throughout the listing is in it.
     * Fails with `SourceInvalid` for an id that comes twice.
     */
    readonly jobs?: Stream.Stream<Job, ReadError>
    /**
     * The listing shows one moment, so that counting it is counting. Of any other, `counts` is asked before and after,
     * and may be found to contradict it.
     */
    readonly isAtomic?: boolean
    /** Whether the jobs of a queue are listed at all; absent: of every queue. Jobs of others are no longer its business. */
    readonly covers?: (queue: string) => boolean
    /** Whether a job can have this id at all; absent: any. A command for one that can not is refused before it is sent. */
    readonly isJobId?: (id: string) => boolean
    /** One job, looked up by its id, none if the system does not have it. */
    readonly find: (id: JobId) => Effect.Effect<Option.Option<JobDetail>, ReadError>
    /** One queue, where the system has queues with names. */
    readonly queue?: (name: string) => Effect.Effect<Option.Option<Queue>, ReadError>
    /** One worker service, where the system has such. */
    readonly worker?: (name: string) => Effect.Effect<Option.Option<Worker>, ReadError>
    /** What of the four standard actions it can do. */
    readonly actions: SourceActions
    /** Whether a repeated key gives the first answer and does nothing again. */
    readonly honoursKeys: boolean
    /**
     * How long a finished job stays listed. Between two listings further apart than this, absence proves nothing;
     * zero: it never does.
     */
    readonly finishedKept: Duration.Duration
    /** Succeeds if the system answers at all. */
    readonly ping: Effect.Effect<void, ReadError>
    /** What the system says of its stuck jobs, passed through with the given query string (without `?`). */
    readonly stuck?: (query: string) => Effect.Effect<RawAnswer, ReadError>
  }
>() {}
/** What a source is: the service behind `JobSource`. */
export type Shape = Context.Tag.Service<JobSource>

/** What `make` is told of a source: the members of the port, most of which have a safe default. */
export interface Definition {
  /** How many jobs are in each state, as the system itself counts. */
  readonly counts: Shape["counts"]
  /** Every job, each once. Default: the system cannot list, and only counts are compared. */
  readonly jobs?: Stream.Stream<Job, ReadError>
  /** The listing shows one moment. Default: false, so that counts are asked before and after. */
  readonly isAtomic?: boolean
  /** Whether the jobs of a queue are listed at all. Default: of every queue. */
  readonly covers?: (queue: string) => boolean
  /** Whether a job can have this id at all. Default: it can. */
  readonly isJobId?: (id: string) => boolean
  /**
   * One job by its id. Default: looks for it in the listing, which is slow where there are many; a system that cannot
   * list fails with `SourceInvalid`.
   */
  readonly find?: Shape["find"]
  /** One queue. Default: the system has no queues with names. */
  readonly queue?: (name: string) => Effect.Effect<Option.Option<Queue>, ReadError>
  /** One worker service. Default: the system has none. */
  readonly worker?: (name: string) => Effect.Effect<Option.Option<Worker>, ReadError>
  /** What of the four standard actions it can do. Default: nothing. */
  readonly actions?: SourceActions
  /** Whether a repeated key does nothing again. Default: false, so that a command that a crash cut off is looked for. */
  readonly honoursKeys?: boolean
  /**
   * How long a finished job stays listed, and how old an expected side may be. There is no safe guess: too long, and
   * jobs that finished and left are taken for lost; zero, and nothing is ever missed.
   */
  readonly finishedKept: Duration.DurationInput
  /** Succeeds if the system answers at all. Default: asks for the counts. */
  readonly ping?: Effect.Effect<void, ReadError>
  /** What the system says of its stuck jobs. Default: it says nothing. */
  readonly stuck?: (query: string) => Effect.Effect<RawAnswer, ReadError>
  /**
   * How long any read may take, and a listing between two of its jobs, before it fails with `SourceUnavailable`.
   * Default: 3 s. A listing as a whole has as long as finished jobs stay, but at least a minute, and at most ten.
   * Actions have until their command's deadline.
   */
  readonly readTimeout?: Duration.DurationInput
}

/** A source: `Layer.succeed(JobSource.JobSource, JobSource.make({ counts, finishedKept: "10 minutes" }))`. */
export const make = (definition: Definition): Shape => {
  const { covers, find, isAtomic, isJobId, ping, queue, readTimeout = "3 seconds", stuck, worker } = definition
  const late = () => new SourceUnavailable({ reason: "timeout" })
  const inTime = <A>(read: () => Effect.Effect<A, ReadError>) =>
    Effect.timeoutFail(Foreign.run(read), { duration: readTimeout, onTimeout: late })

  const counts = inTime(() => definition.counts)
  const finishedKept = Duration.decode(definition.finishedKept)
  const limits = { gap: Duration.decode(readTimeout), total: Listing.maxDuration(finishedKept) }
  const jobs = definition.jobs === undefined ? undefined : Listing.bounded(definition.jobs, late, limits)
  return {
    counts,
    find: find === undefined ? findIn(jobs) : (id) => inTime(() => find(id)),
    actions: definition.actions ?? {},
    honoursKeys: definition.honoursKeys ?? false,
    finishedKept,
    ping: ping === undefined ? Effect.asVoid(counts) : inTime(() => ping),
    ...(jobs === undefined ? {} : { jobs }),
    ...(isAtomic === undefined ? {} : { isAtomic }),
    ...(covers === undefined ? {} : { covers }),
    ...(isJobId === undefined ? {} : { isJobId }),
    ...(queue === undefined ? {} : { queue: (name) => inTime(() => queue(name)) }),
    ...(worker === undefined ? {} : { worker: (name) => inTime(() => worker(name)) }),
    ...(stuck === undefined ? {} : { stuck: (query) => inTime(() => stuck(query)) })
  }
}

const findIn =
  (jobs: Stream.Stream<Job, ReadError> | undefined): Shape["find"] =>
  (id) =>
    jobs === undefined
      ? new SourceInvalid({ problem: "it can neither list jobs nor look one up" })
      : Effect.map(
          Stream.runHead(Stream.filter(jobs, (job) => job.id === id)),
          Option.map(({ queue, state }) => new JobDetail({ id, queue, state }))
        )
