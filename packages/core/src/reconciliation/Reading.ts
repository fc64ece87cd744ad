/** Reads the actual side: counts, and every job where the source can list them. */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { isJob, type Job, type JobId } from "../model/Job.ts"
import { JobCounts, sameCounts, tally } from "../model/JobView.ts"
import type { Reading, Side } from "../model/Judgement.ts"
import * as Foreign from "../sources/Foreign.ts"
import { maxListedJobs, type ReadError, type Shape, SourceInvalid, SourceUnavailable } from "../sources/JobSource.ts"
import * as Listing from "../sources/Listing.ts"

/** One reading of a source. */
export const read = (source: Shape): Effect.Effect<Reading, ReadError> =>
  Effect.gen(function* () {
    const asOf = yield* DateTime.now
    if (source.jobs !== undefined && source.isAtomic === true) {
      const jobs = yield* list(source, source.jobs)
      return { view: { asOf, counts: tally(jobs.values()), jobs }, countsHeld: true }
    }
    const counts = Effect.filterOrFail(
      inTime(maxCounting, () => source.counts),
      isCounts,
      () => new SourceInvalid({ problem: "counts must be whole numbers, and not negative" })
    )
    const before = yield* counts
    if (source.jobs === undefined) return { view: { asOf, counts: before }, countsHeld: true }
    const jobs = yield* list(source, source.jobs)
    const countsHeld = sameCounts(before, yield* counts)
    // Counts that moved while the jobs were listed say less than the listing does.
    return { view: { asOf, counts: countsHeld ? before : tally(jobs.values()), jobs }, countsHeld }
  })

/** A source of somebody else's may say anything, whatever its types say. */
const isCounts = Schema.is(JobCounts)

/** No source of ours takes so long to count. One that is made by hand may have forgotten its deadline. */
const maxCounting = Duration.minutes(1)

const inTime = <A, E>(duration: Duration.Duration, read: () => Effect.Effect<A, E>) =>
  Effect.timeoutFail(Foreign.run(read), { duration, onTimeout: () => new SourceUnavailable({ reason: "timeout" }) })

const list = (source: Shape, listing: Stream.Stream<Job, ReadError>) =>
  inTime(Listing.maxDuration(source.finishedKept), () => {
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

/** A source may have to look through its listing. */
const maxLookup = ({ finishedKept }: Shape) => Listing.maxDuration(finishedKept)

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
        Effect.map(
          inTime(maxLookup(source), () => source.find(id)),
          (job): [JobId, Side] => [id, Option.isSome(job) ? job.value.state : "absent"]
        ),
      { concurrency: lookupsAtOnce }
    )
    if (some.length === ids.length) return Option.some(new Map(found))
    return found.every(([, side]) => side === "absent")
      ? Option.some(new Map(ids.map((id): [JobId, Side] => [id, "absent"])))
      : Option.none()
  })
