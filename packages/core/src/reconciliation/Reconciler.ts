/** Says whether what is believed is true: one pass at a time, for each service. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { v7 as uuid } from "uuid"
import { InFlight } from "../commands/InFlight.ts"
import { ExpectedState, ExpectedUnavailable } from "../ledger/ExpectedState.ts"
import { type Account, Ledger } from "../ledger/Ledger.ts"
import { type PassStatus, ReconciliationUpdate } from "../model/Event.ts"
import type { JobId } from "../model/Job.ts"
import { checksum, JobCounts } from "../model/JobView.ts"
import { type Evidence, judge, type Side } from "../model/Judgement.ts"
import type { ServiceNotFound } from "../model/Service.ts"
import type { Timestamp } from "../model/Timestamp.ts"
import { type RegisteredService, ServiceRegistry } from "../services/ServiceRegistry.ts"
import type { ReadError } from "../sources/JobSource.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"
import { conclude, type Findings, frame, told } from "./Conclusion.ts"
import { DiscrepancyLog } from "./DiscrepancyLog.ts"
import { backoffMs, nextTickMs } from "./Pace.ts"
import { confirm, read } from "./Reading.ts"

/** Which passes, and whether what they find is to be accepted. */
export interface PassRequest {
  /** Which service. Absent: each. */
  readonly service?: string
  /** Take what the source says for true, ending every open dispute; recorded with this actor. */
  readonly acceptAs?: string
}

/** Compares, service by service, what is expected with what is actual, and keeps what it finds. */
export class Reconciler extends Context.Tag("@mithrandir/core/Reconciler")<
  Reconciler,
  {
    /** A pass now. An upstream that does not answer is no error: its pass ends `stale`. */
    readonly run: (
      request: PassRequest
    ) => Effect.Effect<ReadonlyArray<ReconciliationUpdate>, ServiceNotFound | StoreUnavailable | StoreUnreadable>
    /** The latest pass of every service that had one. */
    readonly status: Effect.Effect<ReadonlyArray<ReconciliationUpdate>, StoreUnreadable>
    /** Passes for ever: every service at its own interval, none delaying another, backing off while it fails. */
    readonly poll: Effect.Effect<never>
  }
>() {}

/** A source that fails once may have hiccuped; twice in a row goes on the record. */
const failuresBeforeRecord = 2

/** Readings in one pass that may contradict each other before it leaves the question to the next pass. */
const maxReadings = 4

/** How long somebody else's expected side may take: one that hung would hold up every pass of its service. */
const expectedDeadline = "10 seconds"

const thrown = { message: "it failed in a way that it should not; see the server's log" }

const isCounts = Schema.is(JobCounts)

const make = Effect.gen(function* () {
  const discrepancies = yield* DiscrepancyLog
  const expectedState = yield* ExpectedState
  const inFlight = yield* InFlight
  const ledger = yield* Ledger
  const registry = yield* ServiceRegistry
  const store = yield* Store
  const failures = new Map<string, number>()
  const passing = new Map(registry.all.map(({ id }) => [id, Effect.unsafeMakeSemaphore(1)]))

  const otherSide = (service: RegisteredService): Effect.Effect<Findings["other"], ExpectedUnavailable> =>
    Effect.transposeOption(expectedState.of(service.id)).pipe(
      Effect.timeoutFail({
        duration: expectedDeadline,
        onTimeout: () => new ExpectedUnavailable({ problem: `it did not answer within ${expectedDeadline}` })
      }),
      Effect.filterOrFail(
        (view) => Option.match(Option.flatten(view), { onNone: () => true, onSome: ({ counts }) => isCounts(counts) }),
        () => new ExpectedUnavailable({ problem: "its counts must be whole numbers, and not negative" })
      ),
      // A cache may go on changing what it gave us: a reading is of one moment.
      Effect.map(Option.map(Option.map((view) => (view.jobs ? { ...view, jobs: new Map(view.jobs) } : view))))
    )

  /** What nobody has brought up to date for so long may be wrong in anything, and there is nothing to adopt it into. */
  const checkAge = (service: RegisteredService, other: Findings["other"]) =>
    Effect.flatMap(DateTime.now, (now) => {
      const asOf = Option.match(Option.flatten(other), { onNone: () => now, onSome: (view) => view.asOf })
      const age = Duration.millis(Math.max(0, now.epochMillis - asOf.epochMillis))
      const { finishedKept } = service.source
      return !Duration.isZero(finishedKept) && Duration.greaterThan(age, finishedKept)
        ? new ExpectedUnavailable({ problem: `it was last brought up to date ${Duration.format(age)} ago` })
        : Effect.void
    })

  /** Reads until there is nothing left to doubt, or one pass has doubted enough. */
  const examine = (
    service: RegisteredService,
    account: Account,
    touched: () => Evidence["inFlight"]
  ): Effect.Effect<Findings, ReadError | ExpectedUnavailable> =>
    Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      let first: Evidence["first"]
      let found: ReadonlyMap<JobId, Side> = new Map()
      let latencyMs = 0
      for (let readings = 1; ; readings++) {
        const other = yield* otherSide(service)
        yield* checkAge(service, other)
        const last = yield* read(service.source)
        if (readings === 1) latencyMs = Math.max(0, (yield* Clock.currentTimeMillis) - began)
        const findings: Findings = { last, first, found, other, latencyMs }
        const { expected, evidence } = frame(service, account, findings, touched(), yield* DateTime.now)
        const { suspects, unconfirmed } = judge(expected, last, evidence)
        if (unconfirmed.length > 0) {
          const confirmed = yield* confirm(service.source, unconfirmed)
          if (Option.isSome(confirmed)) return { ...findings, found: confirmed.value }
          found = new Map()
        } else if (suspects.length === 0) return findings
        if (readings === maxReadings) return findings
        first = { expected, actual: last }
        yield* Effect.sleep(service.settle)
      }
    })

  /** One pass, start to end. Whoever calls it holds the service's permit. */
  const pass = (service: RegisteredService, acceptAs: string | undefined) =>
    Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      const account = yield* ledger.account(service.id)
      const touched = yield* inFlight.observe(service.id)
      const findings = yield* examine(service, account, touched).pipe(
        // What an embedder wrote may throw: that is one more way of giving no usable answer.
        Effect.catchAllDefect((defect) =>
          Effect.zipRight(Effect.logError("a source or an expected side threw", Cause.die(defect)), Effect.fail(thrown))
        ),
        Effect.either
      )
      const recordedStatus = Option.getOrElse(yield* discrepancies.lastStatus(service.id), (): PassStatus => "verified")
      const at = yield* DateTime.now
      if (findings._tag === "Left") {
        return yield* stale(service, findings.left, recordedStatus, at, at.epochMillis - began)
      }
      failures.delete(service.id)
      const { result } = yield* ledger.enter(service.id, (now) =>
        conclude(service, now, findings.right, touched(), recordedStatus, at, acceptAs)
      )
      return result
    }).pipe(
      Effect.scoped,
      Effect.catchTag("CommandIdTaken", Effect.die),
      Effect.annotateLogs({ service: service.id }),
      Effect.withSpan("Reconciler.pass", { attributes: { service: service.id } })
    )

  const latest = (service?: string) =>
    Effect.flatMap(
      store.read((sql) =>
        service === undefined
          ? sql<{ data: string }>`SELECT data FROM latest_update ORDER BY service`
          : sql<{ data: string }>`SELECT data FROM latest_update WHERE service = ${service}`
      ),
      (rows) => Effect.orDie(decodeUpdates(rows.map(({ data }) => data)))
    )

  const stale = (
    service: RegisteredService,
    error: { readonly message: string },
    recordedStatus: PassStatus,
    at: Timestamp,
    latencyMs: number
  ) =>
    Effect.gen(function* () {
      const inARow = (failures.get(service.id) ?? 0) + 1
      failures.set(service.id, inARow)
      const [last] = yield* latest(service.id)
      const counts = last?.counts ?? {}
      const update: ReconciliationUpdate = {
        eventId: uuid(),
        service: service.id,
        status: "stale",
        counts,
        checksum: checksum(counts),
        latencyMs: Math.max(0, latencyMs),
        observedAt: last?.observedAt ?? at,
        message: error.message
      }
      yield* store.commit(told(update, at, inARow >= failuresBeforeRecord && recordedStatus !== "stale"))
      return update
    })

  const passNow = (service: RegisteredService, acceptAs?: string) =>
    (passing.get(service.id) ?? Effect.unsafeMakeSemaphore(1)).withPermits(1)(pass(service, acceptAs))

  const run = Effect.fn("Reconciler.run")(function* (request: PassRequest) {
    const services = request.service === undefined ? registry.all : [yield* registry.get(request.service)]
    return yield* Effect.forEach(services, (service) => passNow(service, request.acceptAs), {
      concurrency: "unbounded"
    })
  })

  const status = Effect.map(latest(), (updates) => {
    const registered = new Set(registry.all.map(({ id }) => id))
    return updates.filter(({ service }) => registered.has(service))
  })

  const pollOne = (service: RegisteredService) =>
    Effect.gen(function* () {
      const intervalMs = Duration.toMillis(service.pollInterval)
      // A pass that fails to be written is logged by the store; the next one tries again.
      const once = Effect.catchAllCause(passNow(service), (cause) => Effect.logError("a pass was lost", cause))
      yield* once
      // Services that start together are not to be asked together for ever.
      const offset = (yield* Clock.currentTimeMillis) + (yield* Random.nextIntBetween(1, intervalMs + 1))
      while (true) {
        const now = yield* Clock.currentTimeMillis
        const inARow = failures.get(service.id) ?? 0
        const next = inARow === 0 ? nextTickMs(offset, intervalMs, now) : now + backoffMs(intervalMs, inARow)
        yield* Effect.sleep(Duration.millis(next - now))
        yield* once
      }
    })

  const poll = Effect.zipRight(
    Effect.forEach(registry.all, pollOne, { concurrency: "unbounded", discard: true }),
    Effect.never
  )

  return Reconciler.of({ run, status, poll })
})

/** Over the registered services and the expected side of each. */
export const layer: Layer.Layer<
  Reconciler,
  never,
  DiscrepancyLog | ExpectedState | InFlight | Ledger | ServiceRegistry | Store
> = Layer.effect(Reconciler, make)

const decodeUpdates = Schema.decodeUnknown(Schema.Array(Schema.parseJson(ReconciliationUpdate)))
