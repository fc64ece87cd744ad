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

/** Rows as other programs might have left them: some without a fraction, many at one moment. */
const rows: ReadonlyArray<Row> = Array.from({ length: 137 }, (_, index) => ({
  id: `c-${(index * 7919) % 1000}`,
  timestamp: `2026-01-0${1 + (index % 3)} 12:00:0${index % 2}${index % 5 === 0 ? "" : ".500"}`,
  actor: ["ann", "bob"][index % 2] ?? "",
  actionType: ["retry-job", "delete-job", "purge-queue"][index % 3] ?? "",
  target: `t-${index % 4}`,
  outcome: ["success", "failure", "timeout"][(index * 31) % 3] ?? ""
}))

const stored = Effect.gen(function* () {
  const file = yield* makeFile
  const context = yield* Layer.build(Layer.provide(AuditLog.layer, Layer.provide(Store.layer, layerDatabase(file))))
  const db = new Sqlite(file)
  rows.forEach((row, index) => {
    db.prepare(
      "INSERT INTO command_audit (id, timestamp, actor, action_type, target, outcome) VALUES (?,?,?,?,?,?)"
    ).run(...Object.values(row))
    db.prepare("INSERT INTO audit_position (seq, id) VALUES (?, ?)").run(index + 1, row.id)
  })
  db.close()
  return { audit: Context.get(context, AuditLog.AuditLog), file }
})

const opened = Effect.map(
  stored,
  ({ audit }) =>
    (query: Record<string, unknown>) =>
      audit.page(Schema.decodeUnknownSync(AuditLog.AuditQuery)(query))
)

const iso = (timestamp: string) => `${timestamp.replace(" ", "T")}Z`

/** What a page must be, worked out another way. */
const model = (query: {
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

describe("AuditLog", () => {
  it.scoped("pages newest first, fifty at a time", () =>
    Effect.gen(function* () {
      const pages = yield* opened
      const { data, meta } = yield* pages({})
      assert.deepStrictEqual(meta, { page: 1, limit: 50, total: 137, totalPages: 3 })
      assert.deepStrictEqual(
        data.map(({ id }) => id),
        model({}).ids
      )
      assert.deepStrictEqual((yield* pages({ page: 4 })).data, [])
      assert.deepStrictEqual((yield* pages({ target: "none" })).meta, { page: 1, limit: 50, total: 0, totalPages: 0 })
      assert.deepStrictEqual(
        data.map(({ timestamp }) => timestamp.epochMillis),
        data.map(({ id }) => Date.parse(iso(rows.find((row) => row.id === id)?.timestamp ?? "")))
      )
    })
  )

  it.scoped("sorts and filters in every combination, and breaks ties by insertion", () =>
    Effect.gen(function* () {
      const pages = yield* opened
      const bound = fc.constantFrom("2026-01-02T12:00:00Z", "2026-01-02T12:00:00.500Z", "2026-01-03T12:00:01Z")
      const query = fc.record(
        {
          page: fc.integer({ min: 1, max: 4 }),
          limit: fc.integer({ min: 1, max: 60 }),
          sortBy: fc.constantFrom("timestamp", "actor", "actionType", "target", "outcome"),
          sortOrder: fc.constantFrom("asc", "desc"),
          actionType: fc.constantFrom("retry-job", "delete-job"),
          target: fc.constantFrom("t-1", "t-2"),
          actor: fc.constantFrom("ann"),
          outcome: fc.constantFrom("success"),
          startDate: bound,
          endDate: bound
        },
        { requiredKeys: [] }
      )
      for (const wanted of fc.sample(query, 300)) {
        const { data, meta } = yield* pages(wanted)
        const expected = model(wanted as Parameters<typeof model>[0])
        assert.deepStrictEqual(
          data.map(({ id }) => id),
          expected.ids,
          JSON.stringify(wanted)
        )
        assert.deepStrictEqual(meta, expected.meta)
      }
    })
  )

  it.scoped("gives one entry by its id, and says where there is none", () =>
    Effect.gen(function* () {
      const { audit } = yield* stored
      const entry = yield* audit.get("c-919")
      assert.deepInclude(entry, { id: "c-919", actor: "bob", outcome: "failure" })
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
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(AuditLog.AuditQuery)(query)), JSON.stringify(query))
    }
  })
})
