/** The last explained state of every service, with its open disputes: in SQL, mirrored in memory by the one writer. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { CommandIdTaken } from "../model/Command.ts"
import type { Event } from "../model/Event.ts"
import { type Job, type JobId, JobState } from "../model/Job.ts"
import { JobCounts } from "../model/JobView.ts"
import { type Adoption, type Dispute, same, subject } from "../model/Judgement.ts"
import type { ServiceId } from "../model/Service.ts"
import { FromSql, type Timestamp } from "../model/Timestamp.ts"
import { type Change, Write } from "../storage/Change.ts"
import { Store, StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"

/** What is written of one service. */
export interface Account {
  /** When the last good reading began, and what it counted; none before the first. */
  readonly read: Option.Option<{ readonly asOf: Timestamp; readonly counts: JobCounts }>
  readonly jobs: ReadonlyMap<JobId, Job>
  readonly disputes: ReadonlyArray<Dispute>
}

/** What an account learns, and what else is committed with it. */
export interface Entry<A> {
  readonly adoptions: ReadonlyArray<Adoption>
  readonly read: Account["read"]
  /** The disputes that are open from now on; none: as they were. */
  readonly disputes: Option.Option<ReadonlyArray<Dispute>>
  readonly change: Change
  readonly result: A
}

export class Ledger extends Context.Tag("@mithrandir/core/Ledger")<
  Ledger,
  {
    /** The account of a service as of now. It is the living one: it changes under whoever keeps it. */
    readonly account: (service: ServiceId) => Effect.Effect<Account, StoreUnreadable | StoreUnavailable>
    /**
     * Decides on an account and commits what was decided, as one step: nobody else changes the account in between.
     * The decision is plain: it cannot wait.
     */
    readonly enter: <A>(
      service: ServiceId,
      decide: (account: Account) => Entry<A>
    ) => Effect.Effect<
      { readonly result: A; readonly events: ReadonlyArray<Event> },
      StoreUnreadable | StoreUnavailable | CommandIdTaken
    >
  }
>() {}

interface Mirror {
  read: Account["read"]
  readonly jobs: Map<JobId, Job>
  disputes: ReadonlyArray<Dispute>
}

const make = Effect.gen(function* () {
  const store = yield* Store
  const mirrors = new Map<ServiceId, Mirror>()
  const entering = yield* Effect.makeSemaphore(1)

  const load = (service: ServiceId) =>
    store.read((sql) =>
      Effect.gen(function* () {
        const [head] = yield* decodeHeads(yield* sql`SELECT as_of, counts_json FROM ledger WHERE service = ${service}`)
        const jobs = yield* decodeJobs(
          yield* sql`SELECT id, queue, state, leaves FROM ledger_job WHERE service = ${service}`
        )
        const disputes = yield* decodeDisputes(
          yield* sql`SELECT kind, id, expected, actual, since FROM dispute WHERE service = ${service}`
        )
        const mirror: Mirror = {
          read: Option.map(Option.fromNullable(head), (row) => ({ asOf: row.as_of, counts: row.counts_json })),
          jobs: new Map(jobs.map(({ leaves, ...job }) => [job.id, leaves ? { ...job, leaves } : job])),
          disputes
        }
        return mirror
      })
    )

  const mirrorOf = (service: ServiceId) =>
    Effect.gen(function* () {
      const known = mirrors.get(service)
      if (known !== undefined) return known
      // Before this process is the writer somebody else changes what would be mirrored.
      if (!(yield* store.isWriter)) return yield* new StoreUnavailable({ reason: "standby" })
      const mirror = yield* load(service)
      mirrors.set(service, mirror)
      return mirror
    })

  const account = Effect.fn("Ledger.account")((service: ServiceId) => entering.withPermits(1)(mirrorOf(service)))

  const enter = <A>(service: ServiceId, decide: (account: Account) => Entry<A>) =>
    Effect.gen(function* () {
      const mirror = yield* mirrorOf(service)
      const { adoptions, change, disputes, read, result } = decide(mirror)
      const now = Option.getOrElse(disputes, () => mirror.disputes)
      const events = yield* store.commit({
        writes: [...writes(service, mirror.disputes, now, adoptions, read), ...change.writes],
        events: change.events
      })
      for (const { id, to } of adoptions) {
        if (to === undefined) mirror.jobs.delete(id)
        else mirror.jobs.set(id, to)
      }
      mirror.disputes = now
      if (Option.isSome(read)) mirror.read = read
      return { result, events }
    }).pipe(entering.withPermits(1), Effect.uninterruptible, Effect.withSpan("Ledger.enter"))

  return Ledger.of({ account, enter })
})

export const layer: Layer.Layer<Ledger, never, Store> = Layer.effect(Ledger, make)

const writes = (
  service: ServiceId,
  before: ReadonlyArray<Dispute>,
  now: ReadonlyArray<Dispute>,
  adoptions: ReadonlyArray<Adoption>,
  read: Account["read"]
): ReadonlyArray<Write> => {
  const { ended, open } = changed(before, now)
  return [
    ...(adoptions.length === 0 ? [] : [Write.LedgerAdopted({ service, adoptions })]),
    ...Option.toArray(Option.map(read, (reading) => Write.LedgerRead({ service, ...reading }))),
    ...(open.length + ended.length === 0 ? [] : [Write.DisputesChanged({ service, open, ended })])
  ]
}

/** Which disputes are new or say something else than before, and which are over. */
export const changed = (before: ReadonlyArray<Dispute>, now: ReadonlyArray<Dispute>) => {
  const known = new Map(before.map((dispute) => [subject(dispute), dispute]))
  const open = now.filter((dispute) => {
    const then = known.get(subject(dispute))
    return then === undefined || !same(then, dispute)
  })
  const still = new Set(now.map(subject))
  return { open, ended: before.filter((dispute) => !still.has(subject(dispute))) }
}

const decodeHeads = Schema.decodeUnknown(
  Schema.Array(Schema.Struct({ as_of: FromSql, counts_json: Schema.parseJson(JobCounts) }))
)

const decodeJobs = Schema.decodeUnknown(
  Schema.Array(
    Schema.Struct({
      id: Schema.String,
      queue: Schema.String,
      state: JobState,
      leaves: Schema.transform(Schema.Number, Schema.Boolean, { strict: true, decode: Boolean, encode: Number })
    })
  )
)

const Side = Schema.Union(JobState, Schema.Literal("absent"))
const decodeDisputes = Schema.decodeUnknown(
  Schema.Array(
    Schema.Union(
      Schema.Struct({ kind: Schema.Literal("job"), id: Schema.String, expected: Side, actual: Side, since: FromSql }),
      Schema.Struct({
        kind: Schema.Literal("count"),
        id: JobState,
        expected: Schema.NumberFromString,
        actual: Schema.NumberFromString,
        since: FromSql
      })
    )
  )
)
