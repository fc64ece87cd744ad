/** Empties a queue of what waits in it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Job } from "../model/Job.ts"
import { JobCounts } from "../model/JobView.ts"
import { make, type Order, unsupported } from "./Action.ts"
import { maxStateBytes } from "./Kept.ts"

/** Ids that are written down: so many, and no more than leave the state as small as it has to be. */
const maxSnapshotIds = 100
const maxSnapshotBytes = maxStateBytes / 2

/** What of a queue is written down before and after. */
const Snapshot = Schema.Struct({
  /** The queue's own counts; `null` if there is no such queue. */
  counts: Schema.NullOr(JobCounts),
  /** Of the waiting and delayed jobs, the first by id; absent where the source cannot list. */
  jobIds: Schema.optionalWith(Schema.Array(Schema.String), { exact: true }),
  /** How many there were. */
  total: Schema.NonNegativeInt
})
type Snapshot = typeof Snapshot.Type

/** Removes the waiting and delayed jobs of a queue. Proven when those that were written down are gone. */
export const purgeQueue = make({
  actionType: "purge-queue",
  isSupported: ({ source }) => source.actions.purgeQueue !== undefined,
  snapshot: (order) => Effect.map(look(order), ({ snapshot }) => snapshot),
  refusal: (before, { target }) =>
    Option.exists(decode(before), ({ counts }) => counts !== null)
      ? Option.none()
      : Option.some(`queue "${target}" does not exist`),
  execute: ({ key, source, target }) =>
    Effect.map(
      source.actions.purgeQueue?.(target, key) ?? unsupported,
      (n) => `${n} ${n === 1 ? "job was" : "jobs were"} purged`
    ),
  verify: (before, order, answered) =>
    Effect.map(look(order), ({ ids, snapshot }) => ({
      after: snapshot,
      // Workers empty queues, too. And counts alone could prove it only on a queue to which nobody adds.
      verified: answered
        ? Option.zipWith(
            ids,
            Option.flatMapNullable(decode(before), ({ jobIds }) => jobIds),
            (now, then) => then.every((id) => !now.has(id))
          )
        : Option.none()
    })),
  touches: "queue",
  effected: (job, before) => effected(job, Option.getOrUndefined(decode(before)))
})

const isPurged = ({ spared, state }: Job) => (state === "waiting" || state === "delayed") && spared !== true

/**
 * What was written down is gone, whatever the ledger last knew of it. A job that had vanished before is not ours to
 * explain. Where more was there than was written down, any that waited may be gone, and one that was at work may have
 * fallen back in time.
 */
const effected = (job: Job, before: Snapshot | undefined): Job | undefined => {
  if (before === undefined) return job
  const { jobIds = [], total } = before
  if (jobIds.includes(job.id)) return undefined
  if (total <= jobIds.length) return job
  return isPurged(job) ? undefined : { ...job, leaves: true }
}

const look = ({ source, target }: Order) =>
  Effect.gen(function* () {
    const queue = yield* source.queue?.(target) ?? Effect.succeedNone
    const counts = Option.getOrNull(Option.map(queue, (found) => found.counts))
    if (source.jobs === undefined) {
      const snapshot: Snapshot = { counts, total: counts === null ? 0 : counts.waiting + counts.delayed }
      return { snapshot, ids: Option.none<ReadonlySet<string>>() }
    }
    const ids = new Set<string>()
    yield* Stream.runForEach(source.jobs, (job) =>
      Effect.sync(() => job.queue === target && isPurged(job) && ids.add(job.id))
    )
    const snapshot: Snapshot = { counts, jobIds: some(Array.from(ids).sort()), total: ids.size }
    return { snapshot, ids: Option.some<ReadonlySet<string>>(ids) }
  })

const some = (ids: ReadonlyArray<string>): ReadonlyArray<string> => {
  let bytes = 0
  return ids.slice(0, maxSnapshotIds).filter((id) => {
    bytes += Buffer.byteLength(JSON.stringify(id)) + 1
    return bytes <= maxSnapshotBytes
  })
}

const decode = Schema.decodeUnknownOption(Snapshot)
