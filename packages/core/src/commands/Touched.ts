/** What the ledger learns of the jobs that a command touched, so that no pass accuses anybody of what we did. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Account } from "../ledger/Ledger.ts"
import type { Command } from "../model/Command.ts"
import { type Job, JobDetail, JobId } from "../model/Job.ts"
import type { Adoption } from "../model/Judgement.ts"
import type { Action } from "./Action.ts"

/**
 * Of jobs that it knows: the one that the command names, or those of its queue. A job of the queue that is disputed was
 * disputed before, and stays so.
 */
export const known =
  (action: Action, { target }: Command, change: (job: Job) => Job | undefined) =>
  ({ disputes, jobs }: Account): ReadonlyArray<Adoption> => {
    const disputed = new Set(disputes.map(({ id }) => id))
    const candidates =
      action.touches === "queue"
        ? Array.from(jobs.values()).filter(({ id, queue }) => queue === target && !disputed.has(id))
        : action.touches === "job"
          ? Option.toArray(Option.fromNullable(jobs.get(target)))
          : []
    return candidates.flatMap((from) => {
      const to = change(from)
      return to === from ? [] : [{ id: from.id, from, to }]
    })
  }

/** Of jobs that no pass has seen yet, but the command has: they may vanish. */
export const unknown = (action: Action, { before, target }: Command, { jobs }: Account): ReadonlyArray<Adoption> => {
  const seen =
    action.touches === "job"
      ? Option.toArray(Option.flatMap(before, decodeJob))
      : action.touches === "queue"
        ? // Waiting, or delayed, which the next pass tells.
          Option.match(Option.flatMap(before, decodeIds), {
            onNone: () => [],
            onSome: ({ jobIds }) => jobIds.map((id): Job => ({ id, queue: target, state: "waiting" }))
          })
        : []
  return seen
    .filter(({ id }) => !jobs.has(id))
    .map(({ id, queue, state }) => ({ id, from: undefined, to: { id, queue, state, leaves: true } }))
}

const decodeJob = Schema.decodeUnknownOption(JobDetail)
/** What a snapshot of a queue may say of the jobs that the action is to change. */
const decodeIds = Schema.decodeUnknownOption(Schema.Struct({ jobIds: Schema.Array(JobId) }))
