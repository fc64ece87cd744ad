/**
 * How a one-off run gets at the house: through the server that holds the database, or by opening the database itself.
 * The commands see no difference.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import { type Command, Database, WriterLock } from "@mithrandir/core"
import { Client } from "@mithrandir/http"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ServiceConfig } from "../config/ServiceEntry.ts"
import * as Settings from "../config/Settings.ts"
import type { Drivers, Failure } from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import type { ListedService } from "../output/ServiceList.ts"
import { isAlive } from "./Holder.ts"
import type { Keeper } from "./Keeper.ts"
import * as LocalAccess from "./LocalAccess.ts"
import type { Operator } from "./Operator.ts"
import * as Reader from "./Reader.ts"

/** What was said on the command line of where the house is. */
export interface Given extends Settings.Given {
  readonly url: Option.Option<string>
  readonly token: Option.Option<Redacted.Redacted>
  readonly tokenFile: Option.Option<string>
}

/**
 * To change something: through the server that was named; else by ourselves, as the writer; else, where the lock says
 * that somebody else is the writer, through whom it announced. Only the lock is believed: an announcement may be left
 * over from a server that was killed, and its port be somebody else's by now.
 */
export const operator: (given: Given) => Effect.Effect<Operator, Failure, Drivers | Scope.Scope> = Effect.fn(
  "Access.operator"
)(function* (given) {
  const token = yield* Settings.serverToken(given)
  const named = yield* Settings.serverUrl(given.url)
  if (Option.isSome(named)) return ofServer(yield* clientOf({ url: named.value, token }))
  const settings = yield* Settings.resolve(given)
  const throughServer = Effect.map(holder(settings.database, token), Option.map(ofServer))
  // Without services of our own there is nothing we could do with the database; whoever holds it may have some.
  const services = yield* Effect.either(servicesOf(settings))
  if (Either.isLeft(services)) {
    return yield* Effect.flatMap(
      throughServer,
      Option.match({ onNone: () => Effect.fail(services.left), onSome: Effect.succeed })
    )
  }
  return yield* LocalAccess.operator(settings.database, services.right).pipe(
    Effect.catchTag("DatabaseLocked", (locked) => Effect.map(throughHolder(locked, token), ofServer)),
    Effect.retry({ while: (error) => error._tag === "DatabaseLocked", schedule: whileSettling }),
    Effect.catchTag("DatabaseLocked", (locked) => busy(locked.message))
  )
})

/**
 * To look: through the server that was named; else through the one that is the writer, if it gives an answer; else in
 * the file, which has the same to say.
 */
export const look = <A>(
  given: Given,
  ask: (reader: Reader.Reader) => Effect.Effect<A, Failure>
): Effect.Effect<A, Failure, Drivers> =>
  Effect.gen(function* () {
    const token = yield* Settings.serverToken(given)
    const named = yield* Settings.serverUrl(given.url)
    if (Option.isSome(named)) {
      return yield* clientOf({ url: named.value, token }).pipe(
        Effect.map(Reader.ofServer),
        Effect.flatMap(ask),
        nothingAtStake
      )
    }
    const { database } = yield* Settings.resolve(given)
    const local = Effect.scoped(Effect.flatMap(LocalAccess.reader(database), ask))
    const announced = yield* announcement(database)
    if (Option.isNone(announced)) return yield* local
    return yield* Effect.flatMap(ifLive(announced.value.url, token), (client) => ask(Reader.ofServer(client))).pipe(
      Effect.catchAll(() => local)
    )
  })

/** To look at much, which cannot begin again elsewhere: in the file, unless a server was named. */
export const reader: (given: Given) => Effect.Effect<Reader.Reader, Failure, Drivers | Scope.Scope> = Effect.fn(
  "Access.reader"
)(function* (given) {
  const token = yield* Settings.serverToken(given)
  const named = yield* Settings.serverUrl(given.url)
  if (Option.isSome(named)) return harmless(Reader.ofServer(yield* clientOf({ url: named.value, token })))
  return yield* LocalAccess.reader((yield* Settings.resolve(given)).database)
})

/** To say who may come in: through the server that was named, else by ourselves, else through who has the database. */
export const keeper: (given: Given) => Effect.Effect<Keeper, Failure, Drivers | Scope.Scope> = Effect.fn(
  "Access.keeper"
)(function* (given) {
  const token = yield* Settings.serverToken(given)
  const named = yield* Settings.serverUrl(given.url)
  if (Option.isSome(named)) return keeperOf(yield* clientOf({ url: named.value, token }))
  const { database } = yield* Settings.resolve(given)
  return yield* LocalAccess.keeper(database).pipe(
    Effect.catchTag("DatabaseLocked", (locked) => Effect.map(throughHolder(locked, token), keeperOf)),
    Effect.retry({ while: (error) => error._tag === "DatabaseLocked", schedule: whileSettling }),
    Effect.catchTag("DatabaseLocked", (locked) => busy(locked.message))
  )
})

/** What a command would find: through a server that knows the services, else asked of them by ourselves. */
export const preview = (
  given: Given,
  request: Command.CommandRequest
): Effect.Effect<Command.Preview, Failure, Drivers> =>
  elsewhere(
    given,
    (client) => client.preview(request),
    (settings) =>
      Effect.flatMap(servicesOf(settings), (services) => LocalAccess.preview(settings.database, services, request))
  )

/** The services with their health: as a server knows them, else probed by ourselves. */
export const services = (given: Given): Effect.Effect<ReadonlyArray<ListedService>, Failure, Drivers> =>
  elsewhere<ReadonlyArray<ListedService>>(
    given,
    (client) => client.services,
    (settings) => Effect.flatMap(servicesOf(settings), (services) => LocalAccess.services(settings.database, services))
  )

/** Where a server is, and how to come in. */
export interface Server {
  readonly url: string
  readonly token: Option.Option<Redacted.Redacted>
}

/** The server that was named, or that says that it has the database. To follow what happens there has to be one. */
export const server: (given: Given) => Effect.Effect<Server, Failure, Drivers> = Effect.fn("Access.server")(
  function* (given) {
    const token = yield* Settings.serverToken(given)
    const named = yield* Settings.serverUrl(given.url)
    if (Option.isSome(named)) return { url: named.value, token }
    const { database } = yield* Settings.resolve(given)
    const announced = yield* announcement(database)
    if (Option.isSome(announced)) return { url: announced.value.url, token }
    return yield* new ExitCode.Refused({
      code: ExitCode.unreachable,
      problem: `no server has ${database}: start one with mithrandir serve, or name one with --url URL`
    })
  }
)

/** A client of a server. */
export const clientOf = ({ token, url }: Server) =>
  Client.make(url, Option.match(token, { onNone: () => ({}), onSome: (token) => ({ token }) }))

/** Through a server, if one was named or has the database; else by ourselves. */
const elsewhere = <A>(
  given: Given,
  remotely: (client: Client.Client) => Effect.Effect<A, Failure>,
  locally: (settings: Settings.Settings) => Effect.Effect<A, Failure, Drivers>
): Effect.Effect<A, Failure, Drivers> =>
  Effect.gen(function* () {
    const token = yield* Settings.serverToken(given)
    const named = yield* Settings.serverUrl(given.url)
    if (Option.isSome(named))
      return yield* clientOf({ url: named.value, token }).pipe(Effect.flatMap(remotely), nothingAtStake)
    const settings = yield* Settings.resolve(given)
    const found = yield* holder(settings.database, token)
    return yield* Option.match(found, {
      onNone: () => locally(settings),
      onSome: (client) => nothingAtStake(remotely(client))
    })
  })

const ofServer = (client: Client.Client): Operator => ({
  reconcile: client.reconcile,
  accept: client.submit,
  run: client.run
})

const keeperOf = (client: Client.Client): Keeper => ({ create: client.createToken, revoke: client.revokeToken })

/** Nothing was at stake: whoever loses this answer may simply ask again. */
export const nothingAtStake = <A, R>(effect: Effect.Effect<A, Failure, R>): Effect.Effect<A, Failure, R> =>
  Effect.mapError(effect, unanswered)

const unanswered = (error: Failure): Failure =>
  error instanceof Client.AnswerLost
    ? new ExitCode.Refused({
        code: ExitCode.unreachable,
        problem: `${error.url} gave no whole answer; see that a Mithrandir server is there, and ask again`
      })
    : error

/** The same of everything that a reader may be asked. */
const harmless = (reader: Reader.Reader): Reader.Reader => ({
  audit: (query) => nothingAtStake(reader.audit(query)),
  auditEntry: (id) => nothingAtStake(reader.auditEntry(id)),
  auditEntries: (filter) => Stream.mapError(reader.auditEntries(filter), unanswered),
  discrepancies: (query) => nothingAtStake(reader.discrepancies(query)),
  tokens: nothingAtStake(reader.tokens),
  securityEvents: (query) => nothingAtStake(reader.securityEvents(query))
})

/**
 * A server takes the lock before it listens, and keeps it until the last answer is out; a one-off run holds it for as
 * long as its command takes. Most are done by then.
 */
const whileSettling = Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(15))

const throughHolder = (locked: Database.DatabaseLocked, token: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function* () {
    if (locked.url === undefined || locked.pid === undefined || !isAlive(locked.pid)) return yield* locked
    // A server that is just starting or stopping is worth another try.
    return yield* Effect.mapError(ifLive(locked.url, token), () => locked)
  })

/** Whoever holds the database, where somebody does. */
const holder = (database: string, token: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function* () {
    const announced = yield* announcement(database)
    if (Option.isNone(announced)) return Option.none<Client.Client>()
    const { pid, url } = announced.value
    const client = Effect.catchAll(ifLive(url, token), () => busy(`${database} is in use by process ${pid} (${url})`))
    return Option.some(yield* client)
  })

/** The services of the config; there has to be one. */
const servicesOf = (settings: Settings.Settings): Effect.Effect<ReadonlyArray<ServiceConfig>, Failure> =>
  Effect.flatMap(settings.services, (services) =>
    services.length === 0 ? noServices(settings) : Effect.succeed(services)
  )

const noServices = (settings: Settings.Settings) =>
  new ExitCode.Refused({
    code: ExitCode.usage,
    problem: `no services: ${Settings.whyNone(settings)}, or name a running server with --url URL`
  })

/** How long a server on this machine may take to say that it is there. */
const liveDeadline = Duration.seconds(2)

/** Asked before anything is sent. */
const ifLive = (url: string, token: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function* () {
    const client = yield* clientOf({ url, token })
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
