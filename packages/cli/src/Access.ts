/**
 * How a one-off run gets at the house: through the server that holds the database, or by opening the database itself.
 * The commands see no difference.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import { type AuditEntry, type AuditLog, Database, type Page, WriterLock } from "@mithrandir/core"
import { Client } from "@mithrandir/http"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as ExitCode from "./ExitCode.ts"
import * as LocalAccess from "./LocalAccess.ts"
import type { Operator } from "./Operator.ts"
import type { Drivers, Failure } from "./Program.ts"
import * as Settings from "./Settings.ts"

/** What was said on the command line of where the house is. */
export interface Given extends Settings.Given {
  readonly url: Option.Option<string>
}

/**
 * To change something: through the server that was named; else by ourselves, as the writer; else, where the lock says
 * that somebody else is the writer, through whom it announced. Only the lock is believed: an announcement may be left
 * over from a server that was killed, and its port be somebody else's by now.
 */
export const operator: (given: Given) => Effect.Effect<Operator, Failure, Drivers | Scope.Scope> = Effect.fn(
  "Access.operator"
)(function* (given) {
  const named = yield* Settings.serverUrl(given.url)
  if (Option.isSome(named)) return yield* remote(named.value)
  const settings = yield* Settings.resolve(given)
  // Without services of our own there is nothing we could do with the database; whoever holds it may have some.
  if (Either.isLeft(settings.services)) return yield* throughServer(settings.database, settings.services.left)
  const services = settings.services.right
  if (services.length === 0) return yield* throughServer(settings.database, noServices(settings))
  return yield* LocalAccess.operator(settings.database, services).pipe(
    Effect.catchTag("DatabaseLocked", throughHolder),
    Effect.retry({ while: (error) => error._tag === "DatabaseLocked", schedule: whileSettling }),
    Effect.catchTag("DatabaseLocked", (locked) => busy(locked.message))
  )
})

/**
 * To look: through the server that was named; else through the one that is the writer, if it gives an answer; else in
 * the file, which has the same to say.
 */
export const audit: (
  given: Given,
  query: AuditLog.AuditQuery
) => Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Failure, Drivers> = Effect.fn("Access.audit")(
  function* (given, query) {
    const named = yield* Settings.serverUrl(given.url)
    if (Option.isSome(named)) return yield* remoteAudit(named.value, query)
    const { database } = yield* Settings.resolve(given)
    const local = LocalAccess.audit(database, query)
    const announced = yield* announcement(database)
    if (Option.isNone(announced)) return yield* local
    return yield* Effect.flatMap(ifLive(announced.value.url), (client) => client.audit(query)).pipe(
      Effect.catchAll(() => local)
    )
  }
)

const remote = (url: string): Effect.Effect<Operator, never, HttpClient.HttpClient> => Client.make(url)

const remoteAudit = (url: string, query: AuditLog.AuditQuery) =>
  Effect.flatMap(Client.make(url), (client) => client.audit(query)).pipe(
    // Nothing was at stake: whoever loses this answer may simply ask again.
    Effect.catchTag(
      "AnswerLost",
      ({ message }) => new ExitCode.Refused({ code: ExitCode.unreachable, problem: message })
    )
  )

/**
 * A server takes the lock before it listens, and keeps it until the last answer is out; a one-off run holds it for as
 * long as its command takes. Most are done by then.
 */
const whileSettling = Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(15))

const throughHolder = (locked: Database.DatabaseLocked) =>
  Effect.gen(function* () {
    if (locked.url === undefined || locked.pid === undefined || !isAlive(locked.pid)) return yield* locked
    // A server that is just starting or stopping is worth another try.
    return yield* Effect.mapError(ifLive(locked.url), () => locked)
  })

/** Through whoever holds the database, or not at all. */
const throughServer = <E>(database: string, otherwise: E) =>
  Effect.gen(function* () {
    const announced = yield* announcement(database)
    if (Option.isNone(announced)) return yield* Effect.fail(otherwise)
    const { pid, url } = announced.value
    return yield* Effect.catchAll(ifLive(url), () => busy(`${database} is in use by process ${pid} (${url})`))
  })

const noServices = ({ configFile }: Settings.Settings) =>
  new ExitCode.Refused({
    code: ExitCode.usage,
    problem: Option.match(configFile, {
      onNone: () => "no services: name a config with --config FILE, or a running server with --url URL",
      onSome: (file) => `no services: ${file} has none; add one to its "services", or name a server with --url URL`
    })
  })

/** How long a server on this machine may take to say that it is there. */
const liveDeadline = Duration.seconds(2)

/** Asked before anything is sent. */
const ifLive = (url: string) =>
  Effect.gen(function* () {
    const client = yield* Client.make(url)
    yield* Effect.timeout(client.live, liveDeadline)
    return client
  })

const busy = (who: string) =>
  new ExitCode.Refused({
    code: ExitCode.unreachable,
    problem: `${who}, which does not answer; wait until it is done, or stop it`
  })

/** What the writer said of itself. What is left over from one that was killed does not count. */
const announcement = (database: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    // It stands beside the file itself, whatever links lead there.
    const file = yield* fs.realPath(database).pipe(Effect.orElseSucceed(() => database))
    const announced = Option.filter(yield* WriterLock.readAnnouncement(file), ({ pid }) => isAlive(pid))
    return Option.isSome(announced) && (yield* isHeld(file)) ? announced : Option.none<WriterLock.Announcement>()
  })

/** Whether somebody is the writer. Found by trying to be it, for a moment: a process id may be another's by now. */
const isHeld = (database: string) =>
  Database.Database.pipe(
    Effect.flatMap(({ lock }) => Effect.scoped(lock)),
    // As a reader, so that the database itself is left alone.
    Effect.provide(Database.layerSqlite({ filename: database, mode: "reader" })),
    Effect.as(false),
    Effect.catchTag("DatabaseLocked", () => Effect.succeed(true)),
    // Where the lock cannot be tried, nothing is known of who has it, and nobody is believed.
    Effect.catchTag("DatabaseUnusable", () => Effect.succeed(false))
  )

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Alive, and somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}
