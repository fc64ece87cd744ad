/** Brings a database to the form this program needs: forward only, from a record of Effects. */
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import story from "./migrations/0001_story.ts"
import security from "./migrations/0002_security.ts"
import auditTree from "./migrations/0003_audit_tree.ts"
import auditIndexes from "./migrations/0004_audit_indexes.ts"

const migrations = {
  "0001_story": story,
  "0002_security": security,
  "0003_audit_tree": auditTree,
  "0004_audit_indexes": auditIndexes
}

/** The newest form this program knows. */
export const newest = Object.keys(migrations).length

const table = "mithrandir_migration"

/** Which form the database has; 0 before its first migration. */
export const version = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const tables = yield* sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ${table}`
  if (tables.length === 0) return 0
  const rows = yield* sql<{ version: number | null }>`SELECT MAX(migration_id) AS version FROM ${sql(table)}`
  return rows[0]?.version ?? 0
})

/**
 * Runs what is missing, in one transaction. The caller holds the writer lock, so nobody else migrates; it checks
 * `version` before (a newer one must be refused) and after, since the migrator takes a lost race for success.
 */
export const migrate = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table })
