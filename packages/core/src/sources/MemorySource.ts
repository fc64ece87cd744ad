/** A job system in memory, and the strings to pull on it: for tests and examples. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Job, JobDetail, type JobId, type JobState } from "../model/Job.ts"
import { type JobCounts, tally } from "../model/JobView.ts"
import {
  type ActionError,
  ActionRejected,
  JobSource,
  Queue,
  type RawAnswer,
  type ReadError,
  type Shape,
  TargetNotFound,
  Worker
} from "./JobSource.ts"

/** A job to put in. Left out: queue `default`, state `waiting`, 0 attempts, does not leave by itself. */
export interface MemoryJob {
  /** Unique among its jobs. */
  readonly id: JobId
  /** The queue it is in. */
  readonly queue?: string
  /** What it is doing. */
  readonly state?: JobState
  /** How often it was started. */
  readonly attempts?: number
  /** It removes itself, so that its absence is no evidence. */
  readonly leaves?: boolean
}

/** What is there at the start. */
export interface Initial {
  /** Its jobs. Left out: none. */
  readonly jobs?: Iterable<MemoryJob>
  /** Worker services: name to instanceId. */
  readonly workers?: Readonly<Record<string, string>>
}

/** Where a hook runs: before a call is answered, and after an action was applied but before it answers. */
export type HookPoint = "counts" | "listing" | "find" | "action" | "applied"

/** The strings. Each takes effect with the next call. */
export interface Control {
  /** Adds jobs, or replaces those of the same id. */
  readonly put: (...jobs: ReadonlyArray<MemoryJob>) => Effect.Effect<void>
  /** These are all the jobs from now on. */
  readonly replace: (jobs: Iterable<MemoryJob>) => Effect.Effect<void>
  /** Takes jobs away without a trace. */
  readonly remove: (...ids: ReadonlyArray<JobId>) => Effect.Effect<void>
  /** Every job as it is now. */
  readonly jobs: Effect.Effect<ReadonlyArray<Job>>
  /** Adds a worker service, or gives it another instance. */
  readonly setWorker: (name: string, instanceId: string) => Effect.Effect<void>
  /** Takes a worker service away. */
  readonly removeWorker: (name: string) => Effect.Effect<void>
  /** Every call fails with this, actions before they apply, until `recover`. */
  readonly failWith: (error: ReadError) => Effect.Effect<void>
  /** Actions fail with this until `recover`: before they are applied, or after. */
  readonly failActions: (error: ActionError, when: "before" | "after") => Effect.Effect<void>
  /** Ends `failWith` and `failActions`. */
  readonly recover: Effect.Effect<void>
  /** `counts` says this, whatever is there; `undefined`: the truth again. */
  readonly lie: (counts: JobCounts | undefined) => Effect.Effect<void>
  /** Runs `effect` at a point of every call from now on. `Effect.void` takes the hook away. */
  readonly hook: (point: HookPoint, effect: Effect.Effect<void>) => Effect.Effect<void>
  /** How often an effect was applied under this key. */
  readonly applied: (key: string) => Effect.Effect<number>
  /** How many action calls have arrived, applied or not. */
  readonly calls: Effect.Effect<number>
  /** Whether a repeated key gives the first answer and does nothing again. */
  readonly setHonoursKeys: (honours: boolean) => Effect.Effect<void>
  /** How long it says that finished jobs stay listed; it removes none by itself. */
  readonly setFinishedKept: (kept: Duration.DurationInput) => Effect.Effect<void>
  /** What `stuck` answers. */
  readonly setStuck: (answer: RawAnswer) => Effect.Effect<void>
}

/** A system and what moves it. */
export interface MemorySource {
  /** The system, as Mithrandir sees it. */
  readonly source: Shape
  /** Its strings. */
  readonly control: Control
}

interface Stored {
  readonly job: Job
  readonly attempts: number
}

const none: RawAnswer = {
  status: 200,
  contentType: "application/json",
  body: new TextEncoder().encode('{"data":[]}')
}

/** An empty system with its control. Keys are honoured and finished jobs kept for 10 minutes unless told otherwise. */
export const make: Effect.Effect<MemorySource> = Effect.sync(() => {
  const jobs = new Map<JobId, Stored>()
  // A queue that was emptied still exists.
  const queues = new Set<string>()
  const workers = new Map<string, string>()
  const answers = new Map<string, Exit.Exit<unknown, ActionError>>()
  const effects = new Map<string, number>()
  const hooks = new Map<HookPoint, Effect.Effect<void>>()
  let down: ReadError | undefined
  let actionFailure: { readonly error: ActionError; readonly when: "before" | "after" } | undefined
  let lie: JobCounts | undefined
  let honoursKeys = true
  let finishedKept = Duration.minutes(10)
  let stuckAnswer = none
  let calls = 0
  let restarts = 0

  const put = (job: MemoryJob) => {
    const queue = job.queue ?? "default"
    queues.add(queue)
    jobs.set(job.id, {
      job: {
        id: job.id,
        queue,
        state: job.state ?? "waiting",
        ...(job.leaves === undefined ? {} : { leaves: job.leaves })
      },
      attempts: job.attempts ?? 0
    })
  }

  const listed = () => Array.from(jobs.values(), (stored) => stored.job)
  const at = (point: HookPoint) => Effect.suspend(() => hooks.get(point) ?? Effect.void)
  const up = Effect.suspend(() => (down === undefined ? Effect.void : Effect.fail(down)))

  const read = <A>(point: HookPoint | undefined, answer: () => A): Effect.Effect<A, ReadError> =>
    Effect.zipRight(Effect.zipRight(point === undefined ? Effect.void : at(point), up), Effect.sync(answer))

  /** Applies under a key: a key that was answered before gives that answer again, if keys are honoured. */
  const act = <A>(key: string, apply: () => Effect.Effect<A, ActionError>): Effect.Effect<A, ActionError> =>
    Effect.gen(function* () {
      calls += 1
      yield* at("action")
      yield* up
      if (actionFailure?.when === "before") return yield* actionFailure.error
      const known = honoursKeys ? answers.get(key) : undefined
      if (known !== undefined) return yield* known as Exit.Exit<A, ActionError>
      // Applied and noted in one step, or an interruption between the two would forget an effect.
      const answer = yield* Effect.uninterruptible(
        Effect.tap(Effect.exit(apply()), (answer) => {
          answers.set(key, answer)
          if (answer._tag === "Success") effects.set(key, (effects.get(key) ?? 0) + 1)
        })
      )
      yield* at("applied")
      if (actionFailure?.when === "after") return yield* actionFailure.error
      return yield* answer
    })

  const withJob = <A>(id: JobId, use: (stored: Stored) => Effect.Effect<A, ActionError>) => {
    const stored = jobs.get(id)
    return stored === undefined ? new TargetNotFound({ target: id }) : use(stored)
  }

  const source: Shape = {
    counts: read("counts", () => lie ?? tally(listed())),
    jobs: Stream.unwrap(read("listing", () => Stream.fromChunk(Chunk.unsafeFromArray(listed())))),
    find: Effect.fn("MemorySource.find")((id: JobId) =>
      read("find", () =>
        Option.map(
          Option.fromNullable(jobs.get(id)),
          ({ attempts, job }) => new JobDetail({ id, queue: job.queue, state: job.state, attempts })
        )
      )
    ),
    queue: Effect.fn("MemorySource.queue")((name: string) =>
      read(undefined, () =>
        queues.has(name)
          ? Option.some(new Queue({ name, counts: tally(listed().filter((job) => job.queue === name)) }))
          : Option.none()
      )
    ),
    worker: Effect.fn("MemorySource.worker")((name: string) =>
      read(undefined, () =>
        Option.map(Option.fromNullable(workers.get(name)), (instanceId) => new Worker({ name, instanceId }))
      )
    ),
    actions: {
      retryJob: Effect.fn("MemorySource.retryJob")((id: JobId, key: string) =>
        act(key, () =>
          withJob(id, ({ attempts, job }) => {
            if (job.state !== "failed") return new ActionRejected({ problem: "the job has not failed" })
            jobs.set(id, { job: { ...job, state: "waiting" }, attempts })
            return Effect.void
          })
        )
      ),
      deleteJob: Effect.fn("MemorySource.deleteJob")((id: JobId, key: string) =>
        act(key, () =>
          withJob(id, ({ job }) => {
            if (job.state === "active") return new ActionRejected({ problem: "the job is active" })
            jobs.delete(id)
            return Effect.void
          })
        )
      ),
      purgeQueue: Effect.fn("MemorySource.purgeQueue")((name: string, key: string) =>
        act(key, () => {
          if (!queues.has(name)) return new TargetNotFound({ target: name })
          const purged = listed().filter(
            (job) => job.queue === name && (job.state === "waiting" || job.state === "delayed")
          )
          for (const job of purged) jobs.delete(job.id)
          return Effect.succeed(purged.length)
        })
      ),
      restartService: Effect.fn("MemorySource.restartService")((name: string, key: string) =>
        act(key, () => {
          if (!workers.has(name)) return new TargetNotFound({ target: name })
          restarts += 1
          workers.set(name, `${name}-restart-${restarts}`)
          return Effect.void
        })
      )
    },
    get honoursKeys() {
      return honoursKeys
    },
    get finishedKept() {
      return finishedKept
    },
    ping: read(undefined, () => undefined),
    stuck: () => read(undefined, () => stuckAnswer)
  }

  const control: Control = {
    put: (...added) => Effect.sync(() => added.forEach(put)),
    replace: (all) =>
      Effect.sync(() => {
        jobs.clear()
        for (const job of all) put(job)
      }),
    remove: (...ids) =>
      Effect.sync(() => {
        for (const id of ids) jobs.delete(id)
      }),
    jobs: Effect.sync(listed),
    setWorker: (name, instanceId) => Effect.sync(() => void workers.set(name, instanceId)),
    removeWorker: (name) => Effect.sync(() => void workers.delete(name)),
    failWith: (error) =>
      Effect.sync(() => {
        down = error
      }),
    failActions: (error, when) =>
      Effect.sync(() => {
        actionFailure = { error, when }
      }),
    recover: Effect.sync(() => {
      down = undefined
      actionFailure = undefined
    }),
    lie: (counts) =>
      Effect.sync(() => {
        lie = counts
      }),
    hook: (point, effect) => Effect.sync(() => void hooks.set(point, effect)),
    applied: (key) => Effect.sync(() => effects.get(key) ?? 0),
    calls: Effect.sync(() => calls),
    setHonoursKeys: (honours) =>
      Effect.sync(() => {
        honoursKeys = honours
      }),
    setFinishedKept: (kept) =>
      Effect.sync(() => {
        finishedKept = Duration.decode(kept)
      }),
    setStuck: (answer) =>
      Effect.sync(() => {
        stuckAnswer = answer
      })
  }

  return { source, control }
})

/** A system in memory with these jobs and workers. For its control, `make` one and provide its `source`. */
export const layer = (initial: Initial = {}): Layer.Layer<JobSource> =>
  Layer.effect(
    JobSource,
    Effect.gen(function* () {
      const { control, source } = yield* make
      yield* control.replace(initial.jobs ?? [])
      for (const [name, instanceId] of Object.entries(initial.workers ?? {})) yield* control.setWorker(name, instanceId)
      return source
    })
  )

/** Nothing outside the process: an empty system. */
export const layerMemory: Layer.Layer<JobSource> = layer()
