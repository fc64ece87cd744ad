/** Checks what an expected side gave. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { ExpectedUnavailable } from "../ledger/ExpectedState.ts"
import { isJob, type Job, type JobId } from "../model/Job.ts"
import { JobCounts, type JobView } from "../model/JobView.ts"

/**
 * What an expected side gave, as of now: it may be a cache that goes on changing. It is somebody else's, and may be
 * anything, whatever its types say. What is no view would be compared all the same, and what is old would pass for new.
 */
export const checked = (given: unknown): Effect.Effect<Option.Option<JobView>, ExpectedUnavailable> => {
  const refuse = (problem: string) => new ExpectedUnavailable({ problem })
  if (!Option.isOption(given)) return refuse("it gave no Option")
  if (Option.isNone(given)) return Effect.succeedNone
  if (!Predicate.isObject(given.value)) return refuse("it gave no view")
  const { asOf, counts, jobs } = given.value as { readonly [K in keyof JobView]?: unknown }
  if (!DateTime.isDateTime(asOf) || !DateTime.isUtc(asOf)) return refuse("its asOf must be a DateTime in UTC")
  if (!isCounts(counts)) return refuse("its counts must be whole numbers, and not negative")
  if (jobs === undefined) return Effect.succeedSome({ asOf, counts })
  if (!Predicate.isIterable(jobs)) return refuse("its jobs must be a Map, by id")
  const byId = new Map<JobId, Job>()
  for (const entry of jobs) {
    const [id, job]: ReadonlyArray<unknown> = Array.isArray(entry) ? entry : []
    if (!isJob(job)) return refuse("a job of it is without a usable id, queue or state")
    if (job.id !== id) return refuse("a job of it stands under another key than its id")
    byId.set(id, job)
  }
  return Effect.succeedSome({ asOf, counts, jobs: byId })
}

const isCounts = Schema.is(JobCounts)
