/** A job system that speaks the Palantir contract over HTTP. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type Job, JobDetail, type JobId } from "../model/Job.ts"
import * as Monotonic from "../model/Monotonic.ts"
import * as Egress from "./Egress.ts"
import {
  type ActionError,
  ActionRejected,
  JobSource,
  maxListedJobs,
  Queue,
  type ReadError,
  type Shape,
  SourceInvalid,
  SourceUnavailable,
  TargetNotFound,
  Worker
} from "./JobSource.ts"
import * as Listing from "./Listing.ts"
import { maxPageSize, PalantirApi, reservedIds, segment } from "./PalantirApi.ts"
import * as PalantirWire from "./PalantirWire.ts"
import { isOk, Refused } from "./PalantirWire.ts"

/** How to reach one Palantir. */
export interface Options {
  /** Where it is, base path included: what comes before `/api/v1`. What `Egress.flaw` finds wrong is refused. */
  readonly url: string
  /** Sent as a bearer token, to this origin only. */
  readonly token?: Redacted.Redacted
  /** How long one answer may take, its body included. 3 seconds unless told otherwise. */
  readonly requestTimeout?: Duration.DurationInput
  /** How long finished jobs stay listed there. 10 minutes unless told otherwise: what the contract promises. */
  readonly finishedKept?: Duration.DurationInput
  /**
   * Whether it applies a mutation at most once under one `Idempotency-Key`: true unless told otherwise, as its contract
   * says. Of one that does not, a command that a crash cut off is looked for, and not sent again.
   */
  readonly honoursKeys?: boolean
  /** How many pages a listing may have before it is taken for one without an end: `maxPages` unless told otherwise. */
  readonly maxPages?: number
}

/**
 * The most pages one listing may have: five times what `maxListedJobs` needs at our page size, for an upstream that
 * gives smaller pages than we ask for. A listing beyond it never ends.
 */
export const maxPages = 5 * Math.ceil(maxListedJobs / maxPageSize)

const make = (options: Options) =>
  Effect.gen(function* () {
    const problem = Egress.flaw(options.url)
    if (problem !== undefined) return yield* new Egress.UrlRefused({ problem })
    const http = PalantirWire.make(yield* HttpClient.HttpClient, {
      ...options,
      requestTimeout: options.requestTimeout ?? "3 seconds"
    })
    const client = yield* HttpApiClient.makeWith(PalantirApi, { httpClient: http.decisive })
    const finishedKept = Duration.decode(options.finishedKept ?? "10 minutes")

    const page = (cursor: string | undefined) =>
      readable(client.jobs.list({ urlParams: { limit: maxPageSize, ...(cursor === undefined ? {} : { cursor }) } }))

    const find = Effect.fn("Palantir.find")((id: JobId) =>
      lookup(id, reservedIds, (path) => client.jobs.find({ path: { id: path } })).pipe(
        Effect.flatMap(
          Option.match({
            onNone: () => Effect.succeedNone,
            onSome: (job) =>
              job.id === id
                ? Effect.succeedSome(
                    new JobDetail({
                      id,
                      queue: job.queue,
                      state: job.state,
                      ...(job.attempts === undefined ? {} : { attempts: job.attempts })
                    })
                  )
                : new SourceInvalid({ problem: "it answered with another job than was asked for" })
          })
        )
      )
    )

    const source: Shape = {
      counts: Effect.map(readable(client.jobs.counts({})), ({ counts }) => counts).pipe(
        Effect.withSpan("Palantir.counts")
      ),
      jobs: listing(page, finishedKept, options.maxPages ?? maxPages),
      // The contract has routes of these names.
      isJobId: (id) => !reservedIds.has(id),
      find,
      queue: Effect.fn("Palantir.queue")((name: string) =>
        Effect.map(
          lookup(name, unreachable, (path) => client.queues.find({ path: { name: path } })),
          Option.map(({ counts }) => new Queue({ name, counts }))
        )
      ),
      worker: Effect.fn("Palantir.worker")((name: string) =>
        Effect.map(
          lookup(name, unreachable, (path) => client.services.find({ path: { name: path } })),
          Option.map(({ instanceId }) => new Worker({ name, instanceId }))
        )
      ),
      actions: {
        retryJob: Effect.fn("Palantir.retryJob")((id: JobId, key: string) =>
          applied(id, reservedIds, "the job has not failed", (path) =>
            client.jobs.retry({ path: { id: path }, headers: { "idempotency-key": key } })
          )
        ),
        deleteJob: Effect.fn("Palantir.deleteJob")((id: JobId, key: string) =>
          applied(id, reservedIds, "the job is active", (path) =>
            client.jobs.delete({ path: { id: path }, headers: { "idempotency-key": key } })
          )
        ),
        purgeQueue: Effect.fn("Palantir.purgeQueue")((name: string, key: string) =>
          Effect.map(
            applied(name, unreachable, "the queue can't be purged now", (path) =>
              client.queues.purge({ path: { name: path }, headers: { "idempotency-key": key } })
            ),
            ({ purged }) => purged
          )
        ),
        restartService: Effect.fn("Palantir.restartService")((name: string, key: string) =>
          applied(name, unreachable, "the service can't be restarted now", (path) =>
            client.services.restart({ path: { name: path }, headers: { "idempotency-key": key } })
          )
        )
      },
      honoursKeys: options.honoursKeys ?? true,
      finishedKept,
      ping: Effect.flatMap(http.raw(HttpClientRequest.get("/api/v1/health")), ({ status }) =>
        isOk(status) ? Effect.void : readFailure({ status })
      ).pipe(Effect.withSpan("Palantir.ping")),
      // A `#` would end the query and never be sent.
      stuck: Effect.fn("Palantir.stuck")((query: string) =>
        http.raw(HttpClientRequest.get(`/api/v1/jobs/stuck${query === "" ? "" : `?${query.replaceAll("#", "%23")}`}`))
      )
    }
    return source
  })

/**
 * A Palantir as a source. Wants a client that follows no redirects and inflates nothing, as that of
 * `@effect/platform-node`, and resolves names by `Egress.lookup`; a fetch client would carry the token to wherever it
 * is sent.
 */
export const layer = (options: Options): Layer.Layer<JobSource, Egress.UrlRefused, HttpClient.HttpClient> =>
  Layer.effect(JobSource, make(options))

// What URLs swallow. Queues and services have no routes that hide a name.
const unreachable: ReadonlySet<string> = new Set([".", ".."])

type CallError = ReadError | Refused

const readFailure = ({ retryAfterMs, status }: Pick<Refused, "retryAfterMs" | "status">): SourceUnavailable => {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  switch (status) {
    case 401:
    case 403:
      return new SourceUnavailable({ reason: "denied" })
    case 429:
      return new SourceUnavailable({ reason: "limited", ...wait })
    default:
      return new SourceUnavailable({ reason: "status", status, ...(status === 503 ? wait : {}) })
  }
}

/** Decisive statuses only: with them the action was certainly not applied. */
const rejections: ReadonlyMap<number, string> = new Map([
  [400, "it found the request malformed"],
  [401, "it refused our credentials"],
  [403, "it does not allow us to"],
  [409, "the target is in the wrong state"],
  [422, "it found the request invalid"],
  [429, "it asked us to slow down"]
])

/** Says where an answer does not fit, and quotes none of it. */
const misfit = (error: ParseResult.ParseError): SourceInvalid => {
  const path = ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.path ?? []
  return new SourceInvalid({
    problem: path.length === 0 ? "not the JSON that was expected" : `an unexpected value at ${path.join(".")}`
  })
}

/** Brings what a derived client may fail with down to `CallError`. */
const understood = <A, E extends { readonly _tag: string }>(call: Effect.Effect<A, E>): Effect.Effect<A, CallError> =>
  Effect.mapError(call, (error): CallError => {
    if (error instanceof Refused || error instanceof SourceUnavailable || error instanceof SourceInvalid) {
      return error
    }
    // Neither is left: a 2xx that the contract does not give, or an answer that does not parse.
    return error instanceof ParseResult.ParseError
      ? misfit(error)
      : new SourceInvalid({ problem: "a status that the contract does not give" })
  })

const readable = <A, E extends { readonly _tag: string }>(call: Effect.Effect<A, E>): Effect.Effect<A, ReadError> =>
  Effect.mapError(understood(call), (error) => (error instanceof Refused ? readFailure(error) : error))

/** Reads what a path names: none for a 404, and for what no path can name. */
const lookup = <A, E extends { readonly _tag: string }>(
  name: string,
  hidden: ReadonlySet<string>,
  call: (path: string) => Effect.Effect<A, E>
): Effect.Effect<Option.Option<A>, ReadError> => {
  const path = hidden.has(name) ? Option.none() : segment(name)
  if (Option.isNone(path)) return Effect.succeedNone
  return understood(call(path.value)).pipe(
    Effect.asSome,
    Effect.catchTag("Refused", (refused) => (refused.status === 404 ? Effect.succeedNone : readFailure(refused)))
  )
}

const applied = <A, E extends { readonly _tag: string }>(
  target: string,
  hidden: ReadonlySet<string>,
  conflict: string,
  call: (path: string) => Effect.Effect<A, E>
): Effect.Effect<A, ActionError> => {
  const path = hidden.has(target) ? Option.none() : segment(target)
  if (Option.isNone(path)) return new TargetNotFound({ target })
  return Effect.mapError(understood(call(path.value)), (error): ActionError => {
    if (!(error instanceof Refused)) return error
    if (error.status === 404) return new TargetNotFound({ target })
    const problem = error.status === 409 ? conflict : rejections.get(error.status)
    return problem === undefined
      ? new SourceUnavailable({ reason: "status", status: error.status })
      : new ActionRejected({ status: error.status, problem })
  })
}

type Page = { readonly data: ReadonlyArray<Job>; readonly nextCursor: string | null }

/** Every page, one after the other, in no more time than any listing has. */
const listing = (
  page: (cursor: string | undefined) => Effect.Effect<Page, ReadError>,
  finishedKept: Duration.Duration,
  most: number
): Stream.Stream<Job, ReadError> =>
  Stream.unwrap(
    Effect.map(Monotonic.now, (begun) => {
      const seen = new Set<JobId>()
      let pages = 0
      const next = (cursor: string | undefined) =>
        Effect.gen(function* () {
          const late = (yield* Monotonic.now) - begun > Duration.toMillis(Listing.maxDuration(finishedKept))
          if (late) return yield* new SourceUnavailable({ reason: "timeout" })
          const { data, nextCursor } = yield* page(cursor)
          pages += 1
          for (const job of data) {
            if (seen.has(job.id)) return yield* new SourceInvalid({ problem: "an id that is listed twice" })
            seen.add(job.id)
          }
          if (seen.size > maxListedJobs) return yield* new SourceInvalid({ problem: `more than ${maxListedJobs} jobs` })
          if (nextCursor !== null && (pages >= most || data.length === 0 || nextCursor === cursor)) {
            return yield* new SourceInvalid({ problem: "a listing that never ends" })
          }
          return [
            Chunk.unsafeFromArray(data.map(({ id, queue, state }): Job => ({ id, queue, state }))),
            Option.fromNullable(nextCursor)
          ] as const
        })
      return Stream.paginateChunkEffect<string | undefined, Job, ReadError, never>(undefined, next)
    })
  )
