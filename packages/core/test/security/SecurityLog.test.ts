import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { type Incident, SecurityEvent } from "../../src/model/SecurityEvent.ts"
import * as SecurityLog from "../../src/security/SecurityLog.ts"
import { accept, client, open, opened, type Row, refuse, rowsOf } from "../support/security.ts"

const knock = (address = "10.0.0.1", fields: Partial<Incident> = {}): Incident => ({
  kind: "unauthenticated",
  address,
  request: "GET /audit",
  ...fields
})

/** So many that differ, from so many addresses. */
const knocks = (count: number, from = 0) => Array.from({ length: count }, (_, index) => knock(`a-${from + index}`))

const total = (rows: ReadonlyArray<Row>) => rows.reduce((sum, { count }) => sum + count, 0)

/** Runs it to its end where it waits for a clock that only the test moves. */
const waitingFor = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* Effect.repeat(TestClock.adjust("50 millis"), { until: () => fiber.unsafePoll() !== null })
    return yield* Fiber.join(fiber)
  })

describe("what is noted", () => {
  it.scoped("is written when it is flushed, with everything that is known of it", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const whole = {
        kind: "forbidden",
        actor: "token:ann",
        address: "::1",
        request: "POST /commands",
        detail: "viewer"
      }
      log.note(whole as Incident, Date.UTC(2026, 0, 2, 3, 4, 5, 6))
      log.note({ kind: "refused" }, Date.UTC(2026, 0, 2, 3, 4, 5, 7))
      assert.deepStrictEqual(rowsOf(file), [])
      yield* log.flush
      const [first, second] = rowsOf(file)
      assert.deepInclude(first, { ...whole, count: 1, timestamp: "2026-01-02 03:04:05.006" })
      const nothing = { actor: null, address: null, request: null, detail: null }
      assert.deepInclude(second, { ...nothing, kind: "refused", count: 1, timestamp: "2026-01-02 03:04:05.007" })
      const { data } = yield* log.page(Schema.decodeSync(SecurityLog.SecurityQuery)({}))
      assert.deepStrictEqual(
        data.map((event) => Schema.encodeSync(SecurityEvent)(event)),
        [second, first].map((row) => ({
          ...(row as Row),
          kind: row?.kind as SecurityEvent["kind"],
          timestamp: `${row?.timestamp.replace(" ", "T")}Z`
        }))
      )
      // Once.
      yield* log.flush
      assert.lengthOf(rowsOf(file), 2)
    })
  )

  it.scoped("is one row where the same happened many times, with how often and when last", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      for (let again = 0; again < 500; again++) log.note(knock(), 1_000 + again)
      log.note(knock(undefined, { actor: null }), 1_500)
      const others = [
        { kind: "forbidden" },
        { actor: "ann" },
        { request: "GET /audit/" },
        { detail: "expired" }
      ] as const
      for (const other of others) log.note(knock(undefined, other), 2_000)
      log.note(knock("10.0.0.2"), 2_000)
      yield* log.flush
      const rows = rowsOf(file)
      assert.deepInclude(rows[0], { count: 501, timestamp: "1970-01-01 00:00:01.500" })
      assert.deepStrictEqual(
        rows.slice(1).map(({ count }) => count),
        [1, 1, 1, 1, 1]
      )
      // The same after it was written is another row: what is written is not changed any more.
      log.note(knock(), 3_000)
      yield* log.flush
      assert.deepInclude(rowsOf(file).at(-1), { address: "10.0.0.1", count: 1, timestamp: "1970-01-01 00:00:03.000" })
      assert.lengthOf(rowsOf(file), 7)
    })
  )

  it.scoped("is cut where it is long, and then is the same where what is left of it is", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const long = "x".repeat(5_000)
      const fields = { actor: long, address: long, request: long, detail: long }
      log.note({ kind: "refused", ...fields }, 0)
      log.note({ kind: "refused", ...fields, request: `${long}y` }, 0)
      log.note({ kind: "refused", request: "x".repeat(256) }, 1)
      log.note({ kind: "refused", request: "x".repeat(257) }, 2)
      yield* log.flush
      const cut = `${"x".repeat(256)}…`
      const [first, ...rest] = rowsOf(file)
      assert.deepInclude(first, { actor: cut, address: cut, request: cut, detail: cut, count: 2 })
      assert.deepStrictEqual(
        rest.map(({ request }) => request),
        ["x".repeat(256), cut]
      )
    })
  )

  it.scoped("costs a hundred rows at once, and of what is more only the number is kept", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      for (const one of knocks(5_000)) log.note(one, 0)
      // What has a row already is counted there.
      log.note(knock("a-7"), 0)
      yield* TestClock.adjust("1 second")
      yield* log.flush
      const rows = rowsOf(file)
      assert.lengthOf(rows, 101)
      assert.strictEqual(rows.find(({ address }) => address === "a-7")?.count, 2)
      assert.deepInclude(rows.at(-1), { kind: "suppressed", count: 4_900, timestamp: "1970-01-01 00:00:01.000" })
      assert.deepInclude(rows.at(-1), { actor: null, address: null, request: null, detail: null })
      // Nothing is left to be told.
      yield* log.flush
      assert.lengthOf(rowsOf(file), 101)
    })
  )

  it.scoped("costs one row every two seconds as an attack goes on, beside one a minute that counts the rest", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const seconds = 120
      for (let second = 0; second < seconds; second++) {
        for (const one of knocks(200, 200 * second)) log.note(one, 1_000 * second)
        yield* TestClock.adjust("1 second")
        if (second % 2 === 1) yield* log.flush
      }
      const rows = rowsOf(file)
      const [told, suppressed] = [
        rows.filter(({ kind }) => kind !== "suppressed"),
        rows.filter(({ kind }) => kind === "suppressed")
      ]
      assert.strictEqual(told.length, 100 + Math.floor((seconds - 1) / 2))
      assert.strictEqual(suppressed.length, seconds / 60)
      // What was counted since the last minute is written where it is the last that is.
      yield* log.drain
      assert.strictEqual(total(rowsOf(file)), 200 * seconds)
      assert.strictEqual(rowsOf(file).length, rows.length + 1)
      // At rest again, there is room for a hundred.
      for (const one of knocks(100)) log.note(one, 1_000 * (seconds + 200))
      yield* log.flush
      assert.strictEqual(rowsOf(file).length, rows.length + 1 + 100)
    })
  )

  it.scoped("has room of its own for those who are known by name, whatever noise others make", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      for (const one of knocks(5_000)) log.note(one, 0)
      const forbidden = knock("10.0.0.1", { kind: "forbidden", actor: "ann", request: "POST /security/tokens" })
      log.note(forbidden, 0)
      yield* log.flush
      assert.lengthOf(
        rowsOf(file).filter(({ actor }) => actor === "ann"),
        1
      )
      // And no more than as much.
      for (let n = 0; n < 500; n++) log.note({ ...forbidden, request: `POST /${n}` }, 0)
      yield* log.drain
      assert.lengthOf(
        rowsOf(file).filter(({ actor }) => actor === "ann"),
        100
      )
    })
  )

  it.scoped("has no token in it that strayed there", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const token = `mth_0123456789abcdef_${"A1b-_".repeat(8)}xyz`
      log.note(knock("10.0.0.1", { request: `GET /commands/${token}/${token}`, detail: `not ${token}` }), 0)
      yield* log.flush
      const [row] = rowsOf(file)
      assert.deepInclude(row, {
        request: "GET /commands/mth_0123456789abcdef_…/mth_0123456789abcdef_…",
        detail: "not mth_0123456789abcdef_…"
      })
    })
  )

  it.scoped("has room again where the clock was set back", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      for (const one of knocks(200)) log.note(one, 1_000_000_000)
      yield* log.flush
      for (const one of knocks(50)) log.note(one, 0)
      yield* log.flush
      assert.lengthOf(
        rowsOf(file).filter(({ timestamp }) => timestamp === "1970-01-01 00:00:00.000"),
        51
      )
    })
  )
})

describe("a flush that fails", () => {
  it.scoped("loses nothing: it is written with the next, and counted where the same happened again", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const db = yield* client(file)
      for (const one of knocks(130)) log.note(one, 1_000)
      refuse(db, "INSERT", "security_event")
      assert.deepInclude(yield* Effect.flip(log.flush), { _tag: "StoreUnavailable", reason: "failed" })
      // The same again, some of it twice, and something else.
      for (const one of [...knocks(2), ...knocks(1)]) log.note(one, 4_000)
      log.note(knock("new"), 5_000)
      assert.deepInclude(yield* Effect.flip(log.flush), { _tag: "StoreUnavailable", reason: "failed" })
      accept(db)
      assert.deepStrictEqual(rowsOf(file), [])

      yield* log.flush
      const rows = rowsOf(file)
      const countOf = (address: string) => rows.find((row) => row.address === address)
      assert.deepInclude(countOf("a-0"), { count: 3, timestamp: "1970-01-01 00:00:04.000" })
      assert.deepInclude(countOf("a-1"), { count: 2, timestamp: "1970-01-01 00:00:04.000" })
      assert.deepInclude(countOf("a-2"), { count: 1, timestamp: "1970-01-01 00:00:01.000" })
      assert.deepInclude(countOf("new"), { count: 1, timestamp: "1970-01-01 00:00:05.000" })
      assert.lengthOf(rows, 100 + 1 + 1)
      assert.strictEqual(total(rows), 130 + 3 + 1)
      assert.strictEqual(new Set(rows.map(({ id }) => id)).size, rows.length)
    })
  )

  it.scoped("loses nothing of what happens while it tries", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const db = yield* client(file)
      db.exec("BEGIN IMMEDIATE")
      for (const address of ["a", "b", "b"]) log.note(knock(address), 0)
      for (const one of knocks(102)) log.note(one, 0)
      const flushing = yield* Effect.fork(log.flush)
      yield* TestClock.adjust("50 millis")
      assert.isNull(flushing.unsafePoll())
      for (const address of ["b", "b"]) log.note(knock(address), 4_500)
      for (const one of knocks(3, 1_000)) log.note(one, 4_500)
      assert.deepInclude(yield* Effect.flip(waitingFor(Fiber.join(flushing))), { reason: "busy" })
      db.exec("ROLLBACK")
      yield* log.flush
      const found = Object.fromEntries(rowsOf(file).map(({ address, count, kind }) => [address ?? kind, count]))
      // Of the 102 there was room for 98, and later for two: one more of b, and one of the three.
      assert.deepInclude(found, { a: 1, b: 4, "a-0": 1, "a-97": 1, "a-1000": 1, suppressed: 4 + 2 })
      assert.lengthOf(Object.keys(found), 2 + 98 + 1 + 1)
    })
  )

  it.scoped("loses nothing either where whoever flushed is interrupted meanwhile", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const db = yield* client(file)
      db.exec("BEGIN IMMEDIATE")
      log.note(knock(), 0)
      const flushing = yield* Effect.fork(log.flush)
      yield* TestClock.adjust("50 millis")
      assert.isNull(flushing.unsafePoll())
      yield* waitingFor(Fiber.interrupt(flushing))
      db.exec("ROLLBACK")
      assert.lengthOf(rowsOf(file), 0)
      yield* log.flush
      assert.lengthOf(rowsOf(file), 1)
    })
  )

  it.scoped("keeps no more than a thousand rows in memory, and the number of what is more", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const db = yield* client(file)
      refuse(db, "INSERT", "security_event")
      // Slowly enough that none is suppressed for coming too fast.
      for (let index = 0; index < 1_300; index++) {
        log.note(knock(`a-${index}`), 2_000 * index)
        if (index % 100 === 0) assert.deepInclude(yield* Effect.flip(log.flush), { reason: "failed" })
      }
      accept(db)
      yield* log.flush
      const rows = rowsOf(file)
      assert.lengthOf(rows, 1_001)
      assert.deepInclude(
        rows.find(({ kind }) => kind === "suppressed"),
        { count: 300 }
      )
      assert.strictEqual(total(rows), 1_300)
    })
  )

  for (const [mode, reason] of [
    ["standby", "standby"],
    ["reader", "readonly"]
  ] as const) {
    it.scoped(`says so to a ${mode}, unless there is nothing to write`, () =>
      Effect.gen(function* () {
        const { file } = yield* opened
        const { log } = yield* open(file, mode)
        yield* log.flush
        log.note(knock(), 0)
        assert.deepInclude(yield* Effect.flip(log.flush), { _tag: "StoreUnavailable", reason })
        assert.deepInclude(yield* Effect.flip(log.flush), { _tag: "StoreUnavailable", reason })
      })
    )
  }

  it.scoped("is no matter to two that flush at once: each thing is written once", () =>
    Effect.gen(function* () {
      for (const ops of [17, 64, 2048]) {
        const { file, log } = yield* opened
        const flushing = Effect.gen(function* () {
          for (let round = 0; round < 10; round++) {
            log.note(knock("same"), round)
            yield* log.flush
          }
        })
        yield* Effect.all([flushing, flushing, flushing, flushing, flushing], { concurrency: "unbounded" }).pipe(
          Effect.withMaxOpsBeforeYield(ops)
        )
        assert.strictEqual(total(rowsOf(file)), 50)
      }
    })
  )
})
