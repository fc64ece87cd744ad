import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import fc from "fast-check"
import * as AuditLog from "../../src/audit/AuditLog.ts"
import * as AuditQuery from "../../src/model/AuditQuery.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile } from "../support/house.ts"

interface Row {
  readonly id: string
  readonly timestamp: string
  readonly actor: string
  readonly actionType: string
  readonly target: string
  readonly outcome: string
}

/** Rows as other programs might have left them: some without a fraction, many at one moment, not in the order of time. */
const rowsOf = (length: number): ReadonlyArray<Row> =>
  Array.from({ length }, (_, index) => ({
    id: `c-${(index * 7919) % 10_007}`,
    timestamp: `2026-01-0${1 + (index % 3)} 1${length > 1_000 ? index % 4 : 2}:00:0${index % 2}${index % 5 === 0 ? "" : ".500"}`,
    actor: ["ann", "bob"][index % 2] ?? "",
    actionType: ["retry-job", "delete-job", "purge-queue"][index % 3] ?? "",
    target: `t-${index % 4}`,
    outcome: ["success", "failure", "timeout"][(index * 31) % 3] ?? ""
  }))

const rows = rowsOf(137)
/** More than may be counted or passed over without a calendar. */
const many = rowsOf(4_800)

const insertInto = (db: Sqlite.Database) => {
  const row = db.prepare(
    `INSERT INTO command_audit (rowid, id, timestamp, actor, action_type, target, outcome)
     VALUES ((SELECT COALESCE(MAX(rowid), 0) + 7 FROM command_audit),?,?,?,?,?,?)`
  )
  const position = db.prepare("INSERT INTO audit_position (id) VALUES (?)")
  return db.transaction((rows: ReadonlyArray<Row>) => {
    for (const one of rows) {
      row.run(...Object.values(one))
      position.run(one.id)
    }
  })
}

const storedOf = (rows: ReadonlyArray<Row>) =>
  Effect.gen(function* () {
    const file = yield* makeFile
    const context = yield* Layer.build(Layer.provide(AuditLog.layer, Layer.provide(Store.layer, layerDatabase(file))))
    const db = new Sqlite(file)
    insertInto(db)(rows)
    db.close()
    return { audit: Context.get(context, AuditLog.AuditLog), file }
  })

const stored = storedOf(rows)

const opened = Effect.map(
  stored,
  ({ audit }) =>
    (query: Record<string, unknown>) =>
      audit.page(Schema.decodeUnknownSync(AuditQuery.AuditQuery)(query))
)

const iso = (timestamp: string) => `${timestamp.replace(" ", "T")}Z`

/** What a page must be, worked out another way. */
const modelOf =
  (rows: ReadonlyArray<Row>) =>
  (query: {
    readonly page?: number
    readonly limit?: number
    readonly sortBy?: keyof Row
    readonly sortOrder?: "asc" | "desc"
    readonly startDate?: string
    readonly endDate?: string
    readonly [filter: string]: unknown
  }) => {
    const { endDate, limit = 50, page = 1, sortBy = "timestamp", sortOrder = "desc", startDate, ...filters } = query
    const at = (row: Row) => Date.parse(iso(row.timestamp))
    const text = (row: Row) => (sortBy === "timestamp" ? row.timestamp : row[sortBy])
    const kept = rows
      .map((row, index) => ({ row, index }))
      .filter(({ row }) => Object.entries(filters).every(([key, value]) => row[key as keyof Row] === value))
      .filter(({ row }) => startDate === undefined || at(row) >= Date.parse(startDate))
      .filter(({ row }) => endDate === undefined || at(row) < Date.parse(endDate))
      .sort((a, b) => (text(a.row) < text(b.row) ? -1 : text(a.row) > text(b.row) ? 1 : a.index - b.index))
    const sorted = sortOrder === "asc" ? kept : kept.reverse()
    return {
      ids: sorted.slice((page - 1) * limit, page * limit).map(({ row }) => row.id),
      meta: { page, limit, total: kept.length, totalPages: Math.ceil(kept.length / limit) }
    }
  }

const model = modelOf(rows)

const bound = fc.constantFrom(
  "2026-01-02T12:00:00Z",
  "2026-01-02T12:00:00.500Z",
  "2026-01-02T13:30:00Z",
  "2026-01-03T12:00:01Z"
)
const filters = {
  actionType: fc.constantFrom("retry-job", "delete-job"),
  target: fc.constantFrom("t-1", "t-2"),
  actor: fc.constantFrom("ann"),
  outcome: fc.constantFrom("success" as const),
  startDate: bound,
  endDate: bound
}
const sorting = {
  sortBy: fc.constantFrom("timestamp", "actor", "actionType", "target", "outcome"),
  sortOrder: fc.constantFrom("asc", "desc")
}

const fail = (): never => {
  throw new Error("not there")
}

describe("AuditLog", () => {
  it.scoped("pages newest first, fifty at a time", () =>
    Effect.gen(function* () {
      const pages = yield* opened
      const { data, meta } = yield* pages({})
      assert.deepInclude(meta, { page: 1, limit: 50, total: 137, totalPages: 3 })
      assert.deepStrictEqual(
        data.map(({ id }) => id),
        model({}).ids
      )
      assert.deepStrictEqual((yield* pages({ page: 4 })).data, [])
      const none = { page: 1, limit: 50, total: 0, totalPages: 0, nextCursor: null }
      assert.deepStrictEqual((yield* pages({ target: "none" })).meta, none)
      assert.deepStrictEqual(
        data.map(({ timestamp }) => timestamp.epochMillis),
        data.map(({ id }) => Date.parse(iso(rows.find((row) => row.id === id)?.timestamp ?? "")))
      )
    })
  )

  it.scoped("sorts and filters in every combination, and breaks ties by insertion", () =>
    Effect.gen(function* () {
      const { audit, file } = yield* stored
      const query = fc.record(
        { page: fc.integer({ min: 1, max: 4 }), limit: fc.integer({ min: 1, max: 60 }), ...sorting, ...filters },
        { requiredKeys: [] }
      )
      // Rowids may be others after this, and their order is not.
      const db = new Sqlite(file)
      db.exec("VACUUM")
      db.close()
      for (const wanted of fc.sample(query, 300)) {
        const { data, meta } = yield* audit.page(Schema.decodeUnknownSync(AuditQuery.AuditQuery)(wanted))
        const expected = model(wanted as Parameters<typeof model>[0])
        assert.deepStrictEqual(
          data.map(({ id }) => id),
          expected.ids,
          JSON.stringify(wanted)
        )
        assert.deepInclude(meta, expected.meta)
      }
    })
  )

  it.scoped("finds any page of many, and counts them exactly, while rows come in", () =>
    Effect.gen(function* () {
      const { audit, file } = yield* storedOf(many)
      const db = new Sqlite(file)
      const insert = insertInto(db)
      const all = [...many]
      const query = fc.record(
        {
          page: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 120 })),
          limit: fc.constantFrom(1, 50, 200),
          // Nearly always by time, with one filter at most.
          ...sorting,
          sortBy: fc.oneof(
            { weight: 9, arbitrary: fc.constant("timestamp") },
            { weight: 1, arbitrary: sorting.sortBy }
          ),
          ...filters
        },
        { requiredKeys: [] }
      )
      const simple = fc
        .tuple(query, fc.constantFrom("actionType", "target", "actor", "outcome", "none"), fc.boolean())
        .map(([query, filter, isRich]) =>
          isRich
            ? query
            : Object.fromEntries(
                Object.entries(query).filter(
                  ([key]) => key === filter || !["actionType", "target", "actor", "outcome"].includes(key)
                )
              )
        )
      for (const [index, wanted] of fc.sample(simple, 400).entries()) {
        if (index % 3 === 0) {
          // Somewhere in the middle, at the end, and before all.
          const more = ["2026-01-02 12:00:00", "2026-01-05 09:00:00.001", "2025-12-31 23:59:59.999"].map(
            (timestamp, n) => ({
              ...(many[(index * 3 + n) % many.length] ?? fail()),
              id: `new-${index}-${n}`,
              timestamp
            })
          )
          insert(more)
          all.push(...more)
        }
        const { data, meta } = yield* audit.page(Schema.decodeUnknownSync(AuditQuery.AuditQuery)(wanted))
        const expected = modelOf(all)(wanted as Parameters<typeof model>[0])
        assert.deepStrictEqual(
          data.map(({ id }) => id),
          expected.ids,
          JSON.stringify(wanted)
        )
        assert.deepInclude(meta, expected.meta, JSON.stringify(wanted))
      }
      db.close()
    })
  )

  it.scoped("shows no row twice and skips none to whoever follows cursors while rows come in", () =>
    Effect.gen(function* () {
      const { audit, file } = yield* stored
      const db = new Sqlite(file)
      const insert = insertInto(db)
      const all = [...rows]
      const query = fc.record({ ...sorting, ...filters }, { requiredKeys: [] })
      const run = fc.record({
        query,
        limit: fc.integer({ min: 1, max: 70 }),
        comes: fc.array(fc.nat(200), { maxLength: 6 })
      })
      for (const { comes, limit, query: wanted } of fc.sample(run, 60)) {
        const before = [...all]
        const seen: Array<string> = []
        let cursor: string | null | undefined
        for (let page = 1; cursor !== null; page++) {
          const query = { ...wanted, limit, ...(cursor === undefined ? {} : { cursor }) }
          const { data, meta } = yield* audit.page(Schema.decodeUnknownSync(AuditQuery.AuditQuery)(query))
          assert.strictEqual(meta.page, page)
          seen.push(...data.map(({ id }) => id))
          cursor = meta.nextCursor
          const at = comes[page - 1]
          if (at !== undefined) {
            const row = { ...(rows[at % rows.length] ?? fail()), id: `new-${all.length}` }
            insert([row])
            all.push(row)
          }
        }
        const order = (rows: ReadonlyArray<Row>) =>
          modelOf(rows)({ ...wanted, limit: all.length } as Parameters<typeof model>[0]).ids
        assert.deepStrictEqual([...new Set(seen)], seen)
        // All that was there, in its order; of what came meanwhile whatever it may be.
        const was = new Set(order(before))
        assert.deepStrictEqual(
          seen.filter((id) => was.has(id)),
          order(before)
        )
        const place = new Map(order(all).map((id, index) => [id, index]))
        assert.deepStrictEqual(
          seen.map((id) => place.get(id)),
          seen.map((id) => place.get(id)).sort((a = 0, b = 0) => a - b)
        )
      }
      db.close()
    })
  )

  it.scoped("is sent as the rows are, to the byte, and fits its schema, whatever stands in them", () =>
    Effect.gen(function* () {
      const { audit, file } = yield* storedOf([])
      const text = fc.oneof(
        fc.string({ unit: "binary", maxLength: 20 }),
        fc.string(),
        fc.constant('",\\\u0000\n\u2028é😀')
      )
      const json = fc.option(fc.jsonValue().map((value) => JSON.stringify(value)))
      const entry = fc.record({
        actor: text,
        actionType: text.map((text) => text || "x"),
        target: text,
        outcome: fc.constantFrom("success", "failure", "timeout"),
        timestamp: fc.constantFrom("2026-01-01 12:00:00", "2026-01-01 12:00:00.5", "2026-01-01 12:00:00.123"),
        before: json,
        after: json,
        params: json,
        logs: json
      })
      const written = fc.sample(entry, 150)
      const db = new Sqlite(file)
      const insert = db.prepare("INSERT INTO command_audit VALUES (?,?,?,?,?,?,?,?,?,?)")
      written.forEach(({ actionType, actor, after, before, logs, outcome, params, target, timestamp }, index) => {
        insert.run(`c-${index}`, timestamp, actor, actionType, target, outcome, before, after, params, logs)
        db.prepare("INSERT INTO audit_position (id) VALUES (?)").run(`c-${index}`)
      })
      const query = { limit: 200, sortBy: "outcome", sortOrder: "asc" } as const
      const { bytes } = yield* audit.pageText(Schema.decodeUnknownSync(AuditQuery.AuditQuery)(query))
      const sent = Buffer.from(bytes).toString()
      const { data } = Schema.decodeUnknownSync(Schema.parseJson(AuditQuery.AuditPage))(sent)
      const encoded = Schema.encodeSync(AuditQuery.AuditPage)
      for (const { id, ...seen } of data) {
        const { actionType, actor, after, before, logs, outcome, params, target, timestamp } =
          written[Number(id.slice(2))] ?? fail()
        const states = [before, after, params, logs].map((json) => (json === null ? null : JSON.parse(json)))
        assert.deepStrictEqual(
          [seen.actor, seen.actionType, seen.target, seen.outcome, seen.timestamp.epochMillis],
          [actor, actionType, target, outcome, Date.parse(iso(timestamp))]
        )
        assert.deepStrictEqual([seen.beforeState, seen.afterState, seen.commandParams, seen.logs], states)
        for (const json of [before, after, params, logs]) if (json !== null) assert.include(sent, json)
      }
      assert.strictEqual(data.length, written.length)
      // As the schema writes it: the same JSON, and the same moments.
      const meta = { page: 1, limit: 200, total: 150, totalPages: 1, nextCursor: null }
      assert.deepStrictEqual(JSON.parse(sent), JSON.parse(JSON.stringify(encoded({ data, meta }))))
      // What is no JSON is shown as it is, and takes no other row with it.
      insert.run("no id", "2026-01-01 12:00:00", "a", "b", "c", "success", "{oops", "[1,\n 2]", null, Buffer.from("é"))
      insert.run(
        "no text",
        '2026","x',
        Buffer.from("ann"),
        Buffer.from("\u0001"),
        Buffer.from("c"),
        "success",
        null,
        null,
        null,
        null
      )
      for (const id of ["no id", "no text"]) db.prepare("INSERT INTO audit_position (id) VALUES (?)").run(id)
      db.close()
      const foreign = JSON.parse(
        Buffer.from((yield* audit.pageText(Schema.decodeUnknownSync(AuditQuery.AuditQuery)(query))).bytes).toString()
      )
      const shown = (id: string) => foreign.data.find((entry: { readonly id: string }) => entry.id === id)
      assert.deepInclude(shown("no id"), { beforeState: "{oops", afterState: [1, 2], logs: "é" })
      assert.deepInclude(shown("no text"), { actor: "ann", actionType: "\u0001", target: "c" })
      const lines = Buffer.concat(Array.from(yield* Stream.runCollect(audit.lines({}))))
        .toString()
        .split("\n")
      assert.strictEqual(lines.pop(), "")
      assert.deepStrictEqual(
        lines.map((line) => JSON.parse(line).id),
        [...written.map((_, index) => `c-${index}`), "no id", "no text"]
      )
    })
  )

  it.scoped("takes no cursor of another record, or of another sorting", () =>
    Effect.gen(function* () {
      const { audit } = yield* stored
      const query = Schema.decodeUnknownSync(AuditQuery.AuditQuery)
      const { nextCursor } = (yield* audit.page(query({ sortBy: "actor" }))).meta
      const cursor = nextCursor ?? fail()
      const { audit: other } = yield* storedOf(many.slice(-10))
      const attempts = [
        audit.page(query({ cursor })),
        audit.page(query({ cursor, sortBy: "actor", sortOrder: "asc" })),
        other.page(query({ cursor, sortBy: "actor" })),
        audit.page(query({ cursor: "garbage" })),
        audit.page(query({ cursor: "" }))
      ]
      for (const attempt of attempts) assert.strictEqual((yield* Effect.flip(attempt))._tag, "AuditCursorInvalid")
    })
  )

  it.scoped("gives one entry by its id, and says where there is none", () =>
    Effect.gen(function* () {
      const { audit } = yield* stored
      const entry = yield* audit.get("c-7919")
      assert.deepInclude(entry, { id: "c-7919", actor: "bob", outcome: "failure" })
      const error = yield* Effect.flip(audit.get("nobody's"))
      assert.strictEqual(error.message, `nothing is on the record under "nobody's"`)
    })
  )

  it.scoped("exports what was there when it began, in the order of insertion, each once", () =>
    Effect.gen(function* () {
      const { audit, file } = yield* stored
      const db = new Sqlite(file)
      const insert = (id: string, seq: number) => {
        db.prepare(
          "INSERT INTO command_audit (id, timestamp, actor, action_type, target, outcome) VALUES (?,?,?,?,?,?)"
        ).run(id, "2020-01-01 00:00:00", "ann", "retry-job", "t-1", "success")
        db.prepare("INSERT INTO audit_position (seq, id) VALUES (?, ?)").run(seq, id)
      }
      for (let seq = rows.length + 1; seq <= 400; seq++) insert(`more-${seq}`, seq)
      const seen: Array<string> = []
      yield* Stream.runForEach(audit.entries({}), ({ id }) =>
        Effect.sync(() => {
          // Somebody writes meanwhile, with a time before all others.
          if (seen.push(id) === 50) insert("late", 401)
        })
      )
      assert.deepStrictEqual(seen, [
        ...rows.map(({ id }) => id),
        ...Array.from({ length: 400 - rows.length }, (_, index) => `more-${rows.length + 1 + index}`)
      ])
      const some = yield* Stream.runCollect(audit.entries({ actor: "bob", startDate: "2026-01-02" }))
      assert.deepStrictEqual(
        Array.from(some, ({ id }) => id),
        rows.filter(({ actor, timestamp }) => actor === "bob" && timestamp >= "2026-01-02").map(({ id }) => id)
      )
      db.close()
    })
  )

  it("takes no query that it does not understand", () => {
    const refused = [
      { limit: 0 },
      { limit: 201 },
      { limit: 1.5 },
      { page: 0 },
      { sortBy: "id; DROP TABLE command_audit" },
      { sortOrder: "up" },
      { outcome: "fine" },
      { startDate: "yesterday" },
      { endDate: "2026-02-30" }
    ]
    for (const query of refused) {
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(AuditQuery.AuditQuery)(query)), JSON.stringify(query))
    }
  })
})
