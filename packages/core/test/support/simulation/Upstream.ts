/** A job system of its own, beside the processes that ask it: it goes on, and remembers, whatever becomes of those. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { JobDetail, type JobState } from "../../../src/model/Job.ts"
import { tally } from "../../../src/model/JobView.ts"
import * as JobSource from "../../../src/sources/JobSource.ts"
import type { Time } from "./Time.ts"

/** What becomes of one request. */
export type Fault =
  /** Decided against: 429. */
  | "refuses"
  /** No connection was made. */
  | "unreachable"
  /** A 500 that applied nothing. */
  | "breaks"
  /** Applied, and the connection broke. */
  | "resets"
  /** Never answered; nothing was applied. */
  | "hangs"
  /** Applied, and never answered. */
  | "mute"
  /** Applied at once, answered so much later. */
  | { readonly slow: number }
  /** The connection broke at once, and the request was applied so much later. */
  | { readonly late: number }

export type Action = "retry-job" | "delete-job" | "restart-service" | "purge-queue"

/** What somebody may ask it for. */
export interface Content {
  readonly actionType: Action
  readonly target: string
}

/** One request as it arrived, and what the process that sent it got to know. */
export interface Request extends Content {
  readonly key: string
  /** Which process sent it. */
  readonly life: number
  readonly moment: number
  readonly at: number
  answer: "open" | "applied" | "decided" | "unknown" | "given up"
}

/** One side effect. */
export interface Applied extends Content {
  readonly key: string
  readonly moment: number
  readonly at: number
}

type Answer = Effect.Effect<number, JobSource.ActionError>

interface Stored {
  readonly queue: string
  readonly state: JobState
  readonly attempts: number
}

/** Reads answer, fail, or never answer. */
export type Reads = "answer" | "fail" | "hang"

/** The queue that may be purged. */
export const bulk = "bulk"

/** Where a job is says its name. */
const queueOf = (id: string) => (id.startsWith(bulk) ? bulk : "mail")

export class Upstream {
  readonly jobs = new Map<string, Stored>()
  readonly workers = new Map<string, number>()
  readonly requests: Array<Request> = []
  readonly applied: Array<Applied> = []
  /** What each target ever was, and since which moment. */
  readonly history = new Map<string, Array<{ readonly moment: number; readonly state: string }>>()
  /** What the next requests meet. */
  faults: Array<Fault> = []
  reads: Reads = "answer"
  /** The last moment at which reads did not answer. */
  readsFailedAt = -1
  /** Requests to purge that will be applied late. */
  purgesToCome = 0
  /** Called as a request arrives. */
  onRequest: (request: Request) => void = () => {}
  /** Counts what happens, so that it can be said what came before what. */
  moment = 0

  readonly honoursKeys: boolean
  readonly #time: Time
  readonly #answers = new Map<string, Answer>()

  constructor(time: Time, honoursKeys: boolean) {
    this.#time = time
    this.honoursKeys = honoursKeys
  }

  put(id: string, state: JobState): void {
    const attempts = (this.jobs.get(id)?.attempts ?? 0) + (state === "failed" ? 1 : 0)
    this.jobs.set(id, { queue: queueOf(id), state, attempts })
    this.#note(id, state)
  }

  setWorker(name: string, instance: number): void {
    this.workers.set(name, instance)
    this.#note(name, `${instance}`)
  }

  /** What a target was at a moment, and then became. */
  since(target: string, moment: number): ReadonlyArray<string> {
    const all = this.history.get(target) ?? []
    const then = all.filter((one) => one.moment <= moment).at(-1)?.state ?? "absent"
    return [then, ...all.filter((one) => one.moment > moment).map(({ state }) => state)]
  }

  /** How often it acted under a key. */
  effectsOf(key: string): number {
    return this.applied.filter((one) => one.key === key).length
  }

  /** As one process sees it. What it is still waiting for when that process ends comes to nothing. */
  source(life: number, isAlive: () => boolean): JobSource.Shape {
    const read = <A>(answer: () => A) =>
      Effect.suspend((): Effect.Effect<A, JobSource.ReadError> => {
        if (this.reads !== "answer") this.readsFailedAt = this.moment
        if (!isAlive() || this.reads === "hang") return Effect.never
        return this.reads === "fail" ? new JobSource.SourceUnavailable({ reason: "reset" }) : Effect.sync(answer)
      })
    const jobs = () =>
      Array.from(this.jobs, ([id, job]) => ({ id, queue: job.queue, state: job.state })).sort((a, b) =>
        a.id < b.id ? -1 : 1
      )
    const act = (actionType: Action) => (target: string, key: string) =>
      this.#request({ actionType, target, key, life, moment: this.moment, at: this.#time.now, answer: "open" }, isAlive)
    return JobSource.make({
      counts: read(() => tally(jobs())),
      jobs: Stream.unwrap(read(() => Stream.fromChunk(Chunk.unsafeFromArray(jobs())))),
      find: (id) =>
        read(() => Option.map(Option.fromNullable(this.jobs.get(id)), (job) => new JobDetail({ id, ...job }))),
      queue: (name) =>
        read(() =>
          name === bulk
            ? Option.some(new JobSource.Queue({ name, counts: tally(jobs().filter(({ queue }) => queue === name)) }))
            : Option.none()
        ),
      worker: (name) =>
        read(() =>
          Option.map(
            Option.fromNullable(this.workers.get(name)),
            (instance) => new JobSource.Worker({ name, instanceId: `${instance}` })
          )
        ),
      actions: {
        retryJob: (id, key) => Effect.asVoid(act("retry-job")(id, key)),
        deleteJob: (id, key) => Effect.asVoid(act("delete-job")(id, key)),
        restartService: (name, key) => Effect.asVoid(act("restart-service")(name, key)),
        purgeQueue: act("purge-queue")
      },
      honoursKeys: this.honoursKeys,
      finishedKept: "10 minutes"
    })
  }

  #request(request: Request, isAlive: () => boolean): Answer {
    return Effect.async((resume) => {
      if (!isAlive()) return
      this.requests.push(request)
      this.onRequest(request)
      const answer = (how: Request["answer"], effect: Answer) => {
        if (request.answer !== "open" || !isAlive()) return
        request.answer = how
        resume(effect)
      }
      const fail = (how: Request["answer"], error: JobSource.ActionError) => answer(how, Effect.fail(error))
      const applied = () => {
        const effect = this.#apply(request)
        return () => answer(effect === refused ? "decided" : "applied", effect)
      }
      const reset = new JobSource.SourceUnavailable({ reason: "reset" })
      const fault = this.faults.shift()
      switch (fault) {
        case undefined:
          applied()()
          break
        case "refuses":
          fail("decided", new JobSource.ActionRejected({ status: 429, problem: "slow down" }))
          break
        case "unreachable":
          fail("decided", new JobSource.SourceUnavailable({ reason: "connect" }))
          break
        case "breaks":
          fail("unknown", new JobSource.SourceUnavailable({ reason: "status", status: 500 }))
          break
        case "resets":
          applied()
          fail("unknown", reset)
          break
        case "hangs":
          break
        case "mute":
          applied()
          break
        default:
          if ("slow" in fault) this.#time.in(fault.slow, applied())
          else {
            const isPurge = request.actionType === "purge-queue"
            if (isPurge) this.purgesToCome += 1
            this.#time.in(fault.late, () => {
              if (isPurge) this.purgesToCome -= 1
              applied()
            })
            fail("unknown", reset)
          }
      }
      return Effect.sync(() => {
        if (request.answer === "open") request.answer = "given up"
      })
    })
  }

  /** Under a key that was answered before it gives that answer again, where it honours keys. */
  #apply(request: Request): Answer {
    const known = this.honoursKeys ? this.#answers.get(request.key) : undefined
    if (known !== undefined) return known
    const answer = this.#carryOut(request)
    this.#answers.set(request.key, answer)
    const { actionType, key, target } = request
    if (answer !== refused) this.applied.push({ actionType, key, target, moment: this.moment, at: this.#time.now })
    return answer
  }

  #carryOut({ actionType, target }: Content): Answer {
    const job = this.jobs.get(target)
    switch (actionType) {
      case "retry-job":
        if (job?.state !== "failed") return refused
        this.put(target, "waiting")
        return Effect.succeed(1)
      case "delete-job":
        if (job === undefined || job.state === "active") return refused
        this.#remove(target)
        return Effect.succeed(1)
      case "restart-service":
        this.setWorker(target, (this.workers.get(target) ?? 0) + 1)
        return Effect.succeed(1)
      case "purge-queue": {
        const purged = Array.from(this.jobs).filter(([, { queue, state }]) => queue === target && state === "waiting")
        for (const [id] of purged) this.#remove(id)
        return Effect.succeed(purged.length)
      }
    }
  }

  #remove(id: string): void {
    this.jobs.delete(id)
    this.#note(id, "absent")
  }

  #note(target: string, state: string): void {
    this.history.set(target, [...(this.history.get(target) ?? []), { moment: ++this.moment, state }])
  }
}

/** 409: it does not fit the state of the target. */
const refused: Answer = Effect.fail(new JobSource.ActionRejected({ status: 409, problem: "it does not fit" }))
