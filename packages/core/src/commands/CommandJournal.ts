/** The journal of commands: kept for ever, so that no id runs twice. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Account, Ledger } from "../ledger/Ledger.ts"
import { type Command, CommandIdTaken, Outcome, Params, Phase, phaseOf } from "../model/Command.ts"
import { ofStatus } from "../model/Event.ts"
import type { Adoption } from "../model/Judgement.ts"
import { FromSql } from "../model/Timestamp.ts"
import { Write } from "../storage/Change.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"

/** How a command ended, and what the ledger learns from it. */
export interface Ending {
  readonly outcome: Outcome
  readonly verified: Option.Option<boolean>
  /** JSON: the target as it is now. */
  readonly after: unknown
  readonly logs: ReadonlyArray<string>
  /** What the ledger is to expect from now on, given what it knows. */
  readonly adoptions: (account: Account) => ReadonlyArray<Adoption>
}

export class CommandJournal extends Context.Tag("@mithrandir/core/CommandJournal")<
  CommandJournal,
  {
    /**
     * T1: journals a command as `queued`. An id that is there already gives the stored command, if it has the same
     * fingerprint, and `CommandIdTaken` otherwise.
     */
    readonly accept: (
      command: Command
    ) => Effect.Effect<
      { readonly command: Command; readonly replayed: boolean },
      CommandIdTaken | StoreUnavailable | StoreUnreadable
    >
    /** T2: it runs from now on, with what its target was before. */
    readonly start: (
      command: Command,
      before: Option.Option<unknown>,
      logs: ReadonlyArray<string>
    ) => Effect.Effect<void, CommandIdTaken | StoreUnavailable>
    /** T3: audit row, last event, journal and ledger, together. */
    readonly end: (
      command: Command,
      ending: Ending
    ) => Effect.Effect<void, CommandIdTaken | StoreUnavailable | StoreUnreadable>
    readonly find: (commandId: string) => Effect.Effect<Option.Option<Command>, StoreUnreadable>
    /** The ids of the commands that are running at a target, oldest first. */
    readonly runningAt: (service: string, target: string) => Effect.Effect<ReadonlyArray<string>, StoreUnreadable>
    /** Commands that have not ended, oldest first. */
    readonly unfinished: Effect.Effect<ReadonlyArray<Command>, StoreUnreadable>
  }
>() {}

const make = Effect.gen(function* () {
  const store = yield* Store
  const ledger = yield* Ledger

  const find = Effect.fn("CommandJournal.find")((commandId: string) =>
    Effect.map(
      store.read((sql) => Effect.flatMap(sql`SELECT * FROM command WHERE id = ${commandId}`, decodeRows)),
      (rows) => Option.fromNullable(rows[0])
    )
  )

  const replay = (command: Command) =>
    Effect.flatMap(
      find(command.commandId),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (stored) =>
          stored.fingerprint === command.fingerprint
            ? Effect.succeedSome({ command: stored, replayed: true })
            : new CommandIdTaken({ commandId: command.commandId })
      })
    )

  const accept = Effect.fn("CommandJournal.accept")(function* (command: Command) {
    // Looked first: a replay is to work, and to cost no write, where nothing can be written.
    const known = yield* replay(command)
    if (Option.isSome(known)) return known.value
    // An end that cannot be written now would leave it running for ever: better not begin.
    yield* store.writable
    const { commandId, logs, service } = command
    return yield* store
      .commit({
        writes: [Write.CommandAccepted({ command })],
        events: [ofStatus({ commandId, service, phase: "queued", logs })]
      })
      .pipe(
        Effect.as({ command, replayed: false }),
        // Somebody else's came between.
        Effect.catchTag("CommandIdTaken", (taken) =>
          Effect.flatMap(replay(command), Option.match({ onNone: () => taken, onSome: Effect.succeed }))
        )
      )
  })

  const start = Effect.fn("CommandJournal.start")(
    ({ commandId, service }: Command, before: Option.Option<unknown>, logs: ReadonlyArray<string>) =>
      Effect.asVoid(
        store.commit({
          writes: [Write.CommandStarted({ commandId, before, logs })],
          events: [ofStatus({ commandId, service, phase: "running", logs })]
        })
      )
  )

  const end = Effect.fn("CommandJournal.end")(function* (command: Command, ending: Ending) {
    const { commandId, service } = command
    const { logs, outcome, verified } = ending
    const timestamp = yield* DateTime.now
    const entry = {
      id: commandId,
      timestamp,
      actor: command.actor,
      actionType: command.actionType,
      target: command.target,
      outcome,
      beforeState: Option.getOrNull(command.before),
      afterState: ending.after,
      commandParams: command.params,
      logs
    }
    const status = { commandId, service, phase: phaseOf(outcome), logs }
    yield* ledger.enter(service, (account) => ({
      adoptions: ending.adoptions(account),
      read: Option.none(),
      disputes: Option.none(),
      change: {
        writes: [Write.CommandEnded({ entry, outcome, verified, logs })],
        events: [ofStatus(Option.isSome(verified) ? { ...status, verified: verified.value } : status)]
      },
      result: undefined
    }))
  })

  const runningAt = Effect.fn("CommandJournal.runningAt")((service: string, target: string) =>
    Effect.map(
      // Both words on the phase: the first is the index's own.
      store.read(
        (sql) => sql<{ id: string }>`
          SELECT id FROM command WHERE phase IN ('queued', 'running') AND phase = 'running'
            AND service = ${service} AND target = ${target} ORDER BY created_at, id`
      ),
      (rows) => rows.map(({ id }) => id)
    )
  )

  const unfinished = store.read((sql) =>
    Effect.flatMap(sql`SELECT * FROM command WHERE phase IN ('queued', 'running') ORDER BY created_at, id`, decodeRows)
  )

  return CommandJournal.of({ accept, start, end, find, runningAt, unfinished })
})

export const layer: Layer.Layer<CommandJournal, never, Store | Ledger> = Layer.effect(CommandJournal, make)

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.OptionFromNullOr(schema)

/** A target that was looked at and was not there is JSON's `null`; one that was not looked at is SQL's. */
const optionalJson = Schema.compose(optional(Schema.String), Schema.OptionFromSelf(Schema.parseJson(Schema.Unknown)))

const Row = Schema.Struct({
  commandId: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("id")),
  service: Schema.String,
  actionType: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("action_type")),
  target: Schema.String,
  params: Schema.propertySignature(Schema.parseJson(Params)).pipe(Schema.fromKey("params_json")),
  reason: optional(Schema.String),
  actor: Schema.String,
  fingerprint: Schema.String,
  phase: Phase,
  outcome: optional(Outcome),
  verified: optional(
    Schema.transform(Schema.Number, Schema.Boolean, { strict: true, decode: Boolean, encode: Number })
  ),
  logs: Schema.propertySignature(Schema.parseJson(Schema.Array(Schema.String))).pipe(Schema.fromKey("logs_json")),
  before: Schema.propertySignature(optionalJson).pipe(Schema.fromKey("before_state_json")),
  createdAt: Schema.propertySignature(FromSql).pipe(Schema.fromKey("created_at")),
  deadline: FromSql,
  endedAt: Schema.propertySignature(optional(FromSql)).pipe(Schema.fromKey("ended_at"))
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
