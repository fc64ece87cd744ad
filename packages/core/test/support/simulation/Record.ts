/** What stands in a database file, read as anybody could. */
import Sqlite from "better-sqlite3"
import type { Outcome, Phase } from "../../../src/model/Command.ts"

export interface CommandRow {
  readonly id: string
  readonly action_type: string
  readonly target: string
  readonly actor: string
  readonly phase: Phase
  readonly outcome: Outcome | null
  readonly logs_json: string
  readonly before_state_json: string | null
  readonly deadline: string
  readonly ended_at: string | null
}

export interface AuditRow {
  readonly id: string
  readonly timestamp: string
  readonly actor: string
  readonly action_type: string
  readonly target: string
  readonly outcome: Outcome
  readonly before_state_json: string | null
  readonly logs_json: string
}

export interface EventRow {
  readonly seq: number
  readonly name: string
  readonly subject: string
  readonly data: string
}

/** All of it, as of one moment. */
export interface Record {
  readonly commands: ReadonlyArray<CommandRow>
  readonly audit: ReadonlyArray<AuditRow>
  readonly positions: ReadonlyArray<{ readonly seq: number; readonly id: string }>
  readonly events: ReadonlyArray<EventRow>
  readonly newest: number
}

export class RecordReader {
  readonly #db: Sqlite.Database

  constructor(file: string) {
    this.#db = new Sqlite(file, { readonly: true })
  }

  readonly #rows = <A>(sql: string) => this.#db.prepare<[], A>(sql).all()

  read(): Record {
    return this.#db.transaction(() => ({
      commands: this.#rows<CommandRow>("SELECT * FROM command ORDER BY rowid"),
      audit: this.#rows<AuditRow>("SELECT * FROM command_audit ORDER BY rowid"),
      positions: this.#rows<{ seq: number; id: string }>("SELECT * FROM audit_position ORDER BY seq"),
      // In the order in which they were committed.
      events: this.#rows<EventRow>("SELECT * FROM event ORDER BY rowid"),
      newest: this.#rows<{ newest: number }>("SELECT newest FROM event_seq")[0]?.newest ?? -1
    }))()
  }

  command(id: string): CommandRow | undefined {
    return this.#db.prepare<[string], CommandRow>("SELECT * FROM command WHERE id = ?").get(id)
  }

  /** What SQLite itself says of the file: `ok`. */
  integrity(): unknown {
    return this.#db.pragma("integrity_check", { simple: true })
  }

  close(): void {
    this.#db.close()
  }
}

/** A time of the file's in milliseconds. */
export const millisOf = (sql: string): number => Date.parse(`${sql.replace(" ", "T")}Z`)
