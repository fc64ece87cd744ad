/** Reads the actual side: counts, and every job where the source can list them. */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Job, type JobId, jobStates } from "../model/Job.ts"
import { JobCounts, sameCounts, tally } from "../model/JobView.ts"
import type { Reading, Side } from "../model/Judgement.ts"
import { maxListedJobs, type ReadError, type Shape, SourceInvalid } from "../sources/JobSource.ts"

/** One reading of a source. */
export const read = (source: Shape): Effect.Effect<Reading, ReadError> =>
  Effect.gen(function* () {
    const asOf = yield* DateTime.now
    if (source.jobs !== undefined && source.isAtomic === true) {
      const jobs = yield* list(source.jobs)
      return { view: { asOf, counts: tally(jobs.values()), jobs }, countsHeld: true }
    }
    const counts = Effect.filterOrFail(
      source.counts,
      isCounts,
      () => new SourceInvalid({ problem: "counts must be whole numbers, and not negative" })
    )
    const before = yield* counts
    if (source.jobs === undefined) return { view: { asOf, counts: before }, countsHeld: true }
    const jobs = yield* list(source.jobs)
    const countsHeld = sameCounts(before, yield* counts)
    // Counts that moved while the jobs were listed say less than the listing does.
    return { view: { asOf, counts: countsHeld ? before : tally(jobs.values()), jobs }, countsHeld }
  })

/** A source of somebody else's may say anything, whatever its types say. */
const isCounts = Schema.is(JobCounts)

/** As `JobId`, `QueueName` and `JobState` say, without what a Schema costs for each of very many. */
const isJob = ({ id, queue, state }: Job): boolean =>
  typeof id === "string" &&
  id.length > 0 &&
  id.length <= 512 &&
  typeof queue === "string" &&
  queue.length > 0 &&
  queue.length <= 256 &&
  jobStates.includes(state)

const list = (listing: Stream.Stream<Job, ReadError>) =>
  Effect.suspend(() => {
    const jobs = new Map<JobId, Job>()
    return Effect.as(
      Stream.runForEachChunk(listing, (chunk) =>
        Effect.suspend(() => {
          for (const job of chunk) {
            if (!isJob(job))
              return new SourceInvalid({ problem: "a job is listed without a usable id, queue or state" })
            if (jobs.has(job.id)) return new SourceInvalid({ problem: "a job is listed twice" })
            jobs.set(job.id, job)
          }
          return jobs.size > maxListedJobs
            ? new SourceInvalid({ problem: `more than ${maxListedJobs} jobs are listed` })
            : Effect.void
        })
      ),
      jobs
    )
  })

/** Jobs looked up one by one, to confirm that they are gone. Of more than this, so many stand for all. */
const maxLookups = 100
const lookupsAtOnce = 10

/**
 * Looks up jobs that are listed no more. Of more than a hundred, a random hundred stand for all, if every one of
 * them is gone; none where some are there after all, and nothing is known of the others: the pass has to read again.
 */
export const confirm = (
  source: Shape,
  ids: ReadonlyArray<JobId>
): Effect.Effect<Option.Option<ReadonlyMap<JobId, Side>>, ReadError> =>
  Effect.gen(function* () {
    const some = ids.length <= maxLookups ? ids : Chunk.toArray(Chunk.take(yield* Random.shuffle(ids), maxLookups))
    const found = yield* Effect.forEach(
      some,
      (id) =>
        Effect.map(source.find(id), (job): [JobId, Side] => [id, Option.isSome(job) ? job.value.state : "absent"]),
      { concurrency: lookupsAtOnce }
    )
    if (some.length === ids.length) return Option.some(new Map(found))
    return found.every(([, side]) => side === "absent")
      ? Option.some(new Map(ids.map((id): [JobId, Side] => [id, "absent"])))
      : Option.none()
  })
