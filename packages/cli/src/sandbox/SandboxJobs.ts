/**
 * Jobs that live: they arrive, wait, are taken by workers, finish, fail, and leave long after they finished. A state
 * machine over the clock and seeded chance; nothing in it knows of HTTP.
 *
 * 1. A job is moved by `tick`, by a command, and by nothing else.
 * 2. It only goes where ordinary lives go: waiting → active → completed, failed, or delayed for another attempt;
 *    delayed → waiting; active → waiting when its worker restarts; failed → waiting when somebody retries it. Only
 *    `revive` takes another way: completed → waiting.
 * 3. A finished job stays for `finishedKeptMs`. An unfinished one leaves by command, or without a trace by `lose`.
 */
import { type Job, JobView } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export interface SandboxJob {
  readonly id: string
  readonly queue: string
  readonly state: Job.JobState
  readonly attempts: number
  /** Since when it is in its state. */
  readonly since: number
  /** When it goes on by itself; infinite for one that is stuck, or that waits for somebody. */
  readonly due: number
  /** What becomes of it when a worker is done with it. */
  readonly fate: "completes" | "fails" | "fails once" | "sticks"
}

export interface SandboxWorker {
  readonly name: string
  readonly instanceId: string
  readonly startedAt: number
}

/** How a command ended; a repeat of it ends the same way. */
export type Answer<A> =
  | { readonly _tag: "done"; readonly value: A }
  | { readonly _tag: "missing" }
  | { readonly _tag: "conflict" }

export interface SandboxJobs {
  /** Lets life go on until now. */
  readonly tick: Effect.Effect<void>
  /** Every job, ordered by id. */
  readonly jobs: Effect.Effect<ReadonlyArray<SandboxJob>>
  /** How many are in each state. */
  readonly counts: Effect.Effect<JobView.JobCounts>
  readonly find: (id: string) => Effect.Effect<SandboxJob | undefined>
  /** Jobs that have been active for longer than any should be. */
  readonly stuck: Effect.Effect<ReadonlyArray<SandboxJob>>
  readonly queue: (
    name: string
  ) => Effect.Effect<{ readonly name: string; readonly counts: JobView.JobCounts } | undefined>
  readonly worker: (name: string) => Effect.Effect<SandboxWorker | undefined>
  readonly retry: (id: string) => Effect.Effect<Answer<SandboxJob>>
  readonly remove: (id: string) => Effect.Effect<Answer<void>>
  readonly purge: (queue: string) => Effect.Effect<Answer<number>>
  readonly restart: (worker: string) => Effect.Effect<Answer<SandboxWorker>>
  /** Loses a job that has waited for a while, without a trace; none where no job has. */
  readonly lose: Effect.Effect<SandboxJob | undefined>
  /** Brings a job that completed a while ago back to life, as it was before; none where no job has. */
  readonly revive: Effect.Effect<SandboxJob | undefined>
}

interface Line {
  readonly queue: string
  readonly worker: string
  /** How many jobs its worker has at once. */
  readonly slots: number
  /** Mean time between two jobs that arrive. */
  readonly everyMs: number
  /** How long a job takes, at least and at most. */
  readonly worksMs: readonly [number, number]
  /** Of 100 jobs, so many are for later. */
  readonly laterPercent: number
}

/** About two jobs a second in all. Media is always a little behind, so that there are jobs that wait. */
const lines: ReadonlyArray<Line> = [
  { queue: "mail", worker: "mailer", slots: 4, everyMs: 900, worksMs: [300, 1500], laterPercent: 0 },
  { queue: "media", worker: "encoder", slots: 4, everyMs: 1400, worksMs: [1500, 4000], laterPercent: 0 },
  { queue: "reports", worker: "reporter", slots: 2, everyMs: 4000, worksMs: [1000, 3000], laterPercent: 60 }
]

/** Two minutes longer than the contract promises, for clocks that differ. */
const finishedKeptMs = Duration.toMillis("12 minutes")

/** Beyond this no more jobs arrive in a queue: a worker that was purged of its work would never catch up. */
const maxWaiting = 14
/** Fewer than this wait in media: then jobs arrive at once, so that a newcomer always sees some. */
const minWaitingMedia = 8
/** A handful. Beyond it jobs that would fail complete. */
const maxFailed = 8
const maxStuck = 3
/** A job that is active for longer than this is called stuck. None that is not takes half as long. */
const stuckAfterMs = 15_000
/** A job is lost, or revived, only after this long in its state: what nobody has seen is not missed. */
const knownAfterMs = 6500
/** A worker that restarts takes no jobs for this long. */
const restartMs = 2000
/** Of 1000 jobs, so many fail for good, fail once, or never end. */
const chances = { fails: 20, failsOnce: 60, sticks: 4 }
/** After a pause of the whole machine, only so much of what was missed arrives late. */
const maxCatchUpMs = 5000

/** Jobs as they are after some time of running, from one seed always the same. */
export const make = (options: { readonly seed: string | number }): Effect.Effect<SandboxJobs> =>
  Effect.map(Clock.currentTimeMillis, (start) => {
    const random = Random.make(options.seed)
    const jobs = new Map<string, SandboxJob>()
    const numbers = new Map<string, number>()
    const workers = new Map(lines.map(({ worker }) => [worker, { instance: 1, startedAt: start - 3_600_000 }]))
    const nextArrival = new Map(lines.map(({ queue, everyMs }) => [queue, start + everyMs]))

    const chance = (min: number, max: number) => Effect.runSync(random.nextIntBetween(min, max + 1))
    const inQueue = (queue: string, state: Job.JobState) =>
      Array.from(jobs.values()).filter((job) => job.queue === queue && job.state === state)
    const inState = (state: Job.JobState) => Array.from(jobs.values()).filter((job) => job.state === state)
    const any = <A>(some: ReadonlyArray<A>): A | undefined => some[chance(0, Math.max(some.length - 1, 0))]
    const put = (job: SandboxJob): SandboxJob => {
      jobs.set(job.id, job)
      return job
    }
    const move = (job: SandboxJob, state: Job.JobState, now: number, due = Number.POSITIVE_INFINITY) =>
      put({ ...job, state, since: now, due })

    const draw = (): SandboxJob["fate"] => {
      const at = chance(1, 1000)
      if (at <= chances.fails) return "fails"
      if (at <= chances.fails + chances.failsOnce) return "fails once"
      return at <= chances.fails + chances.failsOnce + chances.sticks ? "sticks" : "completes"
    }
    const add = (queue: string, state: Job.JobState, since: number, fields: Partial<SandboxJob> = {}) => {
      const number = (numbers.get(queue) ?? 0) + 1
      numbers.set(queue, number)
      const id = `${queue}-${String(number).padStart(6, "0")}`
      return put({
        id,
        queue,
        state,
        attempts: 0,
        since,
        due: Number.POSITIVE_INFINITY,
        fate: draw(),
        ...fields
      })
    }

    const arrive = (line: Line, now: number) => {
      let next = Math.max(nextArrival.get(line.queue) ?? now, now - maxCatchUpMs)
      for (; next <= now; next += chance(line.everyMs * 0.5, line.everyMs * 1.5)) {
        if (chance(1, 100) <= line.laterPercent) {
          if (inQueue(line.queue, "delayed").length < maxWaiting) {
            add(line.queue, "delayed", now, { due: now + chance(20_000, 120_000) })
          }
        } else if (inQueue(line.queue, "waiting").length < maxWaiting) add(line.queue, "waiting", now)
      }
      nextArrival.set(line.queue, next)
      while (line.queue === "media" && inQueue(line.queue, "waiting").length < minWaitingMedia) {
        add(line.queue, "waiting", now)
      }
    }

    const take = (line: Line, now: number) => {
      if ((workers.get(line.worker)?.startedAt ?? 0) + restartMs > now) return
      const free = line.slots - inQueue(line.queue, "active").length
      const waiting = inQueue(line.queue, "waiting").sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1))
      for (const job of waiting.slice(0, Math.max(free, 0))) {
        const stuck = inState("active").filter(({ fate }) => fate === "sticks").length
        // A queue whose every slot is stuck would stand still.
        const fate = job.fate === "sticks" && stuck >= maxStuck ? "completes" : job.fate
        const due = fate === "sticks" ? Number.POSITIVE_INFINITY : now + chance(...line.worksMs)
        move({ ...job, fate, attempts: job.attempts + 1 }, "active", now, due)
      }
    }

    const finish = (job: SandboxJob, now: number) => {
      if (job.fate === "fails" && inState("failed").length < maxFailed) return move(job, "failed", now)
      return job.fate === "fails once"
        ? move({ ...job, fate: "completes" }, "delayed", now, now + chance(3000, 8000))
        : move(job, "completed", now)
    }

    const tick = Effect.map(Clock.currentTimeMillis, (now) => {
      for (const job of Array.from(jobs.values())) {
        if (job.state === "active" && job.due <= now) finish(job, now)
        else if (job.state === "delayed" && job.due <= now) move(job, "waiting", now)
        // Jobs that failed stay until somebody sees to them.
        else if (job.state === "completed" && job.since + finishedKeptMs < now) jobs.delete(job.id)
      }
      for (const line of lines) {
        arrive(line, now)
        take(line, now)
      }
    })

    /** What came before the start: a while of ordinary life, and a little trouble. */
    const remember = () => {
      for (const { queue } of lines) {
        for (let i = 0; i < 12; i += 1) {
          const since = start - chance(1000, Duration.toMillis("9 minutes"))
          add(queue, "completed", since, { attempts: 1, fate: "completes" })
        }
        add(queue, "failed", start - chance(60_000, 3_600_000), { attempts: 3, fate: "completes" })
      }
      add("reports", "failed", start - 7_200_000, { attempts: 3, fate: "completes" })
      for (const minutes of [24, 7]) {
        add("media", "active", start - minutes * 60_000, { attempts: 1, fate: "sticks" })
      }
      for (let i = 0; i < minWaitingMedia; i += 1) add("media", "waiting", start - (minWaitingMedia - i) * 500)
      for (const seconds of [45, 90, 300]) add("reports", "delayed", start, { due: start + seconds * 1000 })
    }
    remember()

    const sorted = () => Array.from(jobs.values()).sort((a, b) => (a.id < b.id ? -1 : 1))
    const workerOf = (name: string): SandboxWorker | undefined => {
      const worker = workers.get(name)
      return worker && { name, instanceId: `${name}-${worker.instance}`, startedAt: worker.startedAt }
    }
    const command = <A>(run: (now: number) => Answer<A>) => Effect.map(Clock.currentTimeMillis, run)

    return {
      tick,
      jobs: Effect.sync(sorted),
      counts: Effect.sync(() => JobView.tally(jobs.values())),
      find: (id) => Effect.sync(() => jobs.get(id)),
      stuck: Effect.map(Clock.currentTimeMillis, (now) =>
        sorted().filter((job) => job.state === "active" && now - job.since > stuckAfterMs)
      ),
      queue: (name) =>
        Effect.sync(() =>
          lines.some((line) => line.queue === name)
            ? { name, counts: JobView.tally(sorted().filter((job) => job.queue === name)) }
            : undefined
        ),
      worker: (name) => Effect.sync(() => workerOf(name)),
      retry: (id) =>
        command((now) => {
          const job = jobs.get(id)
          if (job === undefined) return missing
          // Whoever retries has seen to the cause.
          return job.state === "failed" ? done(move({ ...job, fate: "completes" }, "waiting", now)) : conflict
        }),
      remove: (id) =>
        command(() => {
          const job = jobs.get(id)
          if (job === undefined) return missing
          if (job.state === "active") return conflict
          jobs.delete(id)
          return done(undefined)
        }),
      purge: (queue) =>
        command(() => {
          if (!lines.some((line) => line.queue === queue)) return missing
          const purged = [...inQueue(queue, "waiting"), ...inQueue(queue, "delayed")]
          for (const { id } of purged) jobs.delete(id)
          return done(purged.length)
        }),
      restart: (name) =>
        command((now) => {
          const worker = workers.get(name)
          const line = lines.find((line) => line.worker === name)
          if (worker === undefined || line === undefined) return missing
          workers.set(name, { instance: worker.instance + 1, startedAt: now })
          // What it was working on is done again, and this time it ends.
          for (const job of inQueue(line.queue, "active")) move({ ...job, fate: "completes" }, "waiting", now)
          return done(workerOf(name) ?? { name, instanceId: name, startedAt: now })
        }),
      lose: Effect.map(Clock.currentTimeMillis, (now) => {
        const old = (state: Job.JobState) =>
          sorted().filter((job) => job.state === state && now - job.since >= knownAfterMs && job.due > now)
        const waiting = old("waiting")
        const lost = any(waiting.length > 0 ? waiting : old("delayed"))
        if (lost !== undefined) jobs.delete(lost.id)
        return lost
      }),
      revive: Effect.map(Clock.currentTimeMillis, (now) => {
        const known = inState("completed").filter(({ since }) => now - since >= knownAfterMs)
        // In media it waits for a while, and can be seen to.
        const slow = known.filter(({ queue }) => queue === "media")
        const revived = any(slow.length > 0 ? slow : known)
        if (revived !== undefined) move({ ...revived, fate: "completes" }, "waiting", now)
        return revived
      })
    }
  })

const missing = { _tag: "missing" } as const
const conflict = { _tag: "conflict" } as const
const done = <A>(value: A) => ({ _tag: "done", value }) as const
