/** The Palantir contract, answered from jobs that live. */
import type { RequestListener } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type JobView, PalantirApi } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Answer, SandboxJob, SandboxJobs, SandboxWorker } from "./SandboxJobs.ts"
import type { Say } from "./Trouble.ts"

/** How many jobs a page has if nobody asks for more or fewer. */
const defaultPageSize = 100

/** What the contract promises to remember a key for. */
const keysKeptMs = Duration.toMillis("24 hours")

/** Beyond this the oldest keys are forgotten early: a playground must not fill memory. */
const maxKeys = 100_000

/** Three bytes of UTF-8 for every character an id may have, each of them percent-encoded. */
const maxParamLength = 512 * 3 * 3

export interface Options {
  readonly jobs: SandboxJobs
  /** What it says of all its jobs: their counts, unless it lies. */
  readonly claims: Effect.Effect<JobView.JobCounts>
  readonly say: Say
}

/** Answers Node's requests by the contract, for the scope. */
export const make = ({ claims, jobs, say }: Options): Effect.Effect<RequestListener, never, Scope.Scope> =>
  Effect.gen(function* () {
    const once = yield* makeOnce
    const api = HttpApiBuilder.api(PalantirApi.PalantirApi).pipe(
      Layer.provide([layerHealth, layerJobs(jobs, claims, once, say), layerQueues(jobs, once, say)]),
      Layer.provide(layerServices(jobs, once, say))
    )
    const context = yield* Layer.build(
      Layer.mergeAll(api, HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer, NodeHttpServer.layerContext)
    )
    return yield* HttpRouter.withRouterConfig(HttpApiBuilder.httpApp, { maxParamLength }).pipe(
      Effect.flatMap((app) => NodeHttpServer.makeHandler(app)),
      Effect.provide(context)
    )
  })

const layerHealth = HttpApiBuilder.group(PalantirApi.PalantirApi, "health", (handlers) =>
  handlers.handle("health", () => Effect.succeed({ status: "ok" as const }))
)

const layerJobs = (jobs: SandboxJobs, claims: Options["claims"], once: Once, say: Say) =>
  HttpApiBuilder.group(PalantirApi.PalantirApi, "jobs", (handlers) =>
    handlers
      .handle("counts", () => Effect.map(claims, (counts) => ({ counts })))
      .handle("list", ({ urlParams: { cursor, limit = defaultPageSize } }) =>
        Effect.map(jobs.jobs, (all) => {
          const rest = cursor === undefined ? all : all.filter((job) => job.id > cursor)
          const data = rest.slice(0, limit)
          // By id and not by place: jobs that come and go meanwhile move no other onto another page.
          return { data: data.map(line), nextCursor: rest.length > limit ? (data.at(-1)?.id ?? null) : null }
        })
      )
      .handle("stuck", ({ request }) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const queue = new URL(request.url, "http://sandbox").searchParams.get("queue")
          const stuck = (yield* jobs.stuck).filter((job) => queue === null || job.queue === queue)
          return {
            data: stuck.map((job) => ({ ...shown(job), activeSeconds: Math.floor((now - job.since) / 1000) }))
          }
        })
      )
      .handle("find", ({ path }) =>
        Effect.flatMap(jobs.find(path.id), (job) =>
          job === undefined ? new HttpApiError.NotFound() : Effect.succeed(shown(job))
        )
      )
      .handle("retry", ({ headers, path: { id } }) =>
        once(
          "retry",
          id,
          headers,
          Effect.tap(
            jobs.retry(id),
            told(say, () => `job ${id} is retried`)
          )
        ).pipe(Effect.flatMap(decided), Effect.map(shown))
      )
      .handle("delete", ({ headers, path: { id } }) =>
        once(
          "delete",
          id,
          headers,
          Effect.tap(
            jobs.remove(id),
            told(say, () => `job ${id} is deleted`)
          )
        ).pipe(Effect.flatMap(decided))
      )
  )

const layerQueues = (jobs: SandboxJobs, once: Once, say: Say) =>
  HttpApiBuilder.group(PalantirApi.PalantirApi, "queues", (handlers) =>
    handlers
      .handle("find", ({ path }) =>
        Effect.flatMap(jobs.queue(path.name), (queue) =>
          queue === undefined ? new HttpApiError.NotFound() : Effect.succeed(queue)
        )
      )
      .handle("purge", ({ headers, path: { name } }) =>
        once(
          "purge",
          name,
          headers,
          Effect.tap(
            jobs.purge(name),
            told(say, (purged: number) => `queue ${name} is purged of ${purged} jobs`)
          )
        ).pipe(
          Effect.flatMap(decided),
          // No queue is ever in the wrong state for it.
          Effect.catchTag("Conflict", Effect.die),
          Effect.map((purged) => ({ purged }))
        )
      )
  )

const layerServices = (jobs: SandboxJobs, once: Once, say: Say) =>
  HttpApiBuilder.group(PalantirApi.PalantirApi, "services", (handlers) =>
    handlers
      .handle("find", ({ path }) =>
        Effect.flatMap(jobs.worker(path.name), (worker) =>
          worker === undefined
            ? new HttpApiError.NotFound()
            : Effect.succeed({ ...worker, startedAt: iso(worker.startedAt) })
        )
      )
      .handle("restart", ({ headers, path: { name } }) =>
        once(
          "restart",
          name,
          headers,
          Effect.tap(
            jobs.restart(name),
            told(say, ({ instanceId }: SandboxWorker) => `service ${name} restarts as ${instanceId}`)
          )
        ).pipe(
          Effect.flatMap(decided),
          // No service is ever in the wrong state for it.
          Effect.catchTag("Conflict", Effect.die),
          Effect.map(({ instanceId }) => ({ name, instanceId }))
        )
      )
  )

const iso = (millis: number) => new Date(millis).toISOString()

const line = ({ id, queue, since, state }: SandboxJob) => ({ id, queue, state, updatedAt: iso(since) })
const shown = (job: SandboxJob) => ({ ...line(job), attempts: job.attempts })

const told =
  <A>(say: Say, words: (value: A) => string) =>
  (answer: Answer<A>) =>
    answer._tag === "done" ? say(`sandbox: ${words(answer.value)}`) : Effect.void

const decided = <A>(answer: Answer<A>): Effect.Effect<A, HttpApiError.NotFound | HttpApiError.Conflict> => {
  switch (answer._tag) {
    case "done":
      return Effect.succeed(answer.value)
    case "missing":
      return new HttpApiError.NotFound()
    case "conflict":
      return new HttpApiError.Conflict()
  }
}

/** Runs a mutation, or gives the answer that the same one had under the same key. */
type Once = <A>(
  mutation: string,
  target: string,
  headers: { readonly "idempotency-key"?: string | undefined },
  run: Effect.Effect<Answer<A>>
) => Effect.Effect<Answer<A>>

const makeOnce: Effect.Effect<Once> = Effect.map(Effect.makeSemaphore(1), (turn): Once => {
  const answers = new Map<string, { readonly at: number; readonly answer: Answer<unknown> }>()
  return <A>(
    mutation: string,
    target: string,
    headers: { readonly "idempotency-key"?: string | undefined },
    run: Effect.Effect<Answer<A>>
  ) => {
    const key = headers["idempotency-key"]
    if (key === undefined) return run
    const request = JSON.stringify([key, mutation, target])
    return Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const [oldest, { at }] of answers) {
        if (now - at <= keysKeptMs && answers.size <= maxKeys) break
        answers.delete(oldest)
      }
      const known = answers.get(request)
      // The mutation and the target are in the key, so the answer is one of this kind.
      if (known !== undefined) return known.answer as Answer<A>
      const answer = yield* run
      answers.set(request, { at: now, answer })
      return answer
      // One after the other and to the end, or a repeat beside the first would have an effect of its own.
    }).pipe(Effect.uninterruptible, turn.withPermits(1))
  }
})
