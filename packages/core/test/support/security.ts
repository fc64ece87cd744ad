/** Who may come in, and who tried to, over a real SQLite file. */
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SecurityLog from "../../src/security/SecurityLog.ts"
import * as Tokens from "../../src/security/Tokens.ts"
import type { Mode } from "../../src/storage/Database.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile, query } from "./house.ts"

/** A row of `security_event`. */
export interface Row {
  readonly id: string
  readonly timestamp: string
  readonly kind: string
  readonly actor: string | null
  readonly address: string | null
  readonly request: string | null
  readonly detail: string | null
  readonly count: number
}

/** Every row of `security_event`, the oldest first. */
export const rowsOf = (file: string) => query<Row>(file, "SELECT * FROM security_event ORDER BY timestamp, id")

/** What one process has of a file. A read takes as long as `reading` does beyond what it takes anyway. */
export const open = (file: string, mode: Mode = "writer", reading: Effect.Effect<void> = Effect.void) => {
  const slow = Layer.effect(
    Store.Store,
    Effect.map(Store.Store, (store) =>
      Store.Store.of({ ...store, read: (query) => Effect.zipLeft(store.read(query), reading) })
    )
  )
  return Layer.build(
    Layer.merge(SecurityLog.layer, Tokens.layer).pipe(
      Layer.provideMerge(Layer.provide(slow, Store.layer)),
      Layer.provide(layerDatabase(file, mode))
    )
  ).pipe(
    Effect.map((context) => ({
      store: Context.get(context, Store.Store),
      log: Context.get(context, SecurityLog.SecurityLog),
      tokens: Context.get(context, Tokens.Tokens)
    }))
  )
}

/** A new file, and the process that is its writer. */
export const opened = Effect.gen(function* () {
  const file = yield* makeFile
  return { file, ...(yield* open(file)) }
})

/** Another client, closed with the scope. */
export const client = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new Sqlite(file)),
    (db) => Effect.sync(() => db.close())
  )

/** Has every statement of this kind fail, as on a file that somebody tampered with. */
export const refuse = (db: Sqlite.Database, statement: "INSERT" | "UPDATE", table: string) =>
  db.exec(`CREATE TRIGGER refused BEFORE ${statement} ON ${table} BEGIN SELECT RAISE(ABORT, 'refused'); END`)

/** The opposite. */
export const accept = (db: Sqlite.Database) => db.exec("DROP TRIGGER refused")
