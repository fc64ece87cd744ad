/** What a purge of a BullMQ queue removes, how it does so, and what it leaves alone. */
import type { Queue as BullQueue } from "bullmq"
import * as Effect from "effect/Effect"
import type { Client, Connection } from "./BullMqConnection.ts"
import { maxListedJobs, type ReadError, SourceUnavailable, unsent } from "./JobSource.ts"

/** What a purge removes: everything that waits, but for parents that wait for their children. */
const purgeable = ["wait", "paused", "prioritized", "delayed"] as const

/** Whether a purge looks into this set of BullMQ's. */
export const isPurgeable = (set: string): boolean => purgeable.some((name) => name === set)

/** The most jobs one step of a purge removes: Redis does nothing else meanwhile. */
const purgeStep = 1000

/** BullMQ looks at no more in one step. */
const maxCleanStep = 10_000

/** The most steps of one purge: as many as a listing may have jobs. Beyond it others add faster than we remove. */
const maxPurgeSteps = maxListedJobs / purgeStep

/** Ten years, in milliseconds. */
const clockSkew = 10 * 365 * 24 * 60 * 60 * 1000

/**
 * Removes by BullMQ's `clean`, which tells what it removed, atomically per step: a job that a worker took meanwhile is
 * not in the set any more. (`drain` tells nothing, and takes the wrong jobs off a list that a scheduler's job is in.)
 * A negative grace takes in jobs of a producer whose clock is ahead of ours. Of parents that go with their last child
 * BullMQ tells nothing: they are not in the number.
 */
export const purge = (
  call: <A>(use: (bull: BullQueue) => Promise<A>) => Effect.Effect<A, ReadError>
): Effect.Effect<number, ReadError> =>
  Effect.suspend(() => {
    let total = 0
    return Effect.gen(function* () {
      // A step looks at so many jobs and spares those of schedulers: it must not be full of them.
      const schedulers = yield* call(async (bull) => (await bull.client).zcard(bull.toKey("repeat")))
      const limit = Math.min(purgeStep + schedulers, maxCleanStep)
      for (const set of purgeable) {
        for (let step = 0; step < maxPurgeSteps; step += 1) {
          const ids = yield* call((bull) => bull.clean(-clockSkew, limit, set))
          total += ids.length
          if (ids.length === 0) break
        }
      }
      return total
    }).pipe(
      // What is certain of the last step is not so of those before it.
      Effect.catchTag("SourceUnavailable", (error) =>
        total > 0 && isOfOneStep(error) ? new SourceUnavailable({ reason: "reset" }) : Effect.fail(error)
      )
    )
  })

/** Says that nothing was applied: of a whole purge that would be too much. */
const isOfOneStep = ({ reason }: SourceUnavailable) =>
  unsent.includes(reason) || reason === "denied" || reason === "readonly"

/** The most jobs that are asked about in one call. */
const batchSize = 500

/** Of a parent with more children than this, so many stand for all. */
const maxChildren = 1000

// BullMQ's own condition. Key: the schedulers. Arguments: what job keys begin with, and ids.
const schedulersScript = {
  name: "mithrandir:ofSchedulers",
  lua: `
local next = {}
for i = 2, #ARGV do
  local scheduler = redis.call("HGET", ARGV[1] .. ARGV[i], "rjk")
  local at = scheduler and redis.call("ZSCORE", KEYS[1], scheduler)
  if at and ARGV[i] == "repeat:" .. scheduler .. ":" .. at then next[#next + 1] = ARGV[i] end
end
return next`
}

// Key: any of the queue's. Arguments: what job keys begin with, and ids.
const childrenScript = {
  name: "mithrandir:children",
  lua: `
local children = {}
for i = 2, #ARGV do
  children[i - 1] = redis.call("SRANDMEMBER", ARGV[1] .. ARGV[i] .. ":dependencies", ${maxChildren})
end
return children`
}

/** Makes the scripts known to a connection. */
export const define = (client: Client): void => {
  for (const { lua, name } of [schedulersScript, childrenScript]) {
    client.defineCommand(name, { numberOfKeys: 1, lua, readOnly: true })
  }
}

/**
 * Which of these jobs a purge would leave alone: `waiting` are those in the sets that it looks into, `parents` those
 * that wait for their children. Asked a moment after they were listed: one that has moved on meanwhile is at work, and
 * a purge does not concern it.
 */
export const spared = (
  { connection, toKey }: { readonly connection: Connection; readonly toKey: (name: string) => string },
  { parents, waiting }: { readonly parents: ReadonlyArray<string>; readonly waiting: ReadonlyArray<string> }
): Effect.Effect<ReadonlySet<string>, ReadError> =>
  Effect.gen(function* () {
    const ask = <A>(script: string, key: string, ids: ReadonlyArray<string>) =>
      Effect.forEach(batches(ids), (batch) =>
        Effect.map(
          connection.call((client) => client.runCommand(script, [toKey(key), toKey(""), ...batch])),
          (answer: ReadonlyArray<A>) => answer
        )
      )
    const next = yield* ask<string>(
      schedulersScript.name,
      "repeat",
      waiting.filter((id) => id.startsWith("repeat:"))
    )
    const spared = new Set(next.flat())
    if (parents.length === 0) return spared

    const children = (yield* ask<ReadonlyArray<string>>(childrenScript.name, "id", parents)).flat()
    const removed = new Set(waiting.filter((id) => !spared.has(id)).map(toKey))
    // With its last child in this queue BullMQ removes a parent, and with it perhaps the parent's parent.
    let left = parents.map((id, at) => ({ id, children: children[at] ?? [] }))
    for (let before = -1; before !== left.length; ) {
      before = left.length
      left = left.filter(({ children, id }) => {
        const goes = children.length > 0 && children.every((child) => removed.has(child))
        if (goes) removed.add(toKey(id))
        return !goes
      })
    }
    for (const { id } of left) spared.add(id)
    return spared
  })

const batches = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
  Array.from({ length: Math.ceil(ids.length / batchSize) }, (_, i) => ids.slice(i * batchSize, (i + 1) * batchSize))
