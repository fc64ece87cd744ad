/** One BullMQ queue, read without writing to it: its counts, its jobs, and which of them leave by themselves. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Job, type JobState, jobStates } from "../model/Job.ts"
import { type JobCounts, noJobs } from "../model/JobView.ts"
import type { Client, Connection } from "./BullMqConnection.ts"
import { maxListedJobs, type ReadError, SourceInvalid } from "./JobSource.ts"

/** BullMQ's sets: lists first, then sorted sets. A job is in exactly one of them. */
const sets = [
  { key: "wait", state: "waiting" },
  { key: "paused", state: "waiting" },
  { key: "active", state: "active" },
  { key: "delayed", state: "delayed" },
  { key: "prioritized", state: "waiting" },
  { key: "waiting-children", state: "waiting" },
  { key: "completed", state: "completed" },
  { key: "failed", state: "failed" }
] as const satisfies ReadonlyArray<{ readonly key: string; readonly state: JobState }>
const lists = 3

/** The most jobs whose options are asked for in one call. */
const batchSize = 500

/** Of the finished jobs, the newest few are asked for their options too: some are too quick to be seen unfinished. */
const newestFinished = 10

/** BullMQ 4 left a marker in its waiting lists that is no job. No job's id may begin like it. */
const isMarker = (id: string) => id.startsWith("0:")

const countScript = {
  name: "mithrandir:counts",
  lua: `
local counts = {}
for i, key in ipairs(KEYS) do
  if i > ${lists} then
    counts[i] = redis.call("ZCARD", key)
  else
    counts[i] = redis.call("LLEN", key)
    local last = redis.call("LINDEX", key, -1)
    if last and string.sub(last, 1, 2) == "0:" then counts[i] = counts[i] - 1 end
  end
end
return counts`
}

// The last key is the job's own. Gives the place of the set it is in, and its attempts.
const findScript = {
  name: "mithrandir:find",
  lua: `
for i = #KEYS - 1, 1, -1 do
  local there
  if i > ${lists} then
    there = redis.call("ZSCORE", KEYS[i], ARGV[1])
  else
    there = redis.call("LPOS", KEYS[i], ARGV[1])
  end
  if there then
    return { i, redis.call("HGET", KEYS[#KEYS], "atm") or redis.call("HGET", KEYS[#KEYS], "attemptsMade") or "0" }
  end
end
return false`
}

/** Makes the scripts known to a connection. */
export const define = (client: Client): void => {
  client.defineCommand(countScript.name, { numberOfKeys: sets.length, lua: countScript.lua, readOnly: true })
  client.defineCommand(findScript.name, { numberOfKeys: sets.length + 1, lua: findScript.lua, readOnly: true })
}

export interface FoundJob {
  readonly state: JobState
  readonly attempts: number
}

export interface BullMqQueue {
  readonly counts: Effect.Effect<JobCounts, ReadError>
  /** Every job as of one moment, ids as BullMQ has them. */
  readonly jobs: Effect.Effect<ReadonlyArray<Job>, ReadError>
  readonly find: (id: string) => Effect.Effect<FoundJob | undefined, ReadError>
}

export const make = (options: {
  readonly connection: Connection
  readonly name: string
  /** The queue's key of this name. */
  readonly toKey: (name: string) => string
  readonly finishedKept: Duration.Duration
}): BullMqQueue => {
  const { connection, finishedKept, name, toKey } = options
  const keys = sets.map(({ key }) => toKey(key))
  const departures = makeDepartures(connection, toKey, Duration.toMillis(finishedKept))

  const counts = Effect.map(
    connection.call((client) => client.runCommand(countScript.name, keys)),
    (numbers: ReadonlyArray<number>): JobCounts => {
      const sum: Record<JobState, number> = { ...noJobs }
      sets.forEach(({ state }, i) => {
        sum[state] += numbers[i] ?? 0
      })
      return sum
    }
  )

  // A transaction is one moment: a job that moves is in exactly one of the sets.
  const snapshot = connection.call(async (client) => {
    const transaction = client.multi()
    keys.forEach((key, i) => {
      if (i < lists) transaction.lrange(key, 0, maxListedJobs)
      else transaction.zrange(key, 0, maxListedJobs)
    })
    const answers = (await transaction.exec()) ?? []
    return answers.map(([error, ids]): ReadonlyArray<string> => {
      if (error !== null) throw error
      return ids
    })
  })

  const jobs = Effect.gen(function* () {
    const total = Object.values(yield* counts).reduce((sum, count) => sum + count, 0)
    if (total > maxListedJobs) return yield* new SourceInvalid({ problem: `more than ${maxListedJobs} jobs` })
    const found = yield* snapshot
    const byState = new Map<JobState, ReadonlyArray<string>>(jobStates.map((state) => [state, []]))
    sets.forEach(({ state }, i) => {
      const ids = found[i] ?? []
      byState.set(state, [...(byState.get(state) ?? []), ...(i < lists ? ids.filter((id) => !isMarker(id)) : ids)])
    })
    const leaves = yield* departures(byState)
    return Array.from(byState).flatMap(([state, ids]) =>
      ids.map((id): Job => ({ id, queue: name, state, ...(leaves(id, state) ? { leaves: true } : {}) }))
    )
  })

  const find = (id: string) =>
    Effect.map(
      connection.call((client) => client.runCommand(findScript.name, [...keys, toKey(id), id])),
      (answer: readonly [number, string] | null): FoundJob | undefined => {
        const set = answer === null ? undefined : sets[answer[0] - 1]
        return answer === null || set === undefined ? undefined : { state: set.state, attempts: Number(answer[1]) }
      }
    )

  return { counts, jobs, find }
}

/** Whether a job's absence from the next listing would prove nothing. */
type Leaves = (id: string, state: JobState) => boolean

/**
 * Learns from jobs' options which of them leave by themselves. Asks once per job, and forgets jobs that are listed no
 * more, so that it holds no more than one listing does.
 */
const makeDepartures = (connection: Connection, toKey: (name: string) => string, finishedKeptMs: number) => {
  let known = new Map<string, boolean>()
  // When a job finishes BullMQ also removes others, by age and by number. So one job's options speak for all of them.
  let trims = false

  const read = (ids: ReadonlyArray<string>) =>
    connection.call((client) =>
      // Written to the socket at once, and answered in order.
      Promise.all(ids.map((id) => client.hmget(toKey(id), "opts", "rjk", "deid")))
    )

  return (byState: ReadonlyMap<JobState, ReadonlyArray<string>>): Effect.Effect<Leaves, ReadError> =>
    Effect.gen(function* () {
      const listed = [
        ...(["waiting", "active", "delayed"] as const).flatMap((state) => byState.get(state) ?? []),
        ...(["completed", "failed"] as const).flatMap((state) => byState.get(state)?.slice(-newestFinished) ?? [])
      ]
      const next = new Map<string, boolean>()
      const unread: Array<string> = []
      for (const id of listed) {
        const leaves = known.get(id)
        if (leaves === undefined) unread.push(id)
        else next.set(id, leaves)
      }
      for (let i = 0; i < unread.length && !trims; i += batchSize) {
        const batch = unread.slice(i, i + batchSize)
        const fields = yield* read(batch)
        batch.forEach((id, at) => {
          const [opts, scheduler, deduplication] = fields[at] ?? []
          // It vanished after it was listed, and what its options were nobody can say any more.
          if (typeof opts !== "string") return
          const removal = removalOf(opts, finishedKeptMs)
          trims ||= removal === "others"
          next.set(id, removal === "itself" || scheduler != null || deduplication != null || id.startsWith("repeat:"))
        })
      }
      known = next
      return (id, state) => (state === "completed" || state === "failed" ? trims : trims || (next.get(id) ?? true))
    })
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
