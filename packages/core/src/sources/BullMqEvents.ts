/** What BullMQ's events tell of the jobs of one queue, read without writing. The newest are kept, some 10,000. */
import * as Effect from "effect/Effect"
import type { Client, Connection } from "./BullMqConnection.ts"
import type { ReadError } from "./JobSource.ts"

/** The most events that one script looks through, newest first: Redis does nothing else meanwhile. */
const maxEvents = 1000

/** The most such scripts that look for jobs that vanished: as many events as BullMQ keeps, unless it is told otherwise. */
const maxPages = 10

// Events are fetched a few at a time: each carries what its job returned.
const eventsAtOnce = 50

export interface BullMqEvents {
  /** The id of the newest event, empty where there is none. */
  readonly newest: Effect.Effect<string, ReadError>
  /** The name of the last event of a job, of those that say where it is. */
  readonly last: (id: string) => Effect.Effect<string | null, ReadError>
  /** The last events of these jobs after the event `mark`; and whether the events go back so far. */
  readonly since: (
    ids: ReadonlySet<string>,
    mark: string
  ) => Effect.Effect<{ readonly heard: ReadonlyMap<string, string>; readonly isWhole: boolean }, ReadError>
  /**
   * How many milliseconds ago the newest of the jobs finished that finish and leave, if it is a habit: two of them
   * within `keptMs`, or one that finished after the event `mark`. -1 if it is none. Somebody who cleaned up by hand
   * (`cleaned`) leaves the same picture: nothing before that counts.
   */
  readonly departed: (mark: string, keptMs: number) => Effect.Effect<number, ReadError>
}

export const make = (options: {
  readonly connection: Connection
  readonly toKey: (name: string) => string
}): BullMqEvents => {
  const { connection, toKey } = options
  const run = <A>(script: string, ...args: ReadonlyArray<string>) =>
    Effect.map(
      connection.call((client) => client.runCommand(script, [toKey("events"), ...args])),
      (answer: A) => answer
    )

  const since = (ids: ReadonlySet<string>, mark: string) =>
    Effect.gen(function* () {
      const heard = new Map<string, string>()
      let from = "+"
      for (let page = 0; page < maxPages && heard.size < ids.size; page += 1) {
        const [reached, to, jobs] = yield* run<EventsPage>(eventsScript.name, from, mark)
        for (let i = 0; i + 1 < jobs.length; i += 2) {
          const [id = "", event = ""] = jobs.slice(i, i + 2)
          // The newest event comes first.
          if (ids.has(id) && !heard.has(id)) heard.set(id, event)
        }
        if (reached === 1) return { heard, isWhole: true }
        if (to === "" || to === from) break
        from = to
      }
      return { heard, isWhole: heard.size === ids.size }
    })

  return {
    newest: run<string>(newestScript.name),
    last: (id) => run<string | null>(lastEventScript.name, id),
    since,
    departed: (mark, keptMs) => run<number>(departedScript.name, toKey(""), String(keptMs), mark)
  }
}

/** Whether the walk came to the event it was to stop at, the last event it visited, and jobs with their events. */
type EventsPage = readonly [reached: number, to: string, jobs: ReadonlyArray<string>]

/**
 * Walks the events from `from` back, and calls `visit` with each: its time, name, job and id, until it gives something.
 * Of several events of one job only the newest counts, not counting those that leave the job where it is.
 */
const walk = `
local function isAfter(id, mark)
  local ms, seq = string.match(id, "^(%d+)-(%d+)$")
  local markMs, markSeq = string.match(mark, "^(%d+)-(%d+)$")
  if not markMs or ms == markMs then return markMs ~= nil and tonumber(seq) > tonumber(markSeq) end
  return tonumber(ms) > tonumber(markMs)
end
local asides = { ["retries-exhausted"] = true, duplicated = true, deduplicated = true, debounced = true }
local function walk(stream, from, visit)
  local seen = {}
  for _ = 1, ${maxEvents / eventsAtOnce} do
    local page = redis.call("XREVRANGE", stream, from, "-", "COUNT", ${eventsAtOnce + 1})
    for i = 1, math.min(#page, ${eventsAtOnce}) do
      local fields = {}
      for at = 1, #page[i][2], 2 do
        fields[page[i][2][at]] = page[i][2][at + 1]
      end
      local id, event, job = page[i][1], fields["event"], fields["jobId"]
      if asides[event] or (job and seen[job]) then job = nil end
      if job then seen[job] = true end
      local found = visit(tonumber(string.match(id, "^%d+")), event, job, id)
      if found ~= nil then return found end
    end
    if #page <= ${eventsAtOnce} then return nil end
    from = page[#page][1]
  end
end`

const newestScript = {
  name: "mithrandir:newestEvent",
  lua: `
local newest = redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 1)
return newest[1] and newest[1][1] or ""`
}

// Keys: the events. Arguments: what job keys begin with, how many milliseconds finished jobs are kept, and the newest
// event at the listing before. One job that is gone may be somebody's doing; a second, or one that both finished and
// left between two listings, is a habit. Gives how many milliseconds ago the newest of them finished, -1 for no habit.
const departedScript = {
  name: "mithrandir:departed",
  lua: `${walk}
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local newest
return walk(KEYS[1], "+", function(at, event, job, id)
  if event == "cleaned" or at < now - tonumber(ARGV[2]) then return -1 end
  if job and (event == "completed" or event == "failed") and redis.call("EXISTS", ARGV[1] .. job) == 0 then
    if newest or isAfter(id, ARGV[3]) then return now - (newest or at) end
    newest = at
  end
end) or -1`
}

// Keys: the events. Argument: the job's id.
const lastEventScript = {
  name: "mithrandir:lastEvent",
  lua: `${walk}
return walk(KEYS[1], "+", function(_, event, job)
  if job == ARGV[1] then return event end
end) or false`
}

// Keys: the events. Arguments: where to begin, and the event to stop at. Gives whether it came so far, the last event
// that it visited, and jobs, each followed by the last that was heard of it.
const eventsScript = {
  name: "mithrandir:events",
  lua: `${walk}
local reached = 0
local last = ""
local jobs = {}
walk(KEYS[1], ARGV[1], function(_, event, job, id)
  if ARGV[2] ~= "" and not isAfter(id, ARGV[2]) then
    reached = 1
    return 1
  end
  last = id
  if job then
    jobs[#jobs + 1] = job
    jobs[#jobs + 1] = event
  end
end)
return { reached, last, jobs }`
}

/** Makes the scripts known to a connection. */
export const define = (client: Client): void => {
  for (const { lua, name } of [newestScript, departedScript, lastEventScript, eventsScript]) {
    client.defineCommand(name, { numberOfKeys: 1, lua, readOnly: true })
  }
}
