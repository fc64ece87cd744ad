/**
 * Which jobs of a BullMQ queue leave by themselves once they have finished, so that their absence proves nothing.
 *
 * A job's own options say it, and a worker's, which no other process can read. Of those the events tell: a job that
 * finished a moment ago, was removed by nobody, and is gone.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isFinished, type JobState } from "../model/Job.ts"
import type { Connection } from "./BullMqConnection.ts"
import * as BullMqEvents from "./BullMqEvents.ts"
import type { ReadError } from "./JobSource.ts"

/** The most jobs whose options are asked for in one call. */
const batchSize = 500

/** Of the finished jobs, the newest few are asked for their options too: some are too quick to be seen unfinished. */
const newestFinished = 10

/** The most jobs that are remembered to have finished and left, so that asking for them later still finds them. */
const maxRemembered = 100_000

/** Of the jobs with options that remove others, so many that are gone are asked about: one is enough. */
const maxGone = 10

/** Whether a job's absence from the next listing would prove nothing. */
export type Leaves = (id: string, state: JobState) => boolean

export interface BullMqDepartures {
  /** The newest event, to be asked before a listing: whatever happens to a job that is listed comes after it. */
  readonly newestEvent: Effect.Effect<string, ReadError>
  /**
   * Learns from the options of the jobs listed, and from what became of those listed before. Asks once per job, and
   * forgets jobs that are listed no more, so that it holds no more than one listing does.
   */
  readonly of: (byState: ByState, newestEvent: string) => Effect.Effect<Leaves, ReadError>
  /** How a job that is gone finished, if the last that was heard of it is that it did. */
  readonly finished: (id: string) => Effect.Effect<Finish | undefined, ReadError>
}

type ByState = ReadonlyMap<JobState, ReadonlyArray<string>>
type Finish = "completed" | "failed"

/** What is known of a job that was listed. */
interface Known {
  readonly removal: Removal
  readonly isOver: boolean
}

/** What a listing leaves to the next one. */
interface Listing {
  readonly jobs: ReadonlyMap<string, Known>
  readonly newestEvent: string
  /** Every job of it was listed as one that may leave. */
  readonly trims: boolean
}

export const make = (options: {
  readonly connection: Connection
  readonly toKey: (name: string) => string
  readonly finishedKept: Duration.Duration
}): BullMqDepartures => {
  const { connection, toKey } = options
  const finishedKeptMs = Duration.toMillis(options.finishedKept)
  const events = BullMqEvents.make({ connection, toKey })
  let last: Listing = { jobs: new Map(), newestEvent: "", trims: false }
  /** Until when a habit is believed that was seen once: as long as what finished with it would have been kept. */
  let habitUntil = 0
  const remembered = new Map<string, Finish>()

  const hasHabit = (since: string) =>
    Effect.gen(function* () {
      const age = yield* events.departed(since, finishedKeptMs)
      const now = yield* Clock.currentTimeMillis
      if (age >= 0) habitUntil = Math.max(habitUntil, now - age + finishedKeptMs)
      return now < habitUntil
    })

  const finished = (id: string) =>
    Effect.map(events.last(id), (event) => (event === null ? remembered.get(id) : finishOf(event)))

  const read = (ids: ReadonlyArray<string>) =>
    connection.call((client) =>
      // Written to the socket at once, and answered in order.
      Promise.all(ids.map((id) => client.hmget(toKey(id), "opts", "rjk", "deid")))
    )

  /**
   * Notes which of the jobs that were to stay finished and left instead, while the events still tell of it. Where they
   * do not, and jobs of the queue do leave, their absence proves nothing any more.
   */
  const noteFinished = (before: Listing, gone: ReadonlyMap<string, Known>, trims: boolean) =>
    Effect.gen(function* () {
      const vanished = new Set<string>()
      for (const [id, { isOver, removal }] of gone) if (!isOver && removal === "nothing") vanished.add(id)
      if (before.trims || vanished.size === 0) return
      const { heard, isWhole } = yield* events.since(vanished, before.newestEvent)
      for (const id of vanished) {
        const event = heard.get(id)
        const finish = event === undefined ? (!isWhole && trims ? "completed" : undefined) : finishOf(event)
        if (finish !== undefined) remembered.set(id, finish)
      }
      for (const oldest of remembered.keys()) {
        if (remembered.size <= maxRemembered) break
        remembered.delete(oldest)
      }
    })

  /** Jobs that remove others are gone, and nobody removed them: there may be more of their kind that we never see. */
  const leftByThemselves = (gone: ReadonlyMap<string, Known>) =>
    Effect.gen(function* () {
      const ids = Array.from(gone).flatMap(([id, { removal }]) => (removal === "others" ? [id] : []))
      for (const id of ids.slice(-maxGone)) if ((yield* events.last(id)) !== "removed") return true
      return false
    })

  const of = (byState: ByState, newestEvent: string): Effect.Effect<Leaves, ReadError> =>
    Effect.gen(function* () {
      const before = last
      const { gone, next, unread } = compare(before, byState)
      // When a job finishes BullMQ also removes others, by age and by number. So one job's options speak for all of them.
      let trims = Array.from(next.values()).some(({ removal }) => removal === "others")
      trims ||= yield* hasHabit(before.newestEvent)
      trims ||= yield* leftByThemselves(gone)
      for (let i = 0; i < unread.length && !trims; i += batchSize) {
        const batch = unread.slice(i, i + batchSize)
        const fields = yield* read(batch.map(({ id }) => id))
        batch.forEach(({ id, isOver }, at) => {
          const [opts, scheduler, deduplication] = fields[at] ?? []
          // It vanished after it was listed, and what its options were nobody can say any more.
          if (typeof opts !== "string") return
          const ofOptions = removalOf(opts, finishedKeptMs)
          trims ||= ofOptions === "others"
          const isShortLived = scheduler != null || deduplication != null || id.startsWith("repeat:")
          next.set(id, { isOver, removal: ofOptions === "nothing" && isShortLived ? "itself" : ofOptions })
        })
      }
      yield* noteFinished(before, gone, trims)
      for (const id of remembered.keys()) if (next.get(id)?.isOver === false) remembered.delete(id)
      last = { jobs: next, newestEvent, trims }
      return (id, state) => trims || (!isFinished(state) && (next.get(id)?.removal ?? "itself") !== "nothing")
    })

  return { newestEvent: events.newest, of, finished }
}

const finishOf = (event: string): Finish | undefined =>
  event === "completed" || event === "failed" ? event : undefined

/** What is known already of the jobs listed, those to be asked for their options, and those listed before and no more. */
const compare = (before: Listing, byState: ByState) => {
  const next = new Map<string, Known>()
  const unread: Array<{ readonly id: string; readonly isOver: boolean }> = []
  const gone = new Map(before.jobs)
  for (const [state, ids] of byState) {
    const isOver = isFinished(state)
    ids.forEach((id, at) => {
      const known = before.jobs.get(id)
      gone.delete(id)
      // One that was over and is not any more may be another of the same name.
      if (known !== undefined && (isOver || !known.isOver)) next.set(id, { removal: known.removal, isOver })
      else if (!isOver || at >= ids.length - newestFinished) unread.push({ id, isOver })
    })
  }
  return { gone, next, unread }
}

/** What happens when a job with these options finishes. */
type Removal = "nothing" | "itself" | "others"

const removalOf = (opts: string, finishedKeptMs: number): Removal => {
  const options = parsed(opts)
  // Options that can't be read might say anything.
  if (options === undefined) return "itself"
  const removals = [options["removeOnComplete"], options["removeOnFail"]].map((keep) => kept(keep, finishedKeptMs))
  return (
    removals.find((removal) => removal === "others") ?? removals.find((removal) => removal === "itself") ?? "nothing"
  )
}

const kept = (keep: unknown, finishedKeptMs: number): Removal => {
  if (keep === true) return "itself"
  if (typeof keep === "number") return kept({ count: keep }, finishedKeptMs)
  const { age, count } = (typeof keep === "object" && keep !== null ? keep : {}) as { age?: unknown; count?: unknown }
  // With 0 the job is not kept at all, and BullMQ does not look at the others. Below 0 all are kept.
  if (count === 0) return "itself"
  if (typeof count === "number" && count > 0) return "others"
  return typeof age === "number" && age * 1000 < finishedKeptMs ? "others" : "nothing"
}

const parsed = (json: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === "object" && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
