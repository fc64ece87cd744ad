/** All of the record over HTTP: in its order, whole or broken off, and little of it in memory. */
import { get, type IncomingMessage } from "node:http"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Client } from "../src/index.ts"
import { ask, assertProblem } from "./support/ask.ts"
import * as House from "./support/house.ts"

/** Entries past the server, as long as they are wanted. */
const fill = (file: string, count: number, length = 10) => {
  const db = new Sqlite(file)
  const row = db.prepare(
    "INSERT INTO command_audit (id, timestamp, actor, action_type, target, outcome, logs_json) VALUES (?,?,?,?,?,?,?)"
  )
  const position = db.prepare("INSERT INTO audit_position (id) VALUES (?)")
  db.transaction(() => {
    for (let index = 0; index < count; index++) {
      const id = `c-${index}`
      const actor = index % 2 === 0 ? "ann" : "=bob"
      row.run(
        id,
        "2026-01-01 12:00:00",
        actor,
        "retry-job",
        `é-${index}`,
        "success",
        JSON.stringify(["x".repeat(length)])
      )
      position.run(id)
    }
  })()
  db.close()
}

const filled = (count: number, length?: number) =>
  Effect.gen(function* () {
    const filename = yield* House.database
    const house = yield* House.start({ filename })
    fill(filename, count, length)
    return { filename, url: `${house.url}/reconciliation/audit/export` }
  })

describe("GET /reconciliation/audit/export", () => {
  it.scopedLive("has every entry once, in the order of insertion, as a page has it", () =>
    Effect.gen(function* () {
      const { url } = yield* filled(1_203)
      const { headers, text } = yield* ask(url)
      const entries = text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line))
      assert.deepStrictEqual(
        entries.map(({ id }) => id),
        Array.from({ length: 1_203 }, (_, index) => `c-${index}`)
      )
      const page = yield* ask(url.replace("/export", "?limit=200&sortOrder=asc"))
      assert.deepStrictEqual(entries.slice(0, 200), page.json.data)
      assert.strictEqual(headers.get("content-type"), "application/x-ndjson")
      assert.strictEqual(headers.get("content-disposition"), 'attachment; filename="audit.ndjson"')
      const none = yield* ask(`${url}?actor=nobody`)
      assert.deepStrictEqual([none.status, none.text], [200, ""])
      const head = yield* Effect.promise(() => fetch(url, { method: "HEAD" }))
      assert.deepStrictEqual([head.status, head.headers.get("content-type")], [200, "application/x-ndjson"])
    })
  )

  it.scopedLive("filters, and is a table for spreadsheets that takes no cell for a formula", () =>
    Effect.gen(function* () {
      const { url } = yield* filled(9)
      const { headers, text } = yield* ask(`${url}?format=csv&actor=${encodeURIComponent("=bob")}&endDate=2026-01-01`)
      const [head, ...rows] = text.split("\r\n")
      assert.strictEqual(head, "id,timestamp,actor,actionType,target,outcome,beforeState,afterState,commandParams,logs")
      assert.deepStrictEqual(
        rows.slice(0, -1).map((row) => row.split(",").slice(0, 5).join()),
        [1, 3, 5, 7].map((n) => `c-${n},2026-01-01T12:00:00.000Z,'=bob,retry-job,é-${n}`)
      )
      assert.strictEqual(headers.get("content-type"), "text/csv; charset=utf-8; header=present")
      for (const [query, field] of [
        ["format=xml", "format"],
        ["outcome=fine", "outcome"],
        ["startDate=today", "startDate"]
      ]) {
        assertProblem(yield* ask(`${url}?${query}`), 400, "invalid-request", field)
      }
    })
  )

  it.scopedLive(
    "that cannot go on breaks off, and is not read faster than it is taken",
    () =>
      Effect.gen(function* () {
        // Far more than what fits between a server and a client that does not read.
        const { filename, url } = yield* filled(4_000, 20_000)
        const response = yield* Effect.async<IncomingMessage>((resume) => {
          get(url, (response) => {
            response.once("readable", () => resume(Effect.succeed(response)))
          })
        })
        const db = new Sqlite(filename)
        db.exec("ALTER TABLE audit_position RENAME TO away")
        db.close()
        const [bytes, isWhole] = yield* Effect.promise(async () => {
          let bytes = 0
          try {
            for await (const chunk of response) bytes += (chunk as Buffer).length
            return [bytes, true] as const
          } catch {
            return [bytes, false] as const
          }
        })
        assert.isFalse(isWhole)
        assert.isAbove(bytes, 1_000_000)
        assert.isBelow(bytes, 60_000_000)
      }),
    60_000
  )

  it.scopedLive(
    "is told to a client as an answer that was lost, where it breaks off",
    () =>
      Effect.gen(function* () {
        const { filename, url } = yield* filled(4_000, 20_000)
        const client = yield* Client.make(url.replace("/reconciliation/audit/export", "")).pipe(
          Effect.provide(NodeHttpClient.layer)
        )
        let seen = 0
        const reading = Stream.runForEach(client.auditEntries({}), () =>
          Effect.sync(() => {
            if (seen++ > 0) return
            const db = new Sqlite(filename)
            db.exec("ALTER TABLE audit_position RENAME TO away")
            db.close()
          })
        )
        assert.strictEqual((yield* Effect.flip(reading))._tag, "AnswerLost")
        assert.isBelow(seen, 4_000)
      }),
    60_000
  )

  it.scopedLive(
    "is for so many at once, until one of them leaves",
    () =>
      Effect.gen(function* () {
        const { url } = yield* filled(1_000, 20_000)
        const idle = yield* Effect.forEach(Array.from({ length: 16 }), () =>
          Effect.async<IncomingMessage>((resume) => {
            get(url, (response) => resume(Effect.succeed(response)))
          })
        )
        const refused = yield* ask(`${url}?actor=nobody`)
        assertProblem(refused, 503, "streams-exhausted")
        assert.strictEqual(refused.headers.get("retry-after"), "10")
        idle[0]?.destroy()
        yield* Effect.retry(
          Effect.filterOrFail(ask(`${url}?actor=nobody`), ({ status }) => status === 200),
          { times: 100, schedule: Schedule.spaced("20 millis") }
        )
        for (const response of idle) response.destroy()
      }),
    60_000
  )
})
