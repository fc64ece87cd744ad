/** Pages of the audit in the order of time, by actor and by outcome. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

const statements = [
  "CREATE INDEX command_audit_actor ON command_audit(actor, timestamp)",
  "CREATE INDEX command_audit_outcome ON command_audit(outcome, timestamp)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
