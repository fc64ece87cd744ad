/** The one way to commit, and the one place to read from. */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RcRef from "effect/RcRef"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { CommandIdTaken } from "../model/Command.ts"
import type { Event, NewEvent } from "../model/Event.ts"
import { toSql } from "../model/Timestamp.ts"
import * as AuditTree from "./AuditTree.ts"
import { apply, type Change, recorded, rowsAtOnce, Write } from "./Change.ts"
import { Database, type DatabaseError, describe } from "./Database.ts"
import * as LogEnd from "./LogEnd.ts"
import { NextTurn } from "./NextTurn.ts"
import * as Opening from "./Opening.ts"
import type { Objection } from "./Ownership.ts"
import { isFull, isUnwritable, unwritable } from "./Space.ts"
import { sqliteCode } from "./WriterLock.ts"

/**
 * Nothing can be written now, and nothing of the change was stored. The `reason`. `standby`: another process is the
 * writer. `readonly`: opened for reading alone. `full`: no space left. `unwritable`: the system refuses to write to the
 * file, which may grow no more, has become read-only, or is on a disk that fails. `busy`: something else has locked the
 * file, for seconds. `deposed`: another process became the writer, though this one held the lock. `tampered`: the triggers
 * that keep records from being changed are gone. `moved`: what goes by the database's name is another file, or none.
 * `failed`: the database refused.
 */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  reason: Schema.Literal("standby", "readonly", "full", "unwritable", "busy", "deposed", "tampered", "moved", "failed")
}) {
  override get message() {
    return whyUnavailable[this.reason]
  }
}

const whyUnavailable: Record<StoreUnavailable["reason"], string> = {
  standby: "another process is the writer of this database",
  readonly: "this database is open for reading alone",
  full: "the disk is full; free some space",
  unwritable,
  deposed: "another process has become the writer of this database; stop this one",
  tampered: "what keeps the records of this database from being changed was taken away; restore it from a backup",
  moved: "the database file was moved or removed while it was open; put it back, or start again",
  busy: "the database is locked by something else",
  failed: "the database refused the write; see the server's log"
}

/** The database could not be read. */
export class StoreUnreadable extends Schema.TaggedError<StoreUnreadable>()("StoreUnreadable", {}) {
  override get message() {
    return "the database could not be read; see the server's log"
  }
}

/** Runs a query that sees one moment, and nothing uncommitted. */
export type Read = <A, E>(query: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) => Effect.Effect<A, StoreUnreadable>

/** The one way to write, and the one place to read from. */
export class Store extends Context.Tag("@mithrandir/core/Store")<
  Store,
  {
    /**
     * Writes a change whole or not at all, synced to disk when it succeeds, and then wakes whoever waits. Gives its
     * events with the places they took. Changes that wait at the same time share one transaction, and its sync.
     */
    readonly commit: (change: Change) => Effect.Effect<ReadonlyArray<Event>, StoreUnavailable | CommandIdTaken>
    /** Runs a query on the read-only connection: nothing uncommitted is ever seen. */
    readonly read: Read
    /** The rows of one statement, which sees one moment by itself: a third of what a transaction of its own costs. */
    readonly readOne: <A, E>(
      statement: (sql: SqlClient.SqlClient) => Statement<object>,
      decode: (rows: ReadonlyArray<unknown>) => Effect.Effect<A, E>
    ) => Effect.Effect<A, StoreUnreadable>
    /** The same as `read` for what may take long at a million rows: meanwhile others read, and all else goes on. */
    readonly readAside: Read
    /** The place of the newest event; 0 where there is none. */
    readonly newest: Effect.Effect<number>
    /**
     * Succeeds as soon as there is an event beyond a place. With what was committed after it, where that was one commit of
     * this process: then nobody has to read it. Costs a waiting listener nothing in between.
     */
    readonly beyond: (seq: number) => Effect.Effect<Option.Option<ReadonlyArray<Event>>>
    /** What the audit ends with, where that is known without reading: to the writer, nearly always. */
    readonly auditHead: Effect.Effect<Option.Option<AuditTree.Head>>
    /** Minted with the database: what its event ids begin with. */
    readonly logId: string
    /** Succeeds once this process is the writer and the tables are migrated. */
    readonly gained: Effect.Effect<void>
    /** Whether this process is the writer now. */
    readonly isWriter: Effect.Effect<boolean>
    /** Fails, with the reason, where a write would not succeed now. */
    readonly writable: Effect.Effect<void, StoreUnavailable>
  }
>() {}

/** How often a standby looks whether the writer is gone. */
const standbyInterval = "1 second"

/**
 * How long, in milliseconds, the file is believed to be where it was. What was acknowledged before somebody removed it
 * is lost with it; what comes in the same second no less.
 */
const placeBelievedMs = 1000

/** The connection that writes, and whether it still may. */
interface Writer {
  readonly sql: SqlClient.SqlClient
  /** Why nothing is to be committed, if there is a reason. Certain inside a transaction that has written. */
  readonly objection: Effect.Effect<Objection, SqlError>
  /** The end of the tree over the audit, as the latest commit left it; where it is known. */
  readonly auditEnd: Ref.Ref<Option.Option<AuditTree.End>>
}

/** What became of a change. */
type Outcome = Exit.Exit<ReadonlyArray<Event>, StoreUnavailable | CommandIdTaken>

/** A change that waits. Whoever waits for it is told what became of it; or, by nothing, to commit what waits. */
interface Pending {
  readonly change: Change
  readonly told: Deferred.Deferred<Option.Option<Outcome>>
}

/** The most changes in one transaction: so many commands keep the process from answering for some 10 ms. */
const groupSize = 64

const make = Effect.gen(function* () {
  const database = yield* Database
  const nextTurn = yield* NextTurn
  const scope = yield* Effect.scope
  const writer = yield* Ref.make(Option.none<Writer>())
  const gained = yield* Deferred.make<void>()
  const placeSeenAt = yield* Ref.make(Number.NEGATIVE_INFINITY)
  const lastFailure = yield* Ref.make(Option.none<StoreUnavailable>())

  const become = Effect.gen(function* () {
    yield* database.lock
    const sql = yield* database.connect("write")
    yield* Opening.withProblems(database, Opening.migrate(sql))
    const objection = yield* Opening.withProblems(database, database.claim(sql))
    // Where it is damaged, the first that appends to it says so.
    const known = yield* Effect.catchAllCause(Effect.asSome(AuditTree.end(sql)), () => Effect.succeedNone)
    return { sql, objection, auditEnd: yield* Ref.make<Option.Option<AuditTree.End>>(known) }
  })

  /** The lock and the connection end together, in reverse: the database is closed before it is given up. */
  const gain = Effect.gen(function* () {
    const own = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    const gained = yield* Scope.extend(become, own).pipe(
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
    yield* Ref.set(writer, Option.some(gained))
  })

  if (database.mode === "writer") yield* gain
  if (database.mode === "standby") yield* gain.pipe(Effect.catchTag("DatabaseLocked", () => Effect.void))

  const reader = yield* database.connect("read").pipe(
    Effect.tap((sql) => Opening.withProblems(database, Opening.checkMigrated(sql))),
    // Whoever has the lock may be migrating just now.
    Effect.retry({
      while: (error) => database.mode === "standby" && (error.reason === "unmigrated" || error.reason === "missing"),
      schedule: Schedule.spaced("100 millis").pipe(Schedule.intersect(Schedule.recurs(100)))
    })
  )

  const log = yield* Opening.withProblems(database, readLog(reader))
  const end = yield* LogEnd.make(log.newest)

  const onGained = Effect.gen(function* () {
    // Events of the process that was the writer before.
    yield* Effect.flatMap(readLog(reader), ({ newest }) => end.moveTo(newest))
    yield* Deferred.succeed(gained, undefined)
  })

  if (Option.isSome(yield* Ref.get(writer))) yield* Deferred.succeed(gained, undefined)
  else if (database.mode === "standby") {
    const follow = readLog(reader).pipe(
      Effect.flatMap(({ newest }) => end.moveTo(newest)),
      Effect.ignoreLogged
    )
    // Where the log could not be read after the lock was had, only that is left to do.
    const gainOnce = Effect.flatMap(Ref.get(writer), (had) => (Option.isSome(had) ? Effect.void : gain))
    const tryAgain = gainOnce.pipe(
      Effect.zipRight(onGained),
      Effect.as(true),
      Effect.catchTag("DatabaseLocked", () => Effect.as(follow, false)),
      Effect.catchAllCause((cause) => Effect.as(Effect.logError("cannot become the writer", cause), false))
    )
    yield* Effect.forkIn(
      tryAgain.pipe(Effect.repeat({ schedule: Schedule.spaced(standbyInterval), until: (done) => done })),
      scope
    )
  }

  /** What is left of a transaction whose COMMIT or ROLLBACK failed would make every later BEGIN fail. */
  const clear = (sql: SqlClient.SqlClient) =>
    Effect.scoped(
      Effect.flatMap(sql.reserve, (connection) => connection.executeUnprepared("ROLLBACK", [], undefined))
    ).pipe(Effect.catchAllCause(() => Effect.void))

  const checkPlace = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (Math.abs(now - (yield* Ref.get(placeSeenAt))) < placeBelievedMs) return
    if (yield* database.isInPlace) return yield* Ref.set(placeSeenAt, now)
    const moved = new StoreUnavailable({ reason: "moved" })
    yield* Effect.logError("a commit was refused", moved.message)
    yield* Ref.set(lastFailure, Option.some(moved))
    return yield* moved
  })

  /** All of the changes, or none: the events of each. */
  const transact = ({ auditEnd, objection, sql }: Writer, changes: ReadonlyArray<Change>) =>
    Effect.gen(function* () {
      const failure = yield* Ref.make<Option.Option<Cause.Cause<unknown>>>(Option.none())
      const body = Effect.gen(function* () {
        const writes = changes.flatMap(({ writes }) => writes)
        for (const write of writes) yield* apply(sql, write)
        const grown = yield* AuditTree.append(sql, recorded(writes), yield* Ref.get(auditEnd))
        const events = yield* append(
          sql,
          changes.flatMap(({ events }) => events)
        )
        yield* heed(objection)
        return { events, grown }
      }).pipe(Effect.tapErrorCause((cause) => Ref.set(failure, Option.some(cause))))
      const exit = yield* Effect.exit(sql.withTransaction(body))
      if (exit._tag === "Success") {
        yield* Ref.set(lastFailure, Option.none())
        yield* Ref.set(auditEnd, exit.value.grown)
        return exit.value.events
      }
      yield* Ref.set(auditEnd, Option.none())
      // A rollback that fails hides why there was one.
      const cause = Option.getOrElse(yield* Ref.get(failure), () => exit.cause)
      const taken = Option.filter(Cause.failureOption(cause), (error) => error instanceof CommandIdTaken)
      if (Option.isSome(taken)) return yield* taken.value
      yield* clear(sql)
      const error = Cause.squash(cause)
      const unavailable = error instanceof StoreUnavailable ? error : new StoreUnavailable({ reason: reasonOf(error) })
      // A busy one is tried again, and told once it is given up.
      if (!isBusy(unavailable)) {
        const why = error instanceof StoreUnavailable ? error.message : sqliteCode(error) || Cause.pretty(cause)
        yield* Effect.logError("a commit failed", why)
      }
      yield* Ref.set(lastFailure, Option.some(unavailable))
      return yield* unavailable
    })

  const current: Effect.Effect<Writer, StoreUnavailable> = Effect.flatMap(
    Ref.get(writer),
    Option.match({
      onNone: () => new StoreUnavailable({ reason: database.mode === "standby" ? "standby" : "readonly" }),
      onSome: Effect.succeed
    })
  )

  const commitAll = (changes: ReadonlyArray<Change>) =>
    Effect.gen(function* () {
      const writer = yield* current
      yield* checkPlace
      const events = yield* transact(writer, changes).pipe(
        Effect.retry({
          while: isBusy,
          schedule: Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(60))
        }),
        Effect.tapError((error) => (isBusy(error) ? Effect.logError("the database stayed locked") : Effect.void))
      )
      const last = events.at(-1)
      if (last !== undefined) yield* end.moveTo(last.seq, events)
      return events
    })

  const waiting: Array<Pending> = []
  let isLed = false

  /**
   * Commits what waits, in the order it came, and has the first of those that came meanwhile do the same. Gives what became
   * of the first: whoever leads has waited longest.
   */
  const lead = Effect.gen(function* () {
    yield* nextTurn
    const group = waiting.splice(0, groupSize)
    const [own, ...others] = yield* Effect.catchAllCause(commitGroup(group), (cause) =>
      Effect.succeed(group.map(({ told }) => ({ told, outcome: Exit.failCause(cause) })))
    )
    yield* Effect.forEach(others, ({ outcome, told }) => Deferred.succeed(told, Option.some(outcome)), {
      discard: true
    })
    const [next] = waiting
    if (next === undefined) isLed = false
    else yield* Deferred.succeed(next.told, Option.none())
    return own?.outcome ?? (yield* Effect.dieMessage("a group of none was committed"))
  })

  /** All of them together; one by one where that failed, and may not fail for each. */
  const commitGroup = (group: ReadonlyArray<Pending>) =>
    Effect.flatMap(Effect.exit(commitAll(group.map(({ change }) => change))), (exit) => {
      if (Exit.isFailure(exit) && group.length > 1 && isOfOne(exit.cause)) {
        return Effect.forEach(group, ({ change, told }) =>
          Effect.map(Effect.exit(commitAll([change])), (outcome) => ({ told, outcome }))
        )
      }
      let to = 0
      return Effect.succeed(
        group.map(({ change, told }) => {
          const from = to
          to += change.events.length
          return { told, outcome: Exit.map(exit, (events) => events.slice(from, to)) }
        })
      )
    })

  const commit = Effect.fn("Store.commit")(
    function* (change: Change) {
      const told = yield* Deferred.make<Option.Option<Outcome>>()
      waiting.push({ change, told })
      if (isLed) {
        const outcome = yield* Deferred.await(told)
        if (Option.isSome(outcome)) return yield* outcome.value
      }
      // One at a time: a rollback that came late would undo somebody else's.
      isLed = true
      return yield* yield* lead
    },
    ownTransaction,
    // Half a commit is none, and one that is through must be told.
    Effect.uninterruptible
  )

  const readOn = <A, E>(sql: SqlClient.SqlClient, query: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
    // In a transaction, so that all its statements see the same moment.
    ownTransaction(sql.withTransaction(query(sql)))

  const readably = <A, E>(reading: Effect.Effect<A, E>) =>
    Effect.catchAllCause(reading, (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.interrupt
        : Effect.zipRight(
            Effect.logError("a read failed", whyUnread(Cause.squash(cause)) ?? cause),
            new StoreUnreadable()
          )
    )

  const read: Read = (query) => readably(readOn(reader, query))

  // On a connection that is its own for as long: in somebody else's transaction it would see what is older.
  const readOne: Context.Tag.Service<Store>["readOne"] = (statement, decode) =>
    Effect.flatMap(reader.reserve, (connection) => {
      const [text, params] = statement(reader).compile()
      return connection.execute(text, params, undefined)
    }).pipe(Effect.scoped, Effect.flatMap(decode), readably)

  /** Opened with the first that may take long, and again where its thread has ended. */
  const aside = yield* RcRef.make({ acquire: database.connect("aside"), idleTimeToLive: Duration.infinity })
  const readAside: Read = (query) =>
    Effect.scoped(
      Effect.flatMap(RcRef.get(aside), (sql) =>
        Effect.tapErrorCause(readOn(sql, query), (cause) =>
          hasEnded(Cause.squash(cause)) ? RcRef.invalidate(aside) : Effect.void
        )
      )
    ).pipe(readably)

  /** What SQLite says of its file, in words; nothing where it is the program that failed. */
  const whyUnread = (error: unknown) => (sqliteCode(error) === "" ? undefined : describe(database.name, error).message)

  return Store.of({
    commit,
    read,
    readOne,
    readAside,
    newest: end.newest,
    beyond: end.beyond,
    auditHead: Effect.flatMap(
      Ref.get(writer),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: ({ auditEnd }) =>
          Effect.map(
            Ref.get(auditEnd),
            Option.map(({ edge, leaf }) => ({ size: edge.size, leaf }))
          )
      })
    ),
    logId: log.logId,
    gained: Deferred.await(gained),
    isWriter: Effect.map(Ref.get(writer), Option.isSome),
    writable: Effect.gen(function* () {
      const { objection } = yield* current
      // After a failure only a write can tell whether it is over: this one, whatever others came to.
      if (Option.isSome(yield* Ref.get(lastFailure))) {
        yield* Effect.catchTag(commit(probe), "CommandIdTaken", () => Effect.void)
      }
      // Nobody may have written for a while.
      yield* Effect.catchTag(heed(objection), "SqlError", () => Effect.void)
    }).pipe(ownTransaction)
  })
})

/** The connection is of no use any more: what failed is not what SQLite answered. */
const hasEnded = (error: unknown): boolean => error instanceof SqlError && sqliteCode(error) === ""

/** Fails with what speaks against a commit. */
const heed = (objection: Writer["objection"]): Effect.Effect<void, StoreUnavailable | SqlError> =>
  Effect.flatMap(objection, (reason) =>
    reason === undefined ? Effect.void : Effect.fail(new StoreUnavailable({ reason }))
  )

/** Gives events their places, gapless and in commit order, and stores them. Also of none, it is a write. */
const append = (sql: SqlClient.SqlClient, events: ReadonlyArray<NewEvent>) =>
  Effect.gen(function* () {
    const rows = yield* sql<{ newest: number }>`
      UPDATE event_seq SET newest = newest + ${events.length} WHERE only = 1 RETURNING newest`
    const before = Number(rows[0]?.newest) - events.length
    const time = toSql(DateTime.unsafeMake(yield* Clock.currentTimeMillis))
    const placed = events.map((event, index): Event => ({ ...event, seq: before + index + 1 }))
    for (const some of Arr.chunksOf(placed, rowsAtOnce)) {
      yield* sql`INSERT INTO event ${sql.insert(some.map((event) => ({ ...event, time })))}`
    }
    return placed
  })

const readLog = (sql: SqlClient.SqlClient) =>
  Effect.flatMap(sql<{ log_id: string; newest: number }>`SELECT log_id, newest FROM event_seq`, ([row]) =>
    row === undefined
      ? Effect.dieMessage("event_seq has lost its row")
      : Effect.succeed({ logId: row.log_id, newest: Number(row.newest) })
  )

/**
 * The transaction that a caller has open is its own, on its own connection: the tag it goes by is the same for every
 * client, and ours would become a savepoint in it, to be rolled back with it.
 */
const ownTransaction = Effect.locallyWith(FiberRef.currentContext, Context.omit(SqlClient.TransactionConnection))

/** As large as a command's rows: a smaller write may still fit where they do not. It leaves nothing. */
const probe: Change = { writes: [Write.Probed({ bytes: 65_536 })], events: [] }

/** Somebody else writes to the file, and SQLite lets one at a time. */
const isBusy = (error: StoreUnavailable | CommandIdTaken): boolean =>
  error._tag === "StoreUnavailable" && error.reason === "busy"

/** Why a group failed may lie in one of its changes, or in how many there were: the others may be committed without. */
const isOfOne = (cause: Cause.Cause<StoreUnavailable | CommandIdTaken>): boolean =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => true,
    onSome: (error) => error._tag === "CommandIdTaken" || error.reason === "full" || error.reason === "failed"
  })

const reasonOf = (error: unknown): StoreUnavailable["reason"] => {
  const code = sqliteCode(error)
  if (isFull(code)) return "full"
  if (isUnwritable(code)) return "unwritable"
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return "busy"
  if (code.startsWith("SQLITE_READONLY")) return "readonly"
  return "failed"
}

/**
 * Opens the database as `Database` says: migrates it where this process is the writer, refuses one that is newer
 * than the program, and stands by where it may.
 */
export const layer: Layer.Layer<Store, DatabaseError, Database> = Layer.scoped(Store, make)
