/** Says whether what is believed is true: one pass at a time, for each service. */
import * as Cause from "effect/Cause"
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
import { checksum } from "../model/Digest.ts"
import { type PassStatus, ReconciliationUpdate } from "../model/Event.ts"
import type { JobId } from "../model/Job.ts"
import { type Evidence, judge, type Side } from "../model/Judgement.ts"
import * as Monotonic from "../model/Monotonic.ts"
import type { ServiceId, ServiceNotFound } from "../model/Service.ts"
import type { Timestamp } from "../model/Timestamp.ts"
import * as Loop from "../services/Loop.ts"
import { type RegisteredService, ServiceInvalid, ServiceRegistry } from "../services/ServiceRegistry.ts"
import * as Foreign from "../sources/Foreign.ts"
import { type ReadError, SourceUnavailable } from "../sources/JobSource.ts"
import * as Listing from "../sources/Listing.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"
import { conclude, type Findings, frame, told } from "./Conclusion.ts"
import { DiscrepancyLog } from "./DiscrepancyLog.ts"
import { checked } from "./ExpectedView.ts"
import { type Beat, backoffMs, isOverdue, nextTickMs } from "./Pace.ts"
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
    /**
     * The services that are polled and whose last pass is too old: nothing that is said of them is of now. An upstream
     * that is down makes no pass late: it ends `stale`.
     */
    readonly overdue: Effect.Effect<ReadonlyArray<ServiceId>>
  }
>() {}

/** How often a source has failed in a row, and for how many milliseconds it asked, the last time, to be left alone. */
interface Failing {
  readonly inARow: number
  readonly askedMs: number | undefined
}

/** A source that fails once may have hiccuped; twice in a row goes on the record. */
const failuresBeforeRecord = 2

/** Readings in one pass that may contradict each other before it leaves the question to the next pass. */
const maxReadings = 4

/** How long somebody else's expected side may take: one that hung would hold up every pass of its service. */
const expectedDeadline = "10 seconds"

/** As long as its readings may take, each as long as a listing, with the pauses between them. */
const maxPass = ({ settle, source }: RegisteredService) =>
  Duration.times(Duration.sum(Listing.maxDuration(source.finishedKept), settle), maxReadings)

const logThrown = (defect: unknown) => Effect.logError("a source or an expected side threw", Cause.die(defect))

/** An expected side for no service is a name mistyped: nothing would be compared with it, and nobody be told. */
const checkNames = (expected: ReadonlyArray<ServiceId>, all: ReadonlyArray<RegisteredService>) => {
  const known = all.map(({ id }) => id)
  const service = expected.find((id) => !known.includes(id))
  if (service === undefined) return Effect.void
  const problem = `an expected side is given for it, and it is not registered; known: ${known.join(", ") || "none"}`
  return new ServiceInvalid({ service, problem })
}

const make = Effect.gen(function* () {
  const discrepancies = yield* DiscrepancyLog
  const expectedState = yield* ExpectedState
  const inFlight = yield* InFlight
  const ledger = yield* Ledger
  const registry = yield* ServiceRegistry
  const store = yield* Store
  yield* checkNames(expectedState.services ?? [], registry.all)
  const failures = new Map<string, Failing>()
  const beats = new Map<string, Beat>()
  const passing = new Map(registry.all.map(({ id }) => [id, Effect.unsafeMakeSemaphore(1)]))

  const otherSide = (service: RegisteredService): Effect.Effect<Findings["other"], ExpectedUnavailable> =>
    Foreign.run(() =>
      Option.match(expectedState.of(service.id), {
        onNone: (): Effect.Effect<Findings["other"], ExpectedUnavailable> => Effect.succeedNone,
        onSome: (view) => Effect.asSome(Effect.flatMap(view, checked))
      })
    ).pipe(
      Effect.timeoutFail({
        duration: expectedDeadline,
        onTimeout: () => new ExpectedUnavailable({ problem: `it did not answer within ${expectedDeadline}` })
      })
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
      const began = yield* Monotonic.now
      let first: Evidence["first"]
      let found: ReadonlyMap<JobId, Side> = new Map()
      let latencyMs = 0
      for (let readings = 1; ; readings++) {
        const other = yield* otherSide(service)
        yield* checkAge(service, other)
        const last = yield* read(service.source)
        if (readings === 1) latencyMs = (yield* Monotonic.now) - began
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
      const began = yield* Monotonic.now
      const account = yield* ledger.account(service.id)
      const touched = yield* inFlight.observe(service.id)
      const findings = yield* examine(service, account, touched).pipe(
        Effect.timeoutFail({ duration: maxPass(service), onTimeout: () => ({ message: "it took too long to read" }) }),
        // What an embedder wrote may throw: that is one more way of giving no usable answer.
        Effect.catchAllDefect((defect) => Effect.zipRight(logThrown(defect), Effect.fail({ message: Foreign.thrown }))),
        Effect.either
      )
      const recordedStatus = Option.getOrElse(yield* discrepancies.lastStatus(service.id), (): PassStatus => "verified")
      const at = yield* DateTime.now
      const tookMs = (yield* Monotonic.now) - began
      const giveUp = (why: unknown) => stale(service, why, recordedStatus, at, tookMs)
      if (findings._tag === "Left") return yield* giveUp(findings.left)
      return yield* ledger
        .enter(service.id, (now) => conclude(service, now, findings.right, touched(), recordedStatus, at, acceptAs))
        .pipe(
          Effect.map(({ result }) => {
            failures.delete(service.id)
            return result
          }),
          Effect.catchAllDefect((defect) => Effect.zipRight(logThrown(defect), giveUp({ message: Foreign.thrown })))
        )
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
    why: unknown,
    recordedStatus: PassStatus,
    at: Timestamp,
    latencyMs: number
  ) =>
    Effect.gen(function* () {
      const inARow = (failures.get(service.id)?.inARow ?? 0) + 1
      const askedMs = why instanceof SourceUnavailable ? why.retryAfterMs : undefined
      failures.set(service.id, { inARow, askedMs })
      const [last] = yield* latest(service.id)
      const counts = last?.counts ?? {}
      const update: ReconciliationUpdate = {
        eventId: uuid(),
        service: service.id,
        status: "stale",
        counts,
        checksum: checksum(counts),
        latencyMs,
        observedAt: last?.observedAt ?? at,
        message: Foreign.reason(why)
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

  /** A pass whose time is noted: that of its beginning while it goes on, and then that of its end. */
  const noted = (service: RegisteredService) => {
    const beat = (isPassing: boolean) =>
      Effect.map(Monotonic.now, (since) => void beats.set(service.id, { isPassing, since }))
    return Effect.zipRight(beat(true), Effect.ensuring(passNow(service), beat(false)))
  }

  const pollOne = (service: RegisteredService) =>
    Effect.gen(function* () {
      const intervalMs = Duration.toMillis(service.pollInterval)
      // A pass that fails to be written is logged by the store; the next one tries again.
      const once = Effect.catchAllCause(noted(service), (cause) => Effect.logError("a pass was lost", cause))
      // Services that start together are not to be asked together for ever.
      const offset = (yield* Monotonic.now) + (yield* Random.nextIntBetween(1, intervalMs + 1))
      // Of its own passes: somebody who looks again and again while it is down does not make it wait for longer.
      let inARow = 0
      while (true) {
        yield* once
        const failing = failures.get(service.id)
        inARow = failing === undefined ? 0 : inARow + 1
        let now = yield* Monotonic.now
        // The tick nearest to it is meant; who asks to be left alone is, to the end.
        const slackMs = failing?.askedMs === undefined ? intervalMs - 1 : 0
        const due = now + backoffMs(intervalMs, inARow, failing?.askedMs) - slackMs
        // A tick at a time, so that it waits no longer where somebody else's pass went well meanwhile.
        do {
          yield* Effect.sleep(Duration.millis(nextTickMs(offset, intervalMs, now) - now))
          now = yield* Monotonic.now
        } while (now < due && failures.has(service.id))
      }
    }).pipe((loop) => Loop.keep(`polling ${service.id}`, loop))

  const overdue = Effect.map(Monotonic.now, (now) =>
    registry.all.flatMap((service) => {
      const beat = beats.get(service.id)
      const intervalMs = Duration.toMillis(service.pollInterval)
      const maxPassMs = Duration.toMillis(maxPass(service))
      return beat !== undefined && isOverdue(beat, { intervalMs, maxPassMs }, now) ? [service.id] : []
    })
  )

  const poll = Effect.zipRight(
    Effect.forEach(registry.all, pollOne, { concurrency: "unbounded", discard: true }),
    Effect.never
  )

  return Reconciler.of({ run, status, poll, overdue })
})

/** Over the registered services and the expected side of each. */
export const layer: Layer.Layer<
  Reconciler,
  ServiceInvalid,
  DiscrepancyLog | ExpectedState | InFlight | Ledger | ServiceRegistry | Store
> = Layer.effect(Reconciler, make)

const decodeUpdates = Schema.decodeUnknown(Schema.Array(Schema.parseJson(ReconciliationUpdate)))
