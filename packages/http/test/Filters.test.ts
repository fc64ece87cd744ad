/** Text that means something to SQL, in every filter that takes text, on rows that really say it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { client } from "../../core/test/support/security.ts"
import { ask, assertProblem } from "./support/ask.ts"
import * as House from "./support/house.ts"

const texts = [
  ...["'", "''", "x'", '"', "`", "--", ";", "/*", "\\", "\\'", "%", "_", "%27", "?", "?1", ":id", "$1", "x"],
  ...["x' OR 1=1 --", "x' OR '1'='1", "' UNION SELECT * FROM token --", "'; DROP TABLE security_event; --", "x' --"],
  ...["' || 'x", "NULL", "é", "e\u0301", "日本", "\ud83d\udca5", "\u202e", "a\nb", "a\tb"]
] as const

/** What no row says, and what would yet be found where it is taken for SQL. */
const absent = ["y' OR 1=1 --", "y' OR '1'='1", "x%", "X", "x ", " x", "é'", "", '"actor"'] as const

/** Each text in each column once, and no row with the same in two of them. */
const textAt = (index: number) => texts[index % texts.length] ?? ""

/** Rows as commands and refusals leave them, in a file that a server then has. */
const stored = Effect.gen(function* () {
  const filename = yield* House.database
  const house = yield* House.start({ filename })
  const db = yield* client(filename)
  const audit = db.prepare(
    "INSERT INTO command_audit (id, timestamp, actor, action_type, target, outcome) VALUES (?, ?, ?, ?, ?, 'success')"
  )
  const position = db.prepare("INSERT INTO audit_position (seq, id) VALUES (?, ?)")
  const event = db.prepare(
    "INSERT INTO security_event (id, timestamp, kind, actor, address, count) VALUES (?, ?, 'forbidden', ?, ?, 1)"
  )
  const at = "2026-01-31 12:00:00.000"
  for (const index of texts.keys()) {
    audit.run(`r-${index}`, at, textAt(index), textAt(index + 1), textAt(index + 2))
    position.run(index + 1, `r-${index}`)
    event.run(`r-${index}`, at, textAt(index), textAt(index + 1))
  }
  return house
})

/** How many rows before its own a column has a text. */
const filters = {
  "/reconciliation/audit": { actor: 0, actionType: 1, target: 2 },
  "/security/events": { actor: 0, address: 1 }
}

describe("a text filter", () => {
  it.scopedLive("finds the rows that say just that, whatever it means to SQL", () =>
    Effect.gen(function* () {
      const house = yield* stored
      const found = (path: string, query: Record<string, string>) =>
        Effect.map(ask(`${house.url}${path}?${new URLSearchParams({ limit: "200", ...query })}`), (answer) => {
          assert.strictEqual(answer.status, 200, answer.text)
          const ids = answer.json.data.map(({ id }: { id: string }) => id)
          assert.strictEqual(answer.json.meta.total, ids.length)
          return ids
        })
      for (const [path, columns] of Object.entries(filters)) {
        for (const [name, shift] of Object.entries(columns)) {
          for (const index of texts.keys()) {
            const text = textAt(index + shift)
            assert.deepStrictEqual(yield* found(path, { [name]: text }), [`r-${index}`], `${name} ${text}`)
          }
          for (const text of absent) assert.deepStrictEqual(yield* found(path, { [name]: text }), [], `${name} ${text}`)
        }
      }
    })
  )

  it.scopedLive("that has to be a service is refused before it is looked for", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      for (const text of [...texts, ...absent]) {
        const answer = yield* ask(`${house.url}/reconciliation/discrepancies?${new URLSearchParams({ service: text })}`)
        assertProblem(answer, 400, "invalid-request", "service")
      }
    })
  )
})
