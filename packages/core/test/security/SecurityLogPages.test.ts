import { assert, describe, it } from "@effect/vitest"
import type Sqlite from "better-sqlite3"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import fc from "fast-check"
import { SecurityEventKind } from "../../src/model/SecurityEvent.ts"
import { toSql } from "../../src/model/Timestamp.ts"
import * as SecurityLog from "../../src/security/SecurityLog.ts"
import { query } from "../support/house.ts"
import { client, open, opened, type Row, rowsOf } from "../support/security.ts"

describe("pages of events", () => {
  const kinds = ["unauthenticated", "forbidden", "suppressed"] as const
  /** Some without a fraction, many at one moment. */
  const rows: ReadonlyArray<Row> = Array.from({ length: 97 }, (_, index) => ({
    id: `${String((index * 7_919) % 1_000).padStart(3, "0")}-${index}`,
    timestamp: `2026-01-0${1 + (index % 3)} 12:00:0${index % 2}${index % 5 === 0 ? "" : ".500"}`,
    kind: kinds[index % 3] ?? "",
    actor: [null, "ann", "token:bob"][(index * 31) % 3] ?? null,
    address: ["::1", null, "10.0.0.1", "10.0.0.2"][index % 4] ?? null,
    request: null,
    detail: null,
    count: 1 + index
  }))

  const stored = Effect.gen(function* () {
    const { file, log } = yield* opened
    const db = yield* client(file)
    const insert = db.prepare(
      "INSERT INTO security_event VALUES (:id, :timestamp, :kind, :actor, :address, :request, :detail, :count)"
    )
    for (const row of rows) insert.run(row)
    return (query: Record<string, unknown>) => log.page(Schema.decodeUnknownSync(SecurityLog.SecurityQuery)(query))
  })

  const moment = (row: Row) => Date.parse(`${row.timestamp.replace(" ", "T")}Z`)

  /** What a page must be, worked out another way. */
  const model = ({
    endDate,
    limit = 50,
    page = 1,
    sortOrder = "desc",
    startDate,
    ...filters
  }: SecurityLog.SecurityQuery) => {
    const key = (row: Row) => `${row.timestamp} ${row.id}`
    const kept = rows
      .filter((row) => Object.entries(filters).every(([name, value]) => row[name as keyof Row] === value))
      .filter((row) => startDate === undefined || moment(row) >= Date.parse(startDate))
      .filter((row) => endDate === undefined || moment(row) < Date.parse(endDate))
      .sort((a, b) => (a.timestamp === b.timestamp ? (a.id < b.id ? -1 : 1) : key(a) < key(b) ? -1 : 1))
    const sorted = sortOrder === "asc" ? kept : kept.reverse()
    return {
      ids: sorted.slice((page - 1) * limit, page * limit).map(({ id }) => id),
      meta: { page, limit, total: kept.length, totalPages: Math.ceil(kept.length / limit) }
    }
  }

  it.scoped("are the newest fifty first", () =>
    Effect.gen(function* () {
      const page = yield* stored
      const { data, meta } = yield* page({})
      assert.deepStrictEqual(meta, { page: 1, limit: 50, total: 97, totalPages: 2 })
      assert.lengthOf(data, 50)
      for (const event of data) {
        const row = rows.find(({ id }) => id === event.id)
        assert.deepStrictEqual({ ...event, timestamp: event.timestamp.epochMillis } as object, {
          ...row,
          timestamp: moment(row as Row)
        })
      }
      assert.deepStrictEqual((yield* page({ page: 3 })).data, [])
      assert.deepStrictEqual((yield* page({ actor: "nobody" })).meta, { page: 1, limit: 50, total: 0, totalPages: 0 })
      // A whole day.
      assert.strictEqual((yield* page({ startDate: "2026-01-02", endDate: "2026-01-02" })).meta.total, 32)
    })
  )

  it.scoped("filter and sort in every combination", () =>
    Effect.gen(function* () {
      const page = yield* stored
      const bound = fc.constantFrom("2026-01-02T12:00:00Z", "2026-01-02T12:00:00.500Z", "2026-01-03T12:00:01Z")
      const query = fc.record(
        {
          page: fc.integer({ min: 1, max: 2 }),
          limit: fc.integer({ min: 1, max: 60 }),
          sortOrder: fc.constantFrom("asc", "desc"),
          kind: fc.constantFrom(...kinds),
          actor: fc.constantFrom("ann", "token:bob"),
          address: fc.constantFrom("::1", "10.0.0.1"),
          startDate: bound,
          endDate: bound
        },
        { requiredKeys: [] }
      )
      let found = 0
      for (const wanted of fc.sample(query, 400)) {
        const { data, meta } = yield* page(wanted)
        const expected = model(wanted as SecurityLog.SecurityQuery)
        assert.deepStrictEqual(
          data.map(({ id }) => id),
          expected.ids,
          JSON.stringify(wanted)
        )
        assert.deepStrictEqual(meta, expected.meta)
        found += data.length
      }
      assert.isAbove(found, 200)
    })
  )

  it("are of no query that is not understood", () => {
    const refused = [
      { limit: 0 },
      { limit: 201 },
      { page: 0 },
      { sortOrder: "up" },
      { kind: "fine" },
      { kind: "" },
      { startDate: "yesterday" },
      { endDate: "2026-02-30" }
    ]
    for (const query of refused) {
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(SecurityLog.SecurityQuery)(query)), JSON.stringify(query))
    }
    for (const kind of SecurityEventKind.literals) {
      assert.isTrue(Either.isRight(Schema.decodeUnknownEither(SecurityLog.SecurityQuery)({ kind })), kind)
    }
  })
})

describe("pruning", () => {
  const day = 86_400_000
  const now = Date.UTC(2026, 5, 1)

  /** Rows of these moments, whose ids say in which order they came. */
  const insert = (db: Sqlite.Database, moments: ReadonlyArray<number>) => {
    const statement = db.prepare("INSERT INTO security_event (id, timestamp, kind, count) VALUES (?, ?, 'refused', 1)")
    db.transaction(() => {
      moments.forEach((at, index) => statement.run(String(index).padStart(6, "0"), toSql(DateTime.unsafeMake(at))))
    })()
  }

  it.scoped("removes what is older than ninety days, to the millisecond", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      insert(yield* client(file), [now - 400 * day, now - 90 * day - 1, now - 90 * day, now - day, now + day])
      yield* TestClock.setTime(now)
      yield* log.prune
      const ids = () => rowsOf(file).map(({ id }) => Number(id))
      assert.deepStrictEqual(ids(), [2, 3, 4])
      yield* log.prune
      assert.deepStrictEqual(ids(), [2, 3, 4])
      yield* TestClock.adjust("1 millis")
      yield* log.prune
      assert.deepStrictEqual(ids(), [3, 4])
    })
  )

  it.scoped("removes what is beyond the newest hundred thousand, the oldest first", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const db = yield* client(file)
      const span = () => query(file, "SELECT COUNT(*) AS n, MIN(id) AS oldest, MAX(id) AS newest FROM security_event")
      yield* TestClock.setTime(now)
      // Four at each moment: of those the ids tell the order.
      insert(
        db,
        Array.from({ length: 100_000 }, (_, index) => now - 100_000 + Math.floor(index / 4))
      )
      yield* log.prune
      assert.deepStrictEqual(span(), [{ n: 100_000, oldest: "000000", newest: "099999" }])
      for (const id of ["100000", "100001", "100002", "100003", "100004", "100005"]) {
        db.prepare("INSERT INTO security_event (id, timestamp, kind, count) VALUES (?, ?, 'refused', 1)").run(
          id,
          toSql(DateTime.unsafeMake(now))
        )
      }
      yield* log.prune
      assert.deepStrictEqual(span(), [{ n: 100_000, oldest: "000006", newest: "100005" }])
    })
  )

  it.scoped("does not come back for what became of tokens, which stays", () =>
    Effect.gen(function* () {
      const { file, log } = yield* opened
      const db = yield* client(file)
      insert(db, [now - 400 * day])
      db.exec("UPDATE security_event SET kind = 'token-revoked'")
      yield* TestClock.setTime(now)
      yield* log.prune
      assert.lengthOf(rowsOf(file), 1)
      // It would fail to write.
      const { log: reader } = yield* open(file, "reader")
      yield* reader.prune
    })
  )

  it.scoped("writes nothing where there is nothing to remove", () =>
    Effect.gen(function* () {
      const { file } = yield* opened
      const db = yield* client(file)
      const { log: reader } = yield* open(file, "reader")
      yield* TestClock.setTime(now)
      yield* reader.prune
      insert(db, [now - 90 * day])
      yield* reader.prune
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Effect.flip(reader.prune), { _tag: "StoreUnavailable", reason: "readonly" })
    })
  )
})
