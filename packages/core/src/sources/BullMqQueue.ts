/** One BullMQ queue, read without writing to it: its counts, and its jobs. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Job, type JobState, jobStates } from "../model/Job.ts"
import { type JobCounts, noJobs } from "../model/JobView.ts"
import type { Client, Connection } from "./BullMqConnection.ts"
import * as BullMqDepartures from "./BullMqDepartures.ts"
import * as BullMqEvents from "./BullMqEvents.ts"
import * as BullMqPurge from "./BullMqPurge.ts"
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

// A Redis that is full has no room for the commands of a transaction, and refuses to hear them. A script it runs, but for
// ten times as long, and does nothing else meanwhile.
const snapshotScript = {
  name: "mithrandir:snapshot",
  lua: `
local sets = {}
for i, key in ipairs(KEYS) do
  sets[i] = redis.call(i > ${lists} and "ZRANGE" or "LRANGE", key, 0, ARGV[1])
end
return sets`
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

const existsScript = { name: "mithrandir:exists", lua: 'return redis.call("EXISTS", unpack(KEYS))' }

/** Makes the scripts known to a connection. */
export const define = (client: Client): void => {
  client.defineCommand(countScript.name, { numberOfKeys: sets.length, lua: countScript.lua, readOnly: true })
  client.defineCommand(snapshotScript.name, { numberOfKeys: sets.length, lua: snapshotScript.lua, readOnly: true })
  client.defineCommand(findScript.name, { numberOfKeys: sets.length + 1, lua: findScript.lua, readOnly: true })
  client.defineCommand(existsScript.name, { numberOfKeys: sets.length + 2, lua: existsScript.lua, readOnly: true })
  BullMqEvents.define(client)
  BullMqPurge.define(client)
}

const isCount = Schema.is(Schema.NonNegativeInt)

export interface FoundJob {
  readonly state: JobState
  readonly attempts?: number
}

export interface BullMqQueue {
  /** Whether anybody ever used it: an empty queue has left something, a misspelled one has not. */
  readonly exists: Effect.Effect<boolean, ReadError>
  readonly counts: Effect.Effect<JobCounts, ReadError>
  /** Every job as of one moment, ids as BullMQ has them. */
  readonly jobs: Effect.Effect<ReadonlyArray<Job>, ReadError>
  readonly find: (id: string) => Effect.Effect<FoundJob | undefined, ReadError>
  /** How a job that is there no more finished, as far as BullMQ's events go back. */
  readonly finished: (id: string) => Effect.Effect<FoundJob | undefined, ReadError>
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
  const departures = BullMqDepartures.make({ connection, toKey, finishedKept })

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

  const exists = Effect.map(
    connection.call((client) => client.runCommand(existsScript.name, [toKey("meta"), toKey("id"), ...keys])),
    (number: number) => number > 0
  )

  // A transaction is one moment: a job that moves is in exactly one of the sets.
  const transaction = connection.call(async (client) => {
    const commands = client.multi()
    keys.forEach((key, i) => {
      if (i < lists) commands.lrange(key, 0, maxListedJobs)
      else commands.zrange(key, 0, maxListedJobs)
    })
    const answers = (await commands.exec()) ?? []
    return answers.map(([error, ids]): ReadonlyArray<string> => {
      if (error !== null) throw error
      return ids
    })
  })

  const snapshot = Effect.catchIf(
    transaction,
    (error) => error._tag === "SourceUnavailable" && error.reason === "readonly",
    () =>
      Effect.map(
        connection.call((client) => client.runCommand(snapshotScript.name, [...keys, maxListedJobs])),
        (sets: ReadonlyArray<ReadonlyArray<string>>) => sets
      )
  )

  const jobs = Effect.gen(function* () {
    const total = Object.values(yield* counts).reduce((sum, count) => sum + count, 0)
    if (total > maxListedJobs) return yield* new SourceInvalid({ problem: `more than ${maxListedJobs} jobs` })
    const newestEvent = yield* departures.newestEvent
    const found = yield* snapshot
    const byState = new Map<JobState, ReadonlyArray<string>>(jobStates.map((state) => [state, []]))
    const waiting: Array<string> = []
    let parents: ReadonlyArray<string> = []
    sets.forEach(({ key, state }, i) => {
      const ids = i < lists ? (found[i] ?? []).filter((id) => !isMarker(id)) : (found[i] ?? [])
      byState.set(state, [...(byState.get(state) ?? []), ...ids])
      if (BullMqPurge.isPurgeable(key)) for (const id of ids) waiting.push(id)
      if (key === "waiting-children") parents = ids
    })
    const leaves = yield* departures.of(byState, newestEvent)
    const spared = yield* BullMqPurge.spared({ connection, toKey }, { waiting, parents })
    return Array.from(byState).flatMap(([state, ids]) =>
      ids.map(
        (id): Job => ({
          id,
          queue: name,
          state,
          ...(leaves(id, state) ? { leaves: true } : {}),
          ...(spared.has(id) ? { spared: true } : {})
        })
      )
    )
  })

  const find = (id: string) =>
    Effect.map(
      connection.call((client) => client.runCommand(findScript.name, [...keys, toKey(id), id])),
      (answer: readonly [number, string] | null): FoundJob | undefined => {
        const set = answer === null ? undefined : sets[answer[0] - 1]
        if (answer === null || set === undefined) return undefined
        const attempts = Number(answer[1])
        // Whoever else writes to Redis may have written anything there.
        return { state: set.state, ...(isCount(attempts) ? { attempts } : {}) }
      }
    )

  const finished = (id: string) =>
    Effect.map(departures.finished(id), (state): FoundJob | undefined => state && { state })

  return { exists, counts, jobs, find, finished }
}
