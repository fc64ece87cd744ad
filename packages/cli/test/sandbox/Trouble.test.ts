/** Each fault as Mithrandir sees it: a sandbox on a socket, the source that reads it in life, and passes over a file. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Database, type Event, JobSource, Mithrandir, Palantir, Reconciler } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import { drivers } from "../../src/Main.ts"
import { type Faults, parseLength } from "../../src/sandbox/Faults.ts"
import * as Garbage from "../../src/sandbox/Garbage.ts"
import * as Sandbox from "../../src/sandbox/Sandbox.ts"
import { ask } from "./ask.ts"

const makeFile = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "mithrandir-sandbox-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  ),
  (directory) => join(directory, "test.db")
)

/** A clock by which jobs live so many times as fast as the passes that look at them; at 0 they stand still. */
const paced = (pace: number) =>
  Effect.map(Effect.clock, (clock): Clock.Clock => {
    const start = clock.unsafeCurrentTimeMillis()
    const millis = () => Math.round(start + (clock.unsafeCurrentTimeMillis() - start) * pace)
    const nanos = () => BigInt(millis()) * 1_000_000n
    return {
      ...clock,
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      unsafeCurrentTimeNanos: nanos,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanos: Effect.sync(nanos),
      sleep: (length) => (pace === 0 ? Effect.never : clock.sleep(Duration.times(length, 1 / pace)))
    }
  })

interface Options {
  readonly faults?: Faults
  readonly requestTimeout?: Duration.DurationInput
  readonly pace?: number
}

const watched = (options: Options = {}) =>
  Effect.gen(function* () {
    const said = yield* Queue.unbounded<string>()
    const running = yield* Layer.build(
      Sandbox.layer({
        host: "127.0.0.1",
        port: 0,
        seed: 1,
        faults: options.faults ?? {},
        say: (line) => Queue.offer(said, line)
      })
    ).pipe(Effect.withClock(yield* paced(options.pace ?? 1)))
    const { jobs, url } = Context.get(running, Sandbox.Sandbox)
    const filename = yield* makeFile
    const house = yield* Mithrandir.layer({
      services: [
        {
          id: "palantir",
          type: "palantir",
          url,
          settle: "50 millis",
          source: Palantir.layer({ url, requestTimeout: options.requestTimeout ?? "3 seconds" })
        }
      ]
    }).pipe(Layer.provide(Database.layerSqlite({ filename, mode: "writer" })), Layer.provide(drivers), Layer.build)
    const reconciler = Context.get(house, Reconciler.Reconciler)
    const pass = Effect.flatMap(reconciler.run({}), ([update]) =>
      update === undefined ? Effect.dieMessage("no pass was made") : Effect.succeed(update)
    )
    const post = (body: unknown) => Effect.promise(() => ask(url, "POST", JSON.stringify(body)))
    return { jobs, url, said, pass, post }
  })

type Pass = Effect.Effect<Event.ReconciliationUpdate, unknown>

/** Passes until one ends like this: life goes on between two looks, and counts that move say nothing. */
const until = (pass: Pass, fits: (update: Event.ReconciliationUpdate) => boolean) =>
  pass.pipe(
    Effect.filterOrFail(fits, () => "not yet"),
    Effect.retry({ while: (error) => error === "not yet", schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("50 seconds")
  )

const hears = (said: Queue.Queue<string>, part: string): Effect.Effect<string> =>
  Effect.repeat(Queue.take(said), { until: (line) => line.includes(part) })

const isVerified = ({ status }: Event.ReconciliationUpdate) => status === "verified"
const isDiscrepancy = ({ status }: Event.ReconciliationUpdate) => status === "discrepancy"
const isStale = ({ status }: Event.ReconciliationUpdate) => status === "stale"

describe.concurrent("what goes wrong in a sandbox, as passes see it", { timeout: 60_000 }, () => {
  it.scopedLive("lie: its counts are disputed, no job is, and it ends when it tells the truth again", () =>
    Effect.gen(function* () {
      // Counts that move while the jobs are read say nothing: on a slow machine ordinary life would drown the lie.
      const { jobs, pass, post, said } = yield* watched({ pace: 0.1 })
      assert.isTrue((yield* pass).rebaselined)
      yield* post({ now: "lie", for: "10m" })
      const { discrepancyDetails } = yield* until(pass, isDiscrepancy)
      const { failed } = yield* jobs.counts
      assert.deepStrictEqual(discrepancyDetails?.changedCounts, [
        { state: "failed", expected: failed, actual: failed + 3 }
      ])
      assert.deepStrictEqual(discrepancyDetails?.missingJobIds, [])
      assert.deepStrictEqual(discrepancyDetails?.changedJobs, [])
      yield* post({ now: "lie", for: "100ms" })
      yield* hears(said, "tells the truth again")
      const after = yield* until(pass, isVerified)
      assert.deepInclude(after.discrepancyDetails?.ended?.[0], { id: "failed", by: "agreement" })
    })
  )

  it.scopedLive("revive: the job is named, and the dispute ends when it has completed again", () =>
    Effect.gen(function* () {
      const { pass, post } = yield* watched({ pace: 2 })
      yield* pass
      const { done = "" } = (yield* post({ now: "revive" })).body
      const id = /^job (\S+) \(completed in media\) is waiting again, though nobody retried it$/.exec(done)?.[1] ?? ""
      const { discrepancyDetails } = yield* until(pass, isDiscrepancy)
      assert.deepInclude(discrepancyDetails?.changedJobs[0], { id, expected: "completed" })
      assert.deepStrictEqual(discrepancyDetails?.missingJobIds, [])
      const after = yield* until(pass, isVerified)
      assert.deepInclude(after.discrepancyDetails?.ended?.[0], { id, by: "agreement" })
    })
  )

  it.scopedLive("vanish: that job is missing", () =>
    Effect.gen(function* () {
      const { pass, post } = yield* watched()
      const lost = yield* Effect.repeat(Effect.zipLeft(post({ now: "vanish" }), Effect.ignore(pass)), {
        until: ({ status }) => status === 200
      })
      const [, id = ""] = /^lost job (\S+) \(\S+ in \S+\) without a trace$/.exec(lost.body.done ?? "") ?? []
      const { discrepancyDetails } = yield* until(pass, isDiscrepancy)
      assert.deepStrictEqual(discrepancyDetails?.missingJobIds, [id])
    })
  )

  it.scopedLive("vanish: refused while no job has waited long enough to be missed, and then nothing is set", () =>
    Effect.gen(function* () {
      const { post } = yield* watched({ pace: 0 })
      const early = yield* post({ now: "vanish", down: "1h" })
      assert.strictEqual(early.status, 409)
      assert.strictEqual(early.body.problem, "no job is fit for vanish yet; try again in a few seconds")
      assert.deepStrictEqual((yield* post({})).body.set, {})
    })
  )

  it.scopedLive("slow, within the source's patience: verified, and the latency tells", () =>
    Effect.gen(function* () {
      const { pass, post, said } = yield* watched()
      yield* pass
      yield* post({ slowBy: "300ms", now: "slow", for: "10m" })
      const slow = yield* pass
      assert.strictEqual(slow.status, "verified")
      // The counts, a page of jobs, and the counts again.
      assert.isAtLeast(slow.latencyMs, 890)
      yield* post({ now: "slow", for: "100ms" })
      yield* hears(said, "as fast as before")
      yield* until(pass, ({ latencyMs }) => latencyMs < 890)
    })
  )

  for (const [fault, body] of [
    ["slow, beyond the source's patience", { slowBy: "2s", now: "slow", for: "10m" }],
    ["hang", { now: "hang", for: "10m" }]
  ] as const) {
    it.scopedLive(`${fault}: cut by the source's timeout; stale, nothing missing, and then verified again`, () =>
      Effect.gen(function* () {
        const { pass, post } = yield* watched({ requestTimeout: "300 millis" })
        const before = yield* pass
        yield* post(body)
        const stale = yield* until(pass, isStale)
        assert.strictEqual(stale.message, "it did not answer in time")
        assert.deepStrictEqual(stale.counts, before.counts)
        assert.isUndefined(stale.discrepancyDetails)
        yield* post({ now: body.now, for: "100ms" })
        assert.isUndefined((yield* until(pass, isVerified)).discrepancyDetails)
      })
    )
  }

  it.scopedLive("garbage: every kind of nonsense is stale, nothing is missing, and then verified again", () =>
    Effect.gen(function* () {
      // The endless one takes its time, and is to be refused for its size.
      const { pass, post, said } = yield* watched({ requestTimeout: "20 seconds" })
      const before = yield* pass
      yield* post({ now: "garbage", for: "10m" })
      const messages: Array<string | undefined> = []
      for (const _ of Garbage.all) {
        const stale = yield* pass
        assert.strictEqual(stale.status, "stale")
        assert.deepStrictEqual(stale.counts, before.counts)
        assert.isUndefined(stale.discrepancyDetails)
        messages.push(stale.message)
      }
      assert.deepStrictEqual(messages, [
        "its answer does not fit the contract: not the JSON that was expected",
        "its answer does not fit the contract: an unexpected value at counts.waiting",
        "it answered with status 500",
        "the connection broke",
        `its answer does not fit the contract: more than ${JobSource.maxAnswerBytes} bytes`,
        "its answer does not fit the contract: not the JSON that was expected"
      ])
      yield* post({ now: "garbage", for: "100ms" })
      yield* hears(said, "talks sense again")
      assert.isUndefined((yield* until(pass, isVerified)).discrepancyDetails)
    })
  )

  it.scopedLive("down: stale, nothing missing, and then verified again", () =>
    Effect.gen(function* () {
      const { pass, post, said } = yield* watched()
      const before = yield* pass
      yield* post({ now: "down", for: "10m" })
      const stale = yield* until(pass, isStale)
      assert.deepStrictEqual(stale.counts, before.counts)
      yield* post({ now: "down", for: "100ms" })
      yield* hears(said, "up again")
      assert.isUndefined((yield* until(pass, isVerified)).discrepancyDetails)
    })
  )

  it.scopedLive("what is set recurs, and does no more once it is set to none", () =>
    Effect.gen(function* () {
      const every = parseLength("300ms")
      const { post, said } = yield* watched({ faults: every === undefined ? {} : { lie: every, lieFor: every } })
      for (let round = 0; round < 2; round += 1) {
        yield* hears(said, "lies for 300ms")
        yield* hears(said, "tells the truth again")
      }
      yield* post({ lie: "none", slow: "300ms", slowFor: "200ms" })
      yield* Queue.takeAll(said)
      const heard: Array<string> = []
      while (heard.length < 6) heard.push(yield* Queue.take(said))
      // One that was going on then may still end.
      assert.notInclude(heard.join("\n"), "lies for")
    })
  )
})
