/** What a commit writes, as values, and how each is written. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AuditEntry } from "../model/AuditEntry.ts"
import { type Command, CommandIdTaken, type Outcome, phaseOf, predecessors } from "../model/Command.ts"
import type { NewEvent, PassStatus } from "../model/Event.ts"
import type { JobId } from "../model/Job.ts"
import type { KnownCounts } from "../model/JobView.ts"
import type { Adoption, Dispute } from "../model/Judgement.ts"
import { ofTokens, type SecurityEvent } from "../model/SecurityEvent.ts"
import type { Registration, ServiceId } from "../model/Service.ts"
import { type Timestamp, toSql } from "../model/Timestamp.ts"
import type { Token, TokenId } from "../model/Token.ts"
import type * as AuditTree from "./AuditTree.ts"

/** All of it, or nothing. */
export interface Change {
  readonly writes: ReadonlyArray<Write>
  readonly events: ReadonlyArray<NewEvent>
}

export type Write = Data.TaggedEnum<{
  /** T1. Fails with `CommandIdTaken` if the id is in the journal already, whatever its content. */
  CommandAccepted: { readonly command: Command }
  /** T2. Fails with `CommandIdTaken` if the command is not `queued` any more. */
  CommandStarted: {
    readonly commandId: string
    readonly before: Option.Option<unknown>
    readonly logs: ReadonlyArray<string>
  }
  /** T3, with the row of the audit. Fails with `CommandIdTaken` if the command has ended already. */
  CommandEnded: {
    readonly entry: AuditEntry
    readonly outcome: Outcome
    readonly verified: Option.Option<boolean>
    readonly logs: ReadonlyArray<string>
  }
  /** What the ledger learns. */
  LedgerAdopted: { readonly service: ServiceId; readonly adoptions: ReadonlyArray<Adoption> }
  /** The counts that are expected from now on, and when they were read. */
  LedgerRead: { readonly service: ServiceId; readonly asOf: Timestamp; readonly counts: KnownCounts }
  /** Disputes that are new or changed, and those that ended. */
  DisputesChanged: {
    readonly service: ServiceId
    readonly open: ReadonlyArray<Dispute>
    readonly ended: ReadonlyArray<Dispute>
  }
  DiscrepancyRecorded: {
    readonly id: string
    readonly timestamp: Timestamp
    readonly service: ServiceId
    readonly status: PassStatus
    readonly countsJson: string
    readonly checksum: string
    readonly latencyMs: number
    readonly detailsJson: Option.Option<string>
  }
  /** The latest update of a service, as it goes over the stream, and its status if that went on the record. */
  PassEnded: { readonly service: ServiceId; readonly data: string; readonly recorded: Option.Option<PassStatus> }
  /** Every service there is now; any other becomes retired. */
  ServicesRegistered: { readonly registrations: ReadonlyArray<Registration>; readonly at: Timestamp }
  /** Writes and removes so many bytes: tells whether writing works. */
  Probed: { readonly bytes: number }
  /** Removes events up to a place. */
  EventsPruned: { readonly upTo: number }
  /** A token, recognised by its hash. */
  TokenCreated: { readonly token: Token; readonly hash: string }
  /** Since when a token is worth nothing. One that was revoked before keeps its time. */
  TokenRevoked: { readonly id: TokenId; readonly at: Timestamp }
  /** One that is there already, by its id, is left as it is. */
  SecurityNoted: { readonly events: ReadonlyArray<SecurityEvent> }
  /** Keeps the newest, so many, and of those what is not older; and what became of tokens. */
  SecurityPruned: { readonly before: Timestamp; readonly newest: number }
}>

export const Write = Data.taggedEnum<Write>()

/**
 * Rows in one statement. SQLite takes 32,766 parameters; a statement of this size keeps the process from answering
 * for about a millisecond.
 */
export const rowsAtOnce = 200

const json = (value: Option.Option<unknown>): string | null => Option.getOrNull(Option.map(value, stringify))
const stringify = (value: unknown): string => JSON.stringify(value) ?? "null"

const auditRow = (entry: AuditEntry): AuditTree.Row => ({
  id: entry.id,
  timestamp: toSql(entry.timestamp),
  actor: entry.actor,
  action_type: entry.actionType,
  target: entry.target,
  outcome: entry.outcome,
  before_state_json: entry.beforeState === null ? null : stringify(entry.beforeState),
  after_state_json: entry.afterState === null ? null : stringify(entry.afterState),
  command_params_json: stringify(entry.commandParams),
  logs_json: stringify(entry.logs)
})

/** The rows that writes add to the audit, in their order. They are appended once all else is written. */
export const recorded = (writes: ReadonlyArray<Write>): ReadonlyArray<AuditTree.Row> =>
  writes.flatMap((write) => (write._tag === "CommandEnded" ? [auditRow(write.entry)] : []))

/** Writes one part of a change, but for what it adds to the audit. The caller has the transaction. */
export const apply = (sql: SqlClient, write: Write): Effect.Effect<void, SqlError | CommandIdTaken> =>
  Write.$match(write, {
    CommandAccepted: ({ command }) =>
      expectRow(
        command.commandId,
        sql`INSERT INTO command ${sql.insert({
          id: command.commandId,
          service: command.service,
          action_type: command.actionType,
          target: command.target,
          params_json: stringify(command.params),
          reason: Option.getOrNull(command.reason),
          actor: command.actor,
          fingerprint: command.fingerprint,
          phase: command.phase,
          logs_json: stringify(command.logs),
          created_at: toSql(command.createdAt),
          deadline: toSql(command.deadline)
        })} ON CONFLICT (id) DO NOTHING RETURNING id`
      ),

    CommandStarted: ({ commandId, before, logs }) =>
      expectRow(
        commandId,
        sql`UPDATE command SET phase = 'running', before_state_json = ${json(before)}, logs_json = ${stringify(logs)}
            WHERE id = ${commandId} AND ${sql.in("phase", predecessors("running"))} RETURNING id`
      ),

    CommandEnded: ({ entry, outcome, verified, logs }) =>
      Effect.gen(function* () {
        const at = toSql(entry.timestamp)
        yield* expectRow(
          entry.id,
          sql`UPDATE command SET phase = ${phaseOf(outcome)}, outcome = ${outcome},
                verified = ${Option.getOrNull(Option.map(verified, Number))},
                logs_json = ${stringify(logs)}, ended_at = ${at}
              WHERE id = ${entry.id} AND ${sql.in("phase", predecessors(phaseOf(outcome)))} RETURNING id`
        )
      }),

    LedgerAdopted: ({ service, adoptions }) =>
      Effect.gen(function* () {
        const gone: Array<JobId> = []
        const there: Array<Record<string, string | number>> = []
        for (const { id, to } of adoptions) {
          if (to === undefined) gone.push(id)
          else there.push({ service, id, queue: to.queue, state: to.state, leaves: Number(to.leaves === true) })
        }
        for (const ids of Arr.chunksOf(gone, rowsAtOnce)) {
          yield* sql`DELETE FROM ledger_job WHERE service = ${service} AND ${sql.in("id", ids)}`
        }
        for (const rows of Arr.chunksOf(there, rowsAtOnce)) {
          yield* sql`INSERT INTO ledger_job ${sql.insert(rows)} ON CONFLICT (service, id)
                     DO UPDATE SET queue = excluded.queue, state = excluded.state, leaves = excluded.leaves`
        }
      }),

    LedgerRead: ({ service, asOf, counts }) =>
      sql`INSERT INTO ledger ${sql.insert({ service, as_of: toSql(asOf), counts_json: stringify(counts) })}
          ON CONFLICT (service) DO UPDATE SET as_of = excluded.as_of, counts_json = excluded.counts_json`,

    DisputesChanged: ({ service, open, ended }) =>
      Effect.gen(function* () {
        for (const { kind, id } of ended) {
          yield* sql`DELETE FROM dispute WHERE service = ${service} AND kind = ${kind} AND id = ${id}`
        }
        const rows = open.map(({ kind, id, expected, actual, since }) => {
          return { service, kind, id, expected: String(expected), actual: String(actual), since: toSql(since) }
        })
        for (const some of Arr.chunksOf(rows, rowsAtOnce)) {
          yield* sql`INSERT INTO dispute ${sql.insert(some)} ON CONFLICT (service, kind, id)
                     DO UPDATE SET expected = excluded.expected, actual = excluded.actual`
        }
      }),

    DiscrepancyRecorded: (row) =>
      sql`INSERT INTO discrepancy_event ${sql.insert({
        id: row.id,
        timestamp: toSql(row.timestamp),
        service: row.service,
        status: row.status,
        counts_json: row.countsJson,
        checksum: row.checksum,
        latency_ms: row.latencyMs,
        discrepancy_details_json: Option.getOrNull(row.detailsJson)
      })}`,

    PassEnded: (row) =>
      sql`INSERT INTO latest_update ${sql.insert({
        service: row.service,
        data: row.data,
        recorded_status: Option.getOrNull(row.recorded)
      })} ON CONFLICT (service) DO UPDATE SET data = excluded.data,
            recorded_status = COALESCE(excluded.recorded_status, latest_update.recorded_status)`,

    ServicesRegistered: ({ registrations, at }) =>
      Effect.gen(function* () {
        yield* sql`UPDATE service SET retired_at = ${toSql(at)} WHERE retired_at IS NULL`
        for (const service of registrations) {
          yield* sql`INSERT INTO service ${sql.insert({
            id: service.id,
            name: service.name,
            type: service.type,
            health_endpoint: service.healthEndpoint ?? "",
            metadata_json: stringify(service.metadata),
            registered_at: toSql(service.registeredAt)
          })} ON CONFLICT (id) DO UPDATE SET name = excluded.name, type = excluded.type,
                health_endpoint = excluded.health_endpoint, metadata_json = excluded.metadata_json, retired_at = NULL`
        }
      }),

    Probed: ({ bytes }) =>
      Effect.zipRight(
        sql`INSERT INTO latest_update (service, data) VALUES ('', ${"0".repeat(bytes)})`,
        sql`DELETE FROM latest_update WHERE service = ''`
      ),

    EventsPruned: ({ upTo }) => sql`DELETE FROM event WHERE seq <= ${upTo}`,

    TokenCreated: ({ hash, token }) =>
      sql`INSERT INTO token ${sql.insert({
        id: token.id,
        actor: token.actor,
        role: token.role,
        hash,
        created_at: toSql(token.createdAt),
        created_by: token.createdBy,
        expires_at: token.expiresAt === null ? null : toSql(token.expiresAt),
        revoked_at: null
      })}`,

    TokenRevoked: ({ at, id }) =>
      sql`UPDATE token SET revoked_at = ${toSql(at)} WHERE id = ${id} AND revoked_at IS NULL`,

    SecurityNoted: ({ events }) =>
      Effect.forEach(
        Arr.chunksOf(events, rowsAtOnce),
        (some) => {
          const rows = some.map((event) => ({ ...event, timestamp: toSql(event.timestamp) }))
          return sql`INSERT INTO security_event ${sql.insert(rows)} ON CONFLICT (id) DO NOTHING`
        },
        { discard: true }
      ),

    SecurityPruned: ({ before, newest }) =>
      sql`DELETE FROM security_event WHERE NOT ${sql.in("kind", ofTokens)} AND (timestamp < ${toSql(before)} OR id NOT IN
            (SELECT id FROM security_event WHERE NOT ${sql.in("kind", ofTokens)}
             ORDER BY timestamp DESC, id DESC LIMIT ${newest}))`
  })

/** A statement that must touch its row: if it touched none, the command is not in the phase it was thought to be in. */
const expectRow = (commandId: string, statement: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
  Effect.filterOrFail(
    statement,
    (rows) => rows.length === 1,
    () => new CommandIdTaken({ commandId })
  )
