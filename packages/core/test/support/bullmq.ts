/** A BullMQ to arrange jobs in, whose keys are gone when the scope ends. */
import { randomUUID } from "node:crypto"
import { Job, type JobsOptions, Queue, RedisConnection, removeAllQueueData, Worker } from "bullmq"
import * as Effect from "effect/Effect"
import type { JobState } from "../../src/model/Job.ts"

const token = "mithrandir-test"

export interface TestQueue {
  readonly name: string
  readonly bull: Queue
  /** For what BullMQ would not do. */
  readonly client: Awaited<RedisConnection["client"]>
  /** Adds a job and brings it to that state; gives BullMQ's id. */
  readonly seed: (state: JobState, options?: JobsOptions) => Promise<string>
  /** The oldest waiting job becomes active. */
  readonly take: () => Promise<Job>
  readonly complete: (id: string) => Promise<void>
  readonly fail: (id: string) => Promise<void>
}

export const testPrefix = () => `mithrandir-test-${randomUUID()}`

/** A queue, whose keys are gone when the scope ends, unless they are to be kept. */
export const testQueue = (url: string, name: string, prefix: string, { keep = false } = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const connection = { url, maxRetriesPerRequest: null }
      const bull = new Queue(name, { connection, prefix })
      const worker = new Worker(name, null, { connection, prefix, autorun: false })
      await Promise.all([bull.waitUntilReady(), worker.waitUntilReady()])
      const redis = new RedisConnection({ url }, { blocking: false })
      return { bull, worker, redis, client: await redis.client }
    }),
    ({ bull, client, redis, worker }) =>
      Effect.promise(async () => {
        if (!keep) await removeAllQueueData(client, name, prefix)
        await Promise.all([worker.close(true), bull.close(), redis.close()])
      })
  ).pipe(
    Effect.map(({ bull, client, worker }): TestQueue => {
      const job = async (id: string) => {
        const found = await Job.fromId(bull, id)
        if (found === undefined) throw new Error(`no job ${id}`)
        return found
      }
      const take = async () => {
        const taken = await worker.getNextJob(token, { block: false })
        if (taken === undefined) throw new Error("no job was waiting")
        return taken
      }
      const complete = async (id: string) => {
        // Of the worker's: settings that workers have for finished jobs count as they do in life.
        const active = await Job.fromId(worker, id)
        await active?.moveToCompleted("done", token, false)
      }
      const fail = async (id: string) => {
        await (await job(id)).moveToFailed(new Error("no"), token, false)
      }
      const seed = async (state: JobState, options: JobsOptions = {}) => {
        const delay = state === "delayed" ? { delay: 3_600_000 } : {}
        // Taken next, whatever waits already.
        const lifo = state === "waiting" || state === "delayed" ? {} : { lifo: true }
        const { id } = await bull.add("job", {}, { ...delay, ...lifo, ...options })
        if (id === undefined) throw new Error("a job without an id")
        if (state === "waiting" || state === "delayed") return id
        const taken = await take()
        if (taken.id !== id) throw new Error(`took ${taken.id} instead of ${id}`)
        if (state === "completed") await complete(id)
        if (state === "failed") await fail(id)
        return id
      }
      return { name, bull, client, seed, take, complete, fail }
    })
  )
