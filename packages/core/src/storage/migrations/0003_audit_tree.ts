/** The tree over the audit: RFC 6962, over every row that is there by now. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as AuditTree from "../AuditTree.ts"

const statements = [
  // A full subtree: level 0 are leaves. Its number counts those of its level.
  `CREATE TABLE audit_node (
     level INTEGER NOT NULL,
     number INTEGER NOT NULL,
     hash BLOB NOT NULL CHECK(length(hash) = 32),
     PRIMARY KEY (level, number)
   ) WITHOUT ROWID`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
  yield* AuditTree.build(sql)
})
