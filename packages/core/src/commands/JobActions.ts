/** What can be done to one job: retry it, delete it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JobDetail } from "../model/Job.ts"
import { make, type Order, unsupported } from "./Action.ts"

/** Puts a failed job back to work. Proven when it is not failed any more, or was started once more. */
export const retryJob = make({
  actionType: "retry-job",
  isSupported: ({ source }) => source.actions.retryJob !== undefined,
  snapshot: (order) => look(order),
  refusal: (before, { target }) =>
    Option.match(decode(before), {
      onNone: () => Option.some(`job "${target}" does not exist`),
      onSome: ({ state }) =>
        state === "failed" ? Option.none() : Option.some(`job "${target}" has not failed: it is ${state}`)
    }),
  execute: ({ key, source, target }) =>
    Effect.as(source.actions.retryJob?.(target, key) ?? unsupported, "the job was put back to work"),
  verify: (before, order) =>
    Effect.map(look(order), (after) => ({
      after,
      // A job that is gone says nothing: it may have finished and left.
      verified: Option.map(decode(after), (now) => now.state !== "failed" || wasStartedAgain(decode(before), now))
    })),
  touches: "job",
  effected: (job, _before, { after }) =>
    Option.match(decode(after), { onNone: () => job, onSome: ({ queue, state }) => ({ ...job, queue, state }) })
})

/** Removes a job. One that is gone already is fine: that is what was asked for. */
export const deleteJob = make({
  actionType: "delete-job",
  isSupported: ({ source }) => source.actions.deleteJob !== undefined,
  snapshot: (order) => look(order),
  refusal: (before, { target }) =>
    Option.exists(decode(before), ({ state }) => state === "active")
      ? Option.some(`job "${target}" is active`)
      : Option.none(),
  isDone: (before) => (before === null ? Option.some(goneAlready) : Option.none()),
  execute: ({ key, source, target }) =>
    (source.actions.deleteJob?.(target, key) ?? unsupported).pipe(
      Effect.as("the job was deleted"),
      Effect.catchTag("TargetNotFound", () => Effect.succeed(goneAlready))
    ),
  verify: (_before, order) => Effect.map(look(order), (after) => ({ after, verified: Option.some(after === null) })),
  isRepeatable: true,
  touches: "job",
  effected: () => undefined
})

const goneAlready = "the job was gone already"

/** The job as JSON, `null` if the system does not have it. */
const look = ({ source, target }: Order) =>
  Effect.map(source.find(target), (job) => Option.getOrNull(Option.map(job, encode)))

const encode = Schema.encodeSync(JobDetail)
const decode = Schema.decodeUnknownOption(JobDetail)

const wasStartedAgain = (before: Option.Option<JobDetail>, now: JobDetail): boolean =>
  Option.exists(before, (then) => (now.attempts ?? 0) > (then.attempts ?? Number.POSITIVE_INFINITY))
