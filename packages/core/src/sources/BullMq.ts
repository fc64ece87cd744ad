/** The queues of a Redis that BullMQ works on. `bullmq` is an optional peer: import this module by its own path. */
import { type Job as BullJob, Queue as BullQueue, QueueKeys } from "bullmq"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Job, JobDetail, JobId, type JobState, jobStates } from "../model/Job.ts"
import { type JobCounts, noJobs } from "../model/JobView.ts"
import * as BullMqConnection from "./BullMqConnection.ts"
import * as BullMqPurge from "./BullMqPurge.ts"
import * as BullMqQueue from "./BullMqQueue.ts"
import * as Egress from "./Egress.ts"
import {
  type ActionError,
  ActionRejected,
  JobSource,
  maxListedJobs,
  Queue,
  type ReadError,
  type Shape,
  SourceInvalid,
  type SourceUnavailable,
  TargetNotFound
} from "./JobSource.ts"

/** Which queues, and where they are. */
export interface Options {
  /** `redis://` or `rediss://`, the database as its path where it is not 0, and no host with an `Egress.hostFlaw`. */
  readonly url: string
  /** The queues to look after; other queues of that Redis are none of its business. */
  readonly queues: ReadonlyArray<string>
  /** For the user in the url, or the default one. Default: none. */
  readonly password?: Redacted.Redacted
  /** BullMQ's prefix of every key: `bull` unless told otherwise. */
  readonly prefix?: string
  /** How long one call may take. 3 seconds unless told otherwise. */
  readonly requestTimeout?: Duration.DurationInput
  /**
   * How long finished jobs stay. 10 minutes unless told otherwise; jobs that BullMQ is told to remove sooner are
   * listed with `leaves`.
   */
  readonly finishedKept?: Duration.DurationInput
}

/**
 * BullMQ queues as one source. A job's id is `queue:id`, since BullMQ numbers jobs per queue. Connects with the first
 * call, and again whenever a call finds the connection gone; closes it with its scope. Writes nothing but what an
 * action asks for.
 *
 * `prioritized`, `paused` and `waiting-children` count as waiting. What a purge leaves alone is listed as `spared`: the
 * next job of a scheduler, and a parent, unless its last children go with the purge. A job that finished and left by itself is found in the state it
 * finished in, as long as BullMQ's events tell of it.
 */
export const layer = (options: Options): Layer.Layer<JobSource, Egress.UrlRefused> =>
  Layer.scoped(JobSource, make(options))

interface Handle {
  readonly name: string
  readonly read: BullMqQueue.BullMqQueue
  /** Uses BullMQ's own queue, for what it does better than we would. */
  readonly call: <A>(use: (bull: BullQueue) => Promise<A>) => Effect.Effect<A, ReadError>
}

const make = (options: Options): Effect.Effect<Shape, Egress.UrlRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const problem = URL.canParse(options.url) ? Egress.hostFlaw(new URL(options.url).hostname) : undefined
    if (problem !== undefined) return yield* new Egress.UrlRefused({ problem })
    const finishedKept = Duration.decode(options.finishedKept ?? "10 minutes")
    const connection = yield* BullMqConnection.make({
      url: options.url,
      requestTimeout: Duration.decode(options.requestTimeout ?? "3 seconds"),
      prepare: BullMqQueue.define,
      ...(options.password === undefined ? {} : { password: options.password })
    })

    const keys = new QueueKeys(options.prefix)
    const queues = new Map<string, Handle>()
    for (const name of new Set(options.queues)) {
      const bull = bullQueue(name, options.prefix)
      queues.set(name, {
        name,
        read: BullMqQueue.make({ connection, name, toKey: (key) => keys.toKey(name, key), finishedKept }),
        call: (use) => connection.call((client) => use(bull(client)))
      })
    }
    const handles = Array.from(queues.values())

    /** The queue and BullMQ's own id; undefined where no queue of ours can have the job. */
    const locate = (id: JobId): { readonly queue: Handle; readonly bullId: string } | undefined => {
      const end = id.indexOf(":")
      const queue = queues.get(id.slice(0, Math.max(end, 0)))
      const bullId = id.slice(end + 1)
      return queue === undefined || bullId === "" || !isId(id) ? undefined : { queue, bullId }
    }

    const find = Effect.fn("BullMq.find")(function* (id: JobId) {
      const at = locate(id)
      if (at === undefined) return Option.none()
      const there = yield* at.queue.read.find(at.bullId)
      const job = there ?? (deleted.has(id) ? undefined : yield* at.queue.read.finished(at.bullId))
      return job === undefined ? Option.none() : Option.some(new JobDetail({ id, queue: at.queue.name, ...job }))
    })

    // What was asked to be deleted is gone, even if it had finished and left before.
    const deleted = new Set<JobId>()
    const noteDeletion = (id: JobId) =>
      Effect.sync(() => {
        deleted.delete(id)
        deleted.add(id)
        for (const oldest of deleted) {
          if (deleted.size <= maxDeleted) break
          deleted.delete(oldest)
        }
      })

    /** Looks first: BullMQ says of a job that is missing what it says of one it has removed. */
    const withJob = <A>(
      id: JobId,
      act: (queue: Handle, bullId: string, state: JobState) => Effect.Effect<A, ActionError>
    ): Effect.Effect<A, ActionError> =>
      Effect.gen(function* () {
        const at = locate(id)
        const job = at === undefined ? undefined : yield* at.queue.read.find(at.bullId)
        if (at === undefined || job === undefined) return yield* new TargetNotFound({ target: id })
        return yield* act(at.queue, at.bullId, job.state)
      }).pipe(Effect.catchTag("SourceUnavailable", refused))

    const source: Shape = {
      counts: Effect.map(
        Effect.forEach(handles, ({ read }) => read.counts),
        sum
      ).pipe(Effect.withSpan("BullMq.counts")),
      jobs: Stream.suspend(() => {
        let listed = 0
        return Stream.flattenChunks(
          Stream.mapEffect(Stream.fromIterable(handles), ({ name, read }) =>
            Effect.flatMap(read.jobs, (jobs) => {
              listed += jobs.length
              return listed > maxListedJobs
                ? new SourceInvalid({ problem: `more than ${maxListedJobs} jobs` })
                : named(name, jobs)
            })
          )
        )
      }),
      // One transaction per queue: each queue's part is one moment, and no job moves from one queue to another.
      isAtomic: true,
      covers: (queue) => queues.has(queue),
      find,
      queue: Effect.fn("BullMq.queue")(function* (name: string) {
        const queue = queues.get(name)
        if (queue === undefined || !(yield* queue.read.exists)) return Option.none()
        return Option.some(new Queue({ name, counts: yield* queue.read.counts }))
      }),
      actions: {
        retryJob: Effect.fn("BullMq.retryJob")((id: JobId) =>
          withJob(id, (queue, bullId, state) =>
            state === "failed"
              ? Effect.flatMap(
                  queue.call((bull) => retried(bull, bullId)),
                  (code) => decided(id, code, "the job has not failed")
                )
              : new ActionRejected({ problem: "the job has not failed" })
          )
        ),
        deleteJob: Effect.fn("BullMq.deleteJob")((id: JobId) =>
          Effect.zipRight(
            noteDeletion(id),
            withJob(id, (queue, bullId, state) =>
              state === "active"
                ? new ActionRejected({ problem: "the job is active" })
                : Effect.flatMap(
                    queue.call((bull) => removed(bull, bullId)),
                    (code) => decided(id, code, "a worker holds the job")
                  )
            )
          )
        ),
        purgeQueue: Effect.fn("BullMq.purgeQueue")((name: string) => {
          const queue = queues.get(name)
          if (queue === undefined) return new TargetNotFound({ target: name })
          // It says so only where no step of it removed anything.
          return Effect.catchTag(BullMqPurge.purge(queue.call), "SourceUnavailable", refused)
        })
      },
      honoursKeys: false,
      finishedKept,
      // The cheapest question that BullMQ's interface to its client has a word for.
      ping: Effect.asVoid(connection.call((client) => client.llen(`${options.prefix ?? "bull"}:mithrandir`))).pipe(
        Effect.withSpan("BullMq.ping")
      )
    }
    return source
  })

/**
 * BullMQ's own queue on a connection of ours, made once for each client. It would write settings of its own to Redis,
 * were it not told to leave that.
 */
const bullQueue = (name: string, prefix: string | undefined) => {
  const made = new WeakMap<BullMqConnection.Client, BullQueue>()
  return (connection: BullMqConnection.Client): BullQueue => {
    const known = made.get(connection)
    if (known !== undefined) return known
    const bull = new BullQueue(name, {
      connection,
      skipMetasUpdate: true,
      skipVersionCheck: true,
      skipWaitingForReady: true,
      ...(prefix === undefined ? {} : { prefix })
    })
    // What goes wrong is said by the call it happens to.
    bull.on("error", () => {})
    made.set(connection, bull)
    return bull
  }
}

/** One command of Redis, or one script, either ran or was refused: of a refused one nothing is left to wonder about. */
const refused = (error: SourceUnavailable): Effect.Effect<never, ActionRejected | SourceUnavailable> =>
  error.reason === "denied" || error.reason === "readonly"
    ? new ActionRejected({ problem: error.message })
    : Effect.fail(error)

const sum = (all: ReadonlyArray<JobCounts>): JobCounts => {
  const total: Record<JobState, number> = { ...noJobs }
  for (const counts of all) for (const state of jobStates) total[state] += counts[state]
  return total
}

/** Of so many deletions it is remembered that they were asked for: more than are verified at any one time. */
const maxDeleted = 10_000

const isId = Schema.is(JobId)

/** The longest id that a listing may have. */
const maxIdLength = 512

const named = (name: string, jobs: ReadonlyArray<Job>): Effect.Effect<Chunk.Chunk<Job>, ReadError> => {
  const seen = new Set<string>()
  const named: Array<Job> = []
  for (const job of jobs) {
    const id = `${name}:${job.id}`
    if (id.length > maxIdLength) return new SourceInvalid({ problem: `an id of more than ${maxIdLength} characters` })
    if (seen.has(id)) return new SourceInvalid({ problem: "an id that is listed twice" })
    seen.add(id)
    named.push({ ...job, id })
  }
  return Effect.succeed(Chunk.unsafeFromArray(named))
}

/** BullMQ's words for how a script ended; and ours for a job that it stumbles over before there is one. */
const Code = { done: 1, refused: 0, missing: -1, notInState: -3, ofScheduler: -8, unreadable: -100 } as const

/** BullMQ throws what its script returned, with the number as `code`; other errors are the connection's. */
const code = async (run: Promise<unknown>): Promise<number> => {
  try {
    const answer = await run
    return typeof answer === "number" ? answer : Code.done
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code === "number") return code
    throw error
  }
}

const retried = async (queue: BullQueue, id: string): Promise<number> => {
  const job = await readable(queue.getJob(id))
  if (job === "unreadable") return Code.unreadable
  return job === undefined ? Code.missing : code(job.retry("failed"))
}

/** Whoever else writes to Redis may have written anything where BullMQ keeps JSON. */
const readable = async (job: Promise<BullJob | undefined>): Promise<BullJob | undefined | "unreadable"> => {
  try {
    return await job
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return "unreadable"
    throw error
  }
}

/** Without its children: they were not asked for, and would look like jobs that vanished. */
const removed = (queue: BullQueue, id: string) => code(queue.remove(id, { removeChildren: false }))

const decided = (id: JobId, code: number, problem: string): Effect.Effect<void, ActionError> => {
  switch (code) {
    case Code.done:
      return Effect.void
    case Code.missing:
      return new TargetNotFound({ target: id })
    case Code.unreadable:
      return new ActionRejected({ problem: "BullMQ cannot read the job" })
    case Code.ofScheduler:
      return new ActionRejected({ problem: "the job belongs to a scheduler" })
    default:
      return new ActionRejected({ problem })
  }
}
