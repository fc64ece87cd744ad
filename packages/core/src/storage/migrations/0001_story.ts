/** The story's two tables, append-only, and all that stands beside them. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { v7 as uuid } from "uuid"

/** Update, delete and replace are refused. Replace walks past the first two, by id and by rowid, so an insert looks. */
const appendOnly = (table: string, message: string, names: { remove: string; update: string; insert: string }) => ({
  [names.remove]: `CREATE TRIGGER ${names.remove} BEFORE DELETE ON ${table}
   BEGIN SELECT RAISE(ABORT, '${message} cannot be deleted'); END`,
  [names.update]: `CREATE TRIGGER ${names.update} BEFORE UPDATE ON ${table}
   BEGIN SELECT RAISE(ABORT, '${message} cannot be changed'); END`,
  [names.insert]: `CREATE TRIGGER ${names.insert} BEFORE INSERT ON ${table}
   WHEN EXISTS (SELECT 1 FROM ${table} WHERE id = NEW.id OR rowid = NEW.rowid)
   BEGIN SELECT RAISE(ABORT, '${message} cannot be replaced'); END`
})

/** The triggers, each by its name. */
export const safeguards: Readonly<Record<string, string>> = {
  ...appendOnly("discrepancy_event", "Discrepancy events", {
    remove: "discrepancy_event_append_only",
    update: "discrepancy_event_no_update",
    insert: "discrepancy_event_no_replace"
  }),
  ...appendOnly("command_audit", "Audit log entries", {
    remove: "command_audit_append_only",
    update: "command_audit_no_update",
    insert: "command_audit_no_replace"
  })
}

const statements = [
  `CREATE TABLE discrepancy_event (
     id TEXT PRIMARY KEY,
     timestamp TEXT NOT NULL DEFAULT (datetime('now')),
     service TEXT NOT NULL,
     status TEXT NOT NULL CHECK(status IN ('verified','stale','discrepancy')),
     counts_json TEXT NOT NULL,
     checksum TEXT NOT NULL,
     latency_ms INTEGER NOT NULL,
     discrepancy_details_json TEXT
   )`,
  // Pages of one service, newest first.
  "CREATE INDEX discrepancy_event_service ON discrepancy_event(service, timestamp, id)",
  // Pages of all services, newest first.
  "CREATE INDEX discrepancy_event_timestamp ON discrepancy_event(timestamp, id)",

  `CREATE TABLE command_audit (
     id TEXT PRIMARY KEY,
     timestamp TEXT NOT NULL DEFAULT (datetime('now')),
     actor TEXT NOT NULL,
     action_type TEXT NOT NULL,
     target TEXT NOT NULL,
     outcome TEXT NOT NULL CHECK(outcome IN ('success','failure','timeout')),
     before_state_json TEXT,
     after_state_json TEXT,
     command_params_json TEXT,
     logs_json TEXT
   )`,
  // Pages in time order, all and by each filter that has one value.
  "CREATE INDEX command_audit_timestamp ON command_audit(timestamp)",
  "CREATE INDEX command_audit_action_type ON command_audit(action_type, timestamp)",
  "CREATE INDEX command_audit_target ON command_audit(target, timestamp)",
  ...Object.values(safeguards),
  // In which order rows were appended: rowids change when a file is vacuumed.
  "CREATE TABLE audit_position (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)",

  "CREATE TABLE event_seq (only INTEGER PRIMARY KEY CHECK(only = 1), log_id TEXT NOT NULL, newest BIGINT NOT NULL)",
  `CREATE TABLE event (
     seq BIGINT PRIMARY KEY,
     time TEXT NOT NULL,
     name TEXT NOT NULL,
     service TEXT NOT NULL,
     subject TEXT NOT NULL,
     data TEXT NOT NULL
   )`,
  // The events of one command, oldest first.
  "CREATE INDEX event_subject ON event(subject, seq)",

  `CREATE TABLE command (
     id TEXT PRIMARY KEY,
     service TEXT NOT NULL,
     action_type TEXT NOT NULL,
     target TEXT NOT NULL,
     params_json TEXT NOT NULL,
     reason TEXT,
     actor TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     phase TEXT NOT NULL CHECK(phase IN ('queued','running','success','error','timeout')),
     outcome TEXT CHECK(outcome IN ('success','failure','timeout')),
     verified INTEGER,
     logs_json TEXT NOT NULL,
     before_state_json TEXT,
     created_at TEXT NOT NULL,
     deadline TEXT NOT NULL,
     ended_at TEXT
   )`,
  // Commands that have not ended: recovery, and the snapshot of the stream.
  "CREATE INDEX command_unfinished ON command(created_at) WHERE phase IN ('queued','running')",

  `CREATE TABLE service (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     type TEXT NOT NULL,
     health_endpoint TEXT NOT NULL,
     metadata_json TEXT NOT NULL,
     registered_at TEXT NOT NULL,
     retired_at TEXT
   )`,
  `CREATE TABLE ledger (
     service TEXT PRIMARY KEY,
     as_of TEXT NOT NULL,
     counts_json TEXT NOT NULL
   )`,
  `CREATE TABLE ledger_job (
     service TEXT NOT NULL,
     id TEXT NOT NULL,
     queue TEXT NOT NULL,
     state TEXT NOT NULL,
     leaves INTEGER NOT NULL,
     PRIMARY KEY (service, id)
   )`,
  `CREATE TABLE dispute (
     service TEXT NOT NULL,
     kind TEXT NOT NULL CHECK(kind IN ('job','count')),
     id TEXT NOT NULL,
     expected TEXT NOT NULL,
     actual TEXT NOT NULL,
     since TEXT NOT NULL,
     PRIMARY KEY (service, kind, id)
   )`,
  // The latest update of each service outlives the events, which are pruned. Beside it, the status that was last
  // recorded in discrepancy_event: the newest row by its timestamp is another one once a clock was set back.
  "CREATE TABLE latest_update (service TEXT PRIMARY KEY, data TEXT NOT NULL, recorded_status TEXT)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
  const logId = uuid().replaceAll("-", "")
  yield* sql`INSERT INTO event_seq (only, log_id, newest) VALUES (1, ${logId}, 0)`
})
