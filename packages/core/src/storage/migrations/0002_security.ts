/** Who may come in, and who tried to. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

const statements = [
  // Never deleted: a token that was revoked is to stay known as one that is worth nothing.
  `CREATE TABLE token (
     id TEXT PRIMARY KEY,
     actor TEXT NOT NULL,
     role TEXT NOT NULL CHECK(role IN ('viewer','operator','admin')),
     hash TEXT NOT NULL UNIQUE,
     created_at TEXT NOT NULL,
     created_by TEXT NOT NULL,
     expires_at TEXT,
     revoked_at TEXT
   )`,
  `CREATE TABLE security_event (
     id TEXT PRIMARY KEY,
     timestamp TEXT NOT NULL,
     kind TEXT NOT NULL,
     actor TEXT,
     address TEXT,
     request TEXT,
     detail TEXT,
     count BIGINT NOT NULL
   )`,
  // Pages, newest first, and what is pruned.
  "CREATE INDEX security_event_timestamp ON security_event(timestamp, id)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
