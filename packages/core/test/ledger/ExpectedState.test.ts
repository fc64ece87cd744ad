import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as ExpectedState from "../../src/ledger/ExpectedState.ts"
import type { Job } from "../../src/model/Job.ts"
import { type JobCounts, type JobView, noJobs, tally } from "../../src/model/JobView.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { layerHouse, makeFile, query, service } from "../support/house.ts"

type Definition = Parameters<typeof service>[1]

/** A service `mail` whose expected side is a cache of the test's own, and a service `print` that the cache does not know. */
const begun = (definition: Definition = {}, { canList = true }: { readonly canList?: boolean } = {}) =>
  Effect.gen(function* () {
    const memory = yield* MemorySource.make
    const other = yield* MemorySource.make
    yield* memory.control.put({ id: "a" }, { id: "b", state: "completed" })
    yield* other.control.put({ id: "p" })
    let believed: Effect.Effect<
      Option.Option<Omit<JobView, "asOf">>,
      ExpectedState.ExpectedUnavailable
    > = Effect.succeedNone
    const expected = ExpectedState.layer({
      mail: Effect.suspend(() =>
        Effect.zipWith(DateTime.now, believed, (asOf, view) =>
          Option.isOption(view) ? Option.map(view, (it): JobView => it && { asOf, ...it }) : view
        )
      )
    })
    const { jobs: _, ...counting } = memory.source
    const mail = canList ? memory : { ...memory, source: counting }
    const file = yield* makeFile
    const context = yield* Layer.build(
      layerHouse(file, [service(mail, definition), service(other, { id: "print" })], { expected })
    )
    const reconciler = yield* Effect.provide(Reconciler, context)
    const pass = (id = "mail") =>
      Effect.flatMap(reconciler.run({ service: id }), ([update]) =>
        update === undefined ? Effect.die("no update") : Effect.succeed(update)
      )
    const believe = (view: typeof believed) => {
      believed = view
    }
    return {
      ...memory,
      other,
      file,
      pass,
      believe,
      believeJobs: (...jobs: ReadonlyArray<Omit<Job, "queue">>) => {
        const byId = new Map(jobs.map((job) => [job.id, { queue: "default", ...job }]))
        believe(Effect.succeedSome({ counts: tally(byId.values()), jobs: byId }))
      },
      believeCounts: (counts: JobCounts) => believe(Effect.succeedSome({ counts }))
    }
  })

const truth: ReadonlyArray<Omit<Job, "queue">> = [
  { id: "a", state: "waiting" },
  { id: "b", state: "completed" }
]

describe("an expected side of an embedder's, with jobs", () => {
  it.scoped("accuses, in a lifecycle, of what no ordinary life of a job explains", () =>
    Effect.gen(function* () {
      const { believeJobs, file, pass } = yield* begun()
      believeJobs(...truth)
      const agreed = yield* pass()
      assert.strictEqual(agreed.status, "verified")
      assert.isUndefined(agreed.rebaselined)
      // A cache that lags behind is explained; one that knows a job that is not there is not.
      believeJobs({ id: "a", state: "delayed" })
      assert.strictEqual((yield* pass()).status, "verified")
      believeJobs(...truth, { id: "lost", state: "waiting" })
      const found = yield* pass()
      assert.strictEqual(found.status, "discrepancy")
      assert.deepStrictEqual(found.discrepancyDetails?.missingJobIds, ["lost"])
      // The cache was corrected: the sides agree again, and nothing of ours did it.
      believeJobs(...truth)
      const ended = yield* pass()
      assert.strictEqual(ended.status, "verified")
      assert.deepStrictEqual(
        ended.discrepancyDetails?.ended?.map(({ by, id }) => [id, by]),
        [["lost", "agreement"]]
      )
      assert.strictEqual(query(file, "SELECT * FROM discrepancy_event").length, 2)
      // The ledger has nothing of it.
      assert.deepStrictEqual(query(file, "SELECT * FROM ledger_job WHERE service = 'mail'"), [])
    })
  )

  it.scoped("accuses, when strict, of every difference but finished jobs leaving", () =>
    Effect.gen(function* () {
      const { believeJobs, control, pass } = yield* begun({ expectation: "strict" })
      believeJobs(...truth, { id: "c", state: "failed" })
      assert.strictEqual((yield* pass()).status, "verified")
      believeJobs({ id: "a", state: "active" })
      const found = yield* pass()
      assert.deepStrictEqual(found.discrepancyDetails?.unexpectedJobIds, ["b"])
      assert.deepStrictEqual(found.discrepancyDetails?.changedJobs, [
        { id: "a", expected: "active", actual: "waiting" }
      ])
      // The system came round to what was believed.
      yield* control.put({ id: "a", state: "active" })
      yield* control.remove("b")
      const ended = yield* pass()
      assert.strictEqual(ended.status, "verified")
      assert.deepStrictEqual(
        ended.discrepancyDetails?.ended?.map(({ by, id }) => [id, by]),
        [
          ["a", "agreement"],
          ["b", "agreement"]
        ]
      )
    })
  )

  it.scoped("is compared with a system that only counts by its counts", () =>
    Effect.gen(function* () {
      const { believeJobs, pass } = yield* begun({}, { canList: false })
      believeJobs(...truth)
      const agreed = yield* pass()
      assert.strictEqual(agreed.status, "verified")
      assert.isUndefined(agreed.basis)
      believeJobs(...truth, { id: "lost", state: "waiting" })
      assert.deepStrictEqual((yield* pass()).discrepancyDetails?.changedCounts, [
        { state: "waiting", expected: 2, actual: 1 }
      ])
    })
  )
})

describe("an expected side of an embedder's, with counts alone", () => {
  for (const expectation of ["lifecycle", "strict"] as const) {
    for (const canList of [true, false]) {
      it.scoped(`accuses by counts: ${expectation}, of a system that ${canList ? "lists" : "counts"}`, () =>
        Effect.gen(function* () {
          const { believeCounts, control, pass } = yield* begun({ expectation }, { canList })
          believeCounts({ ...noJobs, waiting: 1, completed: 1 })
          assert.strictEqual((yield* pass()).status, "verified")
          yield* control.put({ id: "new" })
          const found = yield* pass()
          assert.strictEqual(found.status, "discrepancy")
          assert.deepStrictEqual(found.discrepancyDetails?.changedCounts, [
            { state: "waiting", expected: 1, actual: 2 }
          ])
          assert.deepStrictEqual(found.counts, { ...noJobs, waiting: 2, completed: 1 })
          believeCounts({ ...noJobs, waiting: 2, completed: 1 })
          assert.strictEqual((yield* pass()).status, "verified")
          // Finished jobs may leave.
          yield* control.remove("b")
          assert.strictEqual((yield* pass()).status, "verified")
        })
      )
    }
  }
})

describe("a service that an embedder's expected side does not know", () => {
  it.scoped("has the ledger for its expected side", () =>
    Effect.gen(function* () {
      const { other, pass } = yield* begun()
      assert.strictEqual((yield* pass("print")).rebaselined, true)
      yield* other.control.remove("p")
      assert.deepStrictEqual((yield* pass("print")).discrepancyDetails?.missingJobIds, ["p"])
    })
  )

  it("is not known by a name that every object has", () => {
    const of = (service: string) =>
      Effect.runSync(
        Effect.provide(
          Effect.map(ExpectedState.ExpectedState, (expected) => expected.of(service)),
          ExpectedState.layer({ mail: Effect.succeedNone })
        )
      )
    assert.isTrue(Option.isNone(of("constructor")))
    assert.isTrue(Option.isSome(of("mail")))
  })
})

describe("an expected side that cannot be told", () => {
  it.scoped("verifies nothing while there is nothing to believe, and takes what is there as found", () =>
    Effect.gen(function* () {
      const { pass } = yield* begun()
      assert.deepInclude(yield* pass(), { status: "verified", rebaselined: true })
    })
  )

  it.scoped("is stale with the reason where it fails, throws, counts nonsense or does not answer", () =>
    Effect.gen(function* () {
      const { believe, believeCounts, pass } = yield* begun()
      const stale = (pattern: RegExp) =>
        Effect.map(pass(), ({ message, status }) => {
          assert.strictEqual(status, "stale")
          assert.match(message ?? "", pattern)
        })
      believe(new ExpectedState.ExpectedUnavailable({ problem: "the cache is down" }))
      yield* stale(/the cache is down/)
      believe(Effect.die(new Error("hush")))
      yield* stale(/should not; see the server's log/)
      believeCounts({ ...noJobs, waiting: Number.NaN })
      yield* stale(/counts must be whole numbers/)
      believe(Effect.fail("text" as never))
      yield* stale(/should not; see the server's log/)
      believe(Effect.interrupt)
      yield* stale(/should not; see the server's log/)
      believe(Effect.never)
      const waiting = yield* Effect.fork(stale(/did not answer within 10 seconds/))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(waiting)
      believeCounts({ ...noJobs, waiting: 1, completed: 1 })
      assert.strictEqual((yield* pass()).status, "verified")
    })
  )
})

describe("an expected side of a wrong shape", () => {
  const now = DateTime.unsafeMake(0)
  const counts = { ...noJobs, waiting: 1 }
  const views: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    [
      "gives a state that there is not",
      { asOf: now, counts, jobs: new Map([["a", { id: "a", queue: "q", state: "paused" }]]) },
      /usable id, queue or state/
    ],
    [
      "gives a job without a queue",
      { asOf: now, counts, jobs: new Map([["a", { id: "a", state: "waiting" }]]) },
      /usable id, queue or state/
    ],
    ["gives no job at all", { asOf: now, counts, jobs: new Map([["a", null]]) }, /usable id, queue or state/],
    [
      "has numbers for keys",
      { asOf: now, counts, jobs: new Map([[7, { id: "7", queue: "q", state: "waiting" }]]) },
      /another key than its id/
    ],
    [
      "has numbers for ids",
      { asOf: now, counts, jobs: new Map([[7, { id: 7, queue: "q", state: "waiting" }]]) },
      /usable id, queue or state/
    ],
    ["is no Map", { asOf: now, counts, jobs: { a: { id: "a", queue: "q", state: "waiting" } } }, /must be a Map/],
    [
      "is a list",
      { asOf: now, counts, jobs: [{ id: "a", queue: "q", state: "waiting" }] },
      /usable id, queue or state/
    ],
    ["is of a Date", { asOf: new Date(-7_200_000), counts }, /must be a DateTime in UTC/],
    ["is of no time", { asOf: undefined, counts }, /must be a DateTime in UTC/],
    ["counts nothing", { asOf: now, jobs: new Map() }, /whole numbers/],
    ["is nothing", null, /no view/]
  ]
  for (const expectation of ["lifecycle", "strict"] as const) {
    it.scoped(`is stale with the reason, and hides no difference: ${expectation}`, () =>
      Effect.gen(function* () {
        const { believe, believeJobs, file, pass } = yield* begun({ expectation })
        for (const [what, view, pattern] of views) {
          believe(Effect.succeedSome(view as JobView))
          const update = yield* pass()
          assert.strictEqual(update.status, "stale", what)
          assert.match(update.message ?? "", pattern, what)
        }
        believe(Effect.succeed({ counts } as never))
        assert.match((yield* pass()).message ?? "", /no Option/)
        assert.deepStrictEqual(query(file, "SELECT status FROM discrepancy_event"), [{ status: "stale" }])
        believeJobs(...truth, { id: "lost", state: "waiting" })
        assert.strictEqual((yield* pass()).status, "discrepancy")
      })
    )
  }

  it.scoped("is refused at start where it is for no service that there is", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const expected = ExpectedState.layer({ mail: Effect.succeedNone, mial: Effect.succeedNone })
      const house = layerHouse(yield* makeFile, [service(memory)], { expected })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(house)))
      assert.deepInclude(error, { _tag: "ServiceInvalid", service: "mial" })
      assert.include(error.message, 'service "mial": an expected side is given for it')
      assert.include(error.message, "known: mail")
    })
  )
})

describe("an expected side that needs something of its own", () => {
  it.scoped("is given it by whoever provides the house, and its failures to start are the house's", () =>
    Effect.gen(function* () {
      class CacheMissing extends Schema.TaggedError<CacheMissing>()("CacheMissing", {}) {}
      /** A cache in a database of its own, as any application may have one. */
      const expected = Layer.effect(
        ExpectedState.ExpectedState,
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const tables = yield* Effect.orDie(sql`SELECT 1 FROM sqlite_master WHERE name = 'cached_job'`)
          if (tables.length === 0) return yield* new CacheMissing()
          const view = Effect.gen(function* () {
            const rows = yield* sql<{ id: string; state: Job["state"] }>`SELECT id, state FROM cached_job`
            const jobs = new Map(rows.map(({ id, state }) => [id, { id, state, queue: "default" }]))
            return Option.some({ asOf: yield* DateTime.now, counts: tally(jobs.values()), jobs })
          }).pipe(Effect.mapError(() => new ExpectedState.ExpectedUnavailable({ problem: "no answer" })))
          return { of: (id) => (id === "mail" ? Option.some(view) : Option.none()) }
        })
      )
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "a" })
      const file = yield* makeFile
      const cache = yield* SqliteClient.make({ filename: `${file}.cache` }).pipe(Effect.provide(Reactivity.layer))
      const house = layerHouse(file, [service(memory, { expectation: "strict" })], { expected }).pipe(
        Layer.provide(Layer.succeed(SqlClient.SqlClient, cache))
      )
      const missing = yield* Effect.flip(Effect.scoped(Layer.build(house)))
      assert.strictEqual(missing._tag, "CacheMissing")

      yield* cache`CREATE TABLE cached_job (id TEXT PRIMARY KEY, state TEXT NOT NULL)`
      yield* cache`INSERT INTO cached_job VALUES ('a', 'waiting'), ('stale', 'waiting')`
      const pass = Effect.flatMap(Reconciler, (reconciler) => reconciler.run({}))
      yield* Effect.gen(function* () {
        const [found] = yield* pass
        assert.deepStrictEqual(found?.discrepancyDetails?.missingJobIds, ["stale"])
        yield* cache`DELETE FROM cached_job WHERE id = 'stale'`
        assert.strictEqual((yield* pass)[0]?.status, "verified")
        yield* cache`DROP TABLE cached_job`
        assert.strictEqual((yield* pass)[0]?.status, "stale")
      }).pipe(Effect.provide(house))
    })
  )
})
