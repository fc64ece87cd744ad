/** What a one-off run may look at, whichever way it gets at the house. */
import {
  type AuditEntry,
  AuditLog,
  AuditQuery,
  type Command,
  type Database,
  DiscrepancyLog,
  type Page,
  type SecurityEvent,
  SecurityLog,
  Store,
  type Token,
  Tokens
} from "@mithrandir/core"
import type { Client } from "@mithrandir/http"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

import type { Drivers, Failure } from "../line/Program.ts"

/** What needs no writer. */
export interface Reader {
  /** One page of what was done. */
  readonly audit: (query: AuditQuery.AuditQuery) => Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Failure>
  /** What became of one command. */
  readonly auditEntry: (id: Command.CommandId) => Effect.Effect<AuditEntry.AuditEntry, Failure>
  /** All of what was done that a filter lets through, the oldest first, each once. */
  readonly auditEntries: (filter: AuditQuery.AuditFilter) => Stream.Stream<AuditEntry.AuditEntry, Failure>
  /** One page of what differed. */
  readonly discrepancies: (
    query: DiscrepancyLog.DiscrepancyQuery
  ) => Effect.Effect<Page.Page<DiscrepancyLog.Discrepancy>, Failure>
  /** Every token there ever was, without the tokens themselves. */
  readonly tokens: Effect.Effect<ReadonlyArray<Token.Token>, Failure>
  /** One page of who tried what and was not let. */
  readonly securityEvents: (
    query: SecurityLog.SecurityQuery
  ) => Effect.Effect<Page.Page<SecurityEvent.SecurityEvent>, Failure>
}

/** Through a server. */
export const ofServer = (client: Client.Client): Reader => ({
  audit: client.audit,
  auditEntry: client.auditEntry,
  auditEntries: client.auditEntries,
  discrepancies: client.discrepancies,
  tokens: client.tokens,
  securityEvents: client.securityEvents
})

/** In the file, beside whoever writes it. */
export const ofDatabase = (
  database: Layer.Layer<Database.Database, Database.DatabaseError, Drivers>
): Effect.Effect<Reader, Failure, Drivers | Scope.Scope> =>
  Effect.map(
    Layer.build(
      Layer.mergeAll(AuditLog.layer, DiscrepancyLog.layer, SecurityLog.layer, Tokens.layer).pipe(
        Layer.provide(Store.layer),
        Layer.provide(database)
      )
    ),
    (context): Reader => {
      const audit = Context.get(context, AuditLog.AuditLog)
      return {
        audit: audit.page,
        auditEntry: audit.get,
        auditEntries: audit.entries,
        discrepancies: Context.get(context, DiscrepancyLog.DiscrepancyLog).page,
        tokens: Context.get(context, Tokens.Tokens).list,
        securityEvents: Context.get(context, SecurityLog.SecurityLog).page
      }
    }
  )
