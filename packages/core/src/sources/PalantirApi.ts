/**
 * The HTTP contract of a Palantir, as data: the source calls it, the sandbox serves it.
 *
 * Where it is mounted (a base path before `/api/v1`) and a bearer token are up to whoever uses it. A client derived
 * from it must give path parameters through `segment`: they are put into the URL as they are.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JobId, JobState, QueueName } from "../model/Job.ts"
import { JobCounts } from "../model/JobView.ts"

/** The most jobs one page of a listing may have: a page is held in memory whole. */
export const maxPageSize = 1000

/** Ids that can't be looked up as jobs: the contract has routes of these names, or URLs swallow them. */
export const reservedIds: ReadonlySet<string> = new Set(["stuck", "counts", ".", ".."])

/**
 * A path parameter that reaches the other side whole, `/`, `%`, `?` and `#` included. None for text that is not
 * well-formed Unicode: no URL can carry it.
 */
export const segment: (text: string) => Option.Option<string> = Option.liftThrowable(encodeURIComponent)

/** ISO 8601. For people: nothing is concluded from it, so its form is not insisted on. */
const UpdatedAt = Schema.optionalWith(Schema.Union(Schema.String, Schema.Number), { exact: true })

/** One line of a listing. */
export const ListedJob = Schema.Struct({ id: JobId, queue: QueueName, state: JobState, updatedAt: UpdatedAt })
export type ListedJob = typeof ListedJob.Type

/** A job looked up, or just retried. */
export const PalantirJob = Schema.Struct({
  id: JobId,
  queue: QueueName,
  state: JobState,
  /** How often it was started. */
  attempts: Schema.optionalWith(Schema.NonNegativeInt, { exact: true }),
  updatedAt: UpdatedAt
})
export type PalantirJob = typeof PalantirJob.Type

/** Ordered by id. A job that is there throughout a listing appears in it exactly once. */
export const JobPage = Schema.Struct({
  data: Schema.Array(ListedJob).pipe(Schema.maxItems(maxPageSize)),
  /** What to ask for the next page with; null on the last one. */
  nextCursor: Schema.NullOr(Schema.String.pipe(Schema.minLength(1), Schema.maxLength(1024)))
})
export type JobPage = typeof JobPage.Type

/** A queue, by its `name`, with its own counts. */
export const PalantirQueue = Schema.Struct({ name: Schema.String, counts: JobCounts })
/** How many waiting and delayed jobs were `purged`. */
export const Purged = Schema.Struct({ purged: Schema.NonNegativeInt })

/** A worker service, by its `name`. A restart gives it another `instanceId`. */
export const PalantirService = Schema.Struct({
  name: Schema.String,
  /** Another one after every restart. */
  instanceId: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(256)),
  startedAt: UpdatedAt
})
/** A restart of the service of this `name` was begun, and `instanceId` will be the next instance. */
export const Restarting = Schema.Struct({
  name: Schema.String,
  instanceId: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(256))
})

const byId = Schema.Struct({ id: Schema.NonEmptyString })
const byName = Schema.Struct({ name: Schema.NonEmptyString })

/** A mutation repeated under the same key within 24 h gives the first answer and has no second effect. */
const Keyed = Schema.Struct({
  "idempotency-key": Schema.optional(Schema.String.pipe(Schema.minLength(1), Schema.maxLength(256)))
})

class Health extends HttpApiGroup.make("health").add(
  HttpApiEndpoint.get("health", "/health").addSuccess(Schema.Struct({ status: Schema.Literal("ok") }))
) {}

class Jobs extends HttpApiGroup.make("jobs")
  .add(HttpApiEndpoint.get("counts", "/counts").addSuccess(Schema.Struct({ counts: JobCounts })))
  .add(
    HttpApiEndpoint.get("list", "/")
      .setUrlParams(
        Schema.Struct({
          limit: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, maxPageSize))),
          cursor: Schema.optional(Schema.String.pipe(Schema.maxLength(1024)))
        })
      )
      .addSuccess(JobPage)
  )
  // Anything goes: it is passed through as it comes.
  .add(HttpApiEndpoint.get("stuck", "/stuck").addSuccess(Schema.Unknown))
  .add(HttpApiEndpoint.get("find", "/:id").setPath(byId).addSuccess(PalantirJob).addError(HttpApiError.NotFound))
  .add(
    HttpApiEndpoint.post("retry", "/:id/retry")
      .setPath(byId)
      .setHeaders(Keyed)
      .addSuccess(PalantirJob)
      .addError(HttpApiError.NotFound)
      // It has not failed.
      .addError(HttpApiError.Conflict)
  )
  .add(
    HttpApiEndpoint.del("delete", "/:id")
      .setPath(byId)
      .setHeaders(Keyed)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(HttpApiError.NotFound)
      // It is active.
      .addError(HttpApiError.Conflict)
  )
  .prefix("/jobs") {}

class Queues extends HttpApiGroup.make("queues")
  .add(HttpApiEndpoint.get("find", "/:name").setPath(byName).addSuccess(PalantirQueue).addError(HttpApiError.NotFound))
  .add(
    // Waiting and delayed jobs only.
    HttpApiEndpoint.post("purge", "/:name/purge")
      .setPath(byName)
      .setHeaders(Keyed)
      .addSuccess(Purged)
      .addError(HttpApiError.NotFound)
  )
  .prefix("/queues") {}

class Services extends HttpApiGroup.make("services")
  .add(
    HttpApiEndpoint.get("find", "/:name").setPath(byName).addSuccess(PalantirService).addError(HttpApiError.NotFound)
  )
  .add(
    HttpApiEndpoint.post("restart", "/:name/restart")
      .setPath(byName)
      .setHeaders(Keyed)
      .addSuccess(Restarting, { status: 202 })
      .addError(HttpApiError.NotFound)
  )
  .prefix("/services") {}

/** Every route of the contract, under `/api/v1`. */
export class PalantirApi extends HttpApi.make("palantir")
  .add(Health)
  .add(Jobs)
  .add(Queues)
  .add(Services)
  .prefix("/api/v1") {}
