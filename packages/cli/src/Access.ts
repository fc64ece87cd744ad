/**
 * How a one-off run gets at the house: through the server that holds the database, or by opening the database itself.
 * The commands see no difference.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import { type AuditEntry, type AuditLog, type Database, type Page, WriterLock } from "@mithrandir/core"
import { Client } from "@mithrandir/http"
import * as Effect from "effect/Effect"
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
  if (settings.services.length === 0) return yield* withoutServices(settings)
  return yield* LocalAccess.operator(settings).pipe(
    Effect.catchTag("DatabaseLocked", throughHolder),
    Effect.retry({ while: (error) => error._tag === "DatabaseLocked", schedule: whileSettling }),
    Effect.catchTag("DatabaseLocked", (locked) => busy(locked.message))
  )
})

/** To look: through the server that was named, or that announced itself and answers; else in the file. */
export const audit: (
  given: Given,
  query: AuditLog.AuditQuery
) => Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Failure, Drivers> = Effect.fn("Access.audit")(
  function* (given, query) {
    const named = yield* Settings.serverUrl(given.url)
    if (Option.isSome(named)) return yield* remoteAudit(named.value, query)
    const { database } = yield* Settings.resolve(given)
    const local = LocalAccess.audit(database, query)
    const announced = yield* liveAnnouncement(database)
    return yield* Option.match(announced, {
      onNone: () => local,
      onSome: ({ url }) => remoteAudit(url, query).pipe(Effect.catchTag("ServerUnreachable", () => local))
    })
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
    if (locked.url === undefined) return yield* locked
    const client = yield* Client.make(locked.url)
    // Asked before anything is sent: a server that is just starting or stopping is worth another try.
    yield* Effect.mapError(client.live, () => locked)
    return client
  })

/** Without services of our own there is nothing we could do with the database; whoever holds it may have some. */
const withoutServices = (settings: Settings.Settings) =>
  Effect.gen(function* () {
    const announced = yield* liveAnnouncement(settings.database)
    if (Option.isNone(announced)) {
      return yield* new ExitCode.Refused({
        code: ExitCode.usage,
        problem: "no services: name a config with --config FILE, or a running server with --url URL"
      })
    }
    const { pid, url } = announced.value
    const client = yield* Client.make(url)
    yield* Effect.catchTag(client.live, "ServerUnreachable", () =>
      busy(`${settings.database} is in use by process ${pid} (${url})`)
    )
    return client
  })

const busy = (who: string) =>
  new ExitCode.Refused({
    code: ExitCode.unreachable,
    problem: `${who}, which does not answer; wait until it is done, or stop it`
  })

/** What a server said of itself, unless its process is gone. */
const liveAnnouncement = (database: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    // It stands beside the file itself, whatever links lead there.
    const file = yield* fs.realPath(database).pipe(Effect.orElseSucceed(() => database))
    return Option.filter(yield* WriterLock.readAnnouncement(file), ({ pid }) => isAlive(pid))
  })

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Alive, and somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}
