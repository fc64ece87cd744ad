/**
 * Which jobs of a BullMQ queue leave by themselves once they have finished, so that their absence proves nothing.
 *
 * A job's own options say it, and a worker's, which no other process can read. Of those the events tell: a job that
 * finished a moment ago, was removed by nobody, and is gone.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { JobState } from "../model/Job.ts"
import type { Client, Connection } from "./BullMqConnection.ts"
import type { ReadError } from "./JobSource.ts"

/** The most jobs whose options are asked for in one call. */
const batchSize = 500

/** Of the finished jobs, the newest few are asked for their options too: some are too quick to be seen unfinished. */
const newestFinished = 10

/** The most events that are looked through, newest first: Redis does nothing else meanwhile. */
const maxEvents = 1000

// Events are fetched a few at a time: each carries what its job returned.
const eventsAtOnce = 50

/** Walks the events from the newest back, and calls `visit` with each: its time, name and job, until it gives something. */
const walk = `
local function walk(stream, visit)
  local from = "+"
  for _ = 1, ${maxEvents / eventsAtOnce} do
    local page = redis.call("XREVRANGE", stream, from, "-", "COUNT", ${eventsAtOnce + 1})
    for i = 1, math.min(#page, ${eventsAtOnce}) do
      local fields = {}
      for at = 1, #page[i][2], 2 do
        fields[page[i][2][at]] = page[i][2][at + 1]
      end
      local found = visit(tonumber(string.match(page[i][1], "^%d+")), fields["event"], fields["jobId"])
      if found ~= nil then return found end
    end
    if #page <= ${eventsAtOnce} then return nil end
    from = page[#page][1]
  end
end`

// Keys: the events. Arguments: what job keys begin with, and how many milliseconds finished jobs are kept.
const departedScript = {
  name: "mithrandir:departed",
  lua: `${walk}
local time = redis.call("TIME")
local oldest = time[1] * 1000 - tonumber(ARGV[2])
local seen = {}
return walk(KEYS[1], function(at, event, job)
  if at < oldest then return 0 end
  if event == "cleaned" then return 0 end
  if job and event ~= "retries-exhausted" and not seen[job] then
    seen[job] = true
    if (event == "completed" or event == "failed") and redis.call("EXISTS", ARGV[1] .. job) == 0 then return 1 end
  end
end) or 0`
}

// Keys: the events. Argument: the job's id.
const finishedScript = {
  name: "mithrandir:finished",
  lua: `${walk}
return walk(KEYS[1], function(_, event, job)
  if job == ARGV[1] and event ~= "retries-exhausted" then return event end
end) or false`
}

/** Makes the scripts known to a connection. */
export const define = (client: Client): void => {
  for (const { lua, name } of [departedScript, finishedScript]) {
    client.defineCommand(name, { numberOfKeys: 1, lua, readOnly: true })
  }
}

/** Whether a job's absence from the next listing would prove nothing. */
export type Leaves = (id: string, state: JobState) => boolean

export interface BullMqDepartures {
  /**
   * Learns from the options of the jobs listed. Asks once per job, and forgets jobs that are listed no more, so that it
   * holds no more than one listing does.
   */
  readonly of: (byState: ReadonlyMap<JobState, ReadonlyArray<string>>) => Effect.Effect<Leaves, ReadError>
  /** How a job that is gone finished, if the last that was heard of it is that it did. */
  readonly finished: (id: string) => Effect.Effect<"completed" | "failed" | undefined, ReadError>
}

export const make = (options: {
  readonly connection: Connection
  readonly toKey: (name: string) => string
  readonly finishedKept: Duration.Duration
}): BullMqDepartures => {
  const { connection, toKey } = options
  const finishedKeptMs = Duration.toMillis(options.finishedKept)
  let known = new Map<string, boolean>()
  // When a job finishes BullMQ also removes others, by age and by number. So one job's options speak for all of them.
  let trims = false

  // Somebody who cleaned up by hand (`cleaned`) leaves the same picture, and is no reason to believe less.
  const departed = Effect.map(
    connection.call((client) =>
      client.runCommand(departedScript.name, [toKey("events"), toKey(""), String(finishedKeptMs)])
    ),
    (answer: number) => answer === 1
  )

  const finished = (id: string) =>
    Effect.map(
      connection.call((client) => client.runCommand(finishedScript.name, [toKey("events"), id])),
      (event: string | null) => (event === "completed" || event === "failed" ? event : undefined)
    )

  const read = (ids: ReadonlyArray<string>) =>
    connection.call((client) =>
      // Written to the socket at once, and answered in order.
      Promise.all(ids.map((id) => client.hmget(toKey(id), "opts", "rjk", "deid")))
    )

  const of = (byState: ReadonlyMap<JobState, ReadonlyArray<string>>): Effect.Effect<Leaves, ReadError> =>
    Effect.gen(function* () {
      if (!trims) trims = yield* departed
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

  return { of, finished }
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
