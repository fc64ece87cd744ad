/** A running server, from another program: the routes as functions, their problems as errors. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as UrlParams from "@effect/platform/UrlParams"
import type {
  AuditCheckpoints,
  AuditQuery as Core,
  DiscrepancyLog,
  Event,
  JobSource,
  Page,
  SecurityEvent,
  Service,
  Store,
  Token
} from "@mithrandir/core"
import { AuditEntry, Command } from "@mithrandir/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import { Api } from "./Api.ts"
import type { AuditQuery } from "./AuditApi.ts"
import {
  AnswerInvalid,
  AnswerLost,
  type ConnectionError,
  connectionError,
  isUnspoken,
  type SubmitError,
  type Unspoken
} from "./ClientError.ts"
import * as ClientExport from "./ClientExport.ts"
import * as ClientRun from "./ClientRun.ts"
import * as ClientStuck from "./ClientStuck.ts"
import type { Accepted, Concluded } from "./CommandsApi.ts"
import type { DiscrepancyQuery } from "./DiscrepanciesApi.ts"
import { maxWaitSeconds } from "./Prefer.ts"
import type { Problem } from "./Problem.ts"
import type { RunRequest } from "./ReconciliationApi.ts"
import type { NewToken, SecurityQuery, StreamTicket } from "./SecurityApi.ts"
import * as Subscribe from "./Subscribe.ts"

/** What can go wrong, and the types that the functions below speak of. */
export { AnswerInvalid, AnswerLost, type ConnectionError, ServerUnreachable, type SubmitError } from "./ClientError.ts"
/** How long a server may be gone, or turn us away, while it is to run our command. */
export { patience } from "./ClientPatience.ts"
/** What is told of the stream, and asked of it. */
export type { Access, StreamEvent, SubscribeError, Subscription } from "./Subscribe.ts"

/** How to have a command accepted. */
export interface SubmitOptions {
  /** Wait so long for it to end; the server waits 30 seconds at most. Default: do not wait. */
  readonly wait?: Duration.DurationInput
}

/**
 * The routes of one server. Where it is asked too much of it fails with a `Problem` of status 429, which says after how
 * many seconds to come back (`retryAfter`); `run` and `subscribe` do so by themselves.
 */
export interface Client {
  /**
   * Has a command accepted. Does not wait for it, unless told to; `outcome` is there if it has ended by then. Leaving
   * does not stop it.
   */
  readonly submit: (
    request: Command.CommandRequest,
    options?: SubmitOptions
  ) => Effect.Effect<Accepted | Concluded, SubmitError>
  /** What a command would find, were it sent now. Nothing is written, and its id stays free. */
  readonly preview: (request: Command.CommandRequest) => Effect.Effect<Command.Preview, SubmitError>
  /**
   * Has a command run and stays until it has ended, telling every phase once; of one that had ended before, its last
   * alone. Once it may have arrived, whatever goes wrong is tried again with the same id, so that nothing runs twice;
   * `AnswerLost` when that does not help for `patience`. Told to come back later, it does, within `patience`.
   */
  readonly run: (
    request: Command.CommandRequest,
    tell: (status: Event.CommandStatus) => Effect.Effect<void>,
    /** Told once, if the command had ended before this request. */
    endedBefore?: Effect.Effect<void>
  ) => Effect.Effect<Command.CommandState, SubmitError>
  /** The state of a command, from its acceptance on. */
  readonly command: (
    commandId: Command.CommandId
  ) => Effect.Effect<Command.CommandState, Command.CommandNotFound | Store.StoreUnreadable | Problem | ConnectionError>
  /** A pass now; with `accept`, taking what the source says for true. */
  readonly reconcile: (
    request: RunRequest
  ) => Effect.Effect<
    ReadonlyArray<Event.ReconciliationUpdate>,
    Service.ServiceNotFound | Store.StoreUnavailable | Store.StoreUnreadable | Problem | ConnectionError
  >
  /** The latest pass of every service. */
  readonly status: Effect.Effect<
    ReadonlyArray<Event.ReconciliationUpdate>,
    Store.StoreUnreadable | Problem | ConnectionError
  >
  /** One page of what was done. */
  readonly audit: (
    query: AuditQuery
  ) => Effect.Effect<Core.AuditPage, Core.AuditCursorInvalid | Store.StoreUnreadable | Problem | ConnectionError>
  /** What became of one command, by its `commandId`, once it has ended. */
  readonly auditEntry: (
    id: Command.CommandId
  ) => Effect.Effect<
    AuditEntry.AuditEntry,
    AuditEntry.AuditEntryNotFound | Store.StoreUnreadable | Problem | ConnectionError
  >
  /**
   * All of what was done that a filter lets through and that was there at the beginning, the oldest first, each once, as it
   * comes: little of it is in memory. Fails where it breaks off.
   */
  readonly auditEntries: (filter: Core.AuditFilter) => Stream.Stream<AuditEntry.AuditEntry, Problem | ConnectionError>
  /** The newest signed checkpoint of the audit: a note to be kept elsewhere. */
  readonly auditCheckpoint: Effect.Effect<string, AuditCheckpoints.AuditCheckpointNotFound | Problem | ConnectionError>
  /** One page of what differed. */
  readonly discrepancies: (
    query: DiscrepancyQuery
  ) => Effect.Effect<Page.Page<DiscrepancyLog.Discrepancy>, Store.StoreUnreadable | Problem | ConnectionError>
  /** Every service that was ever registered, with its health. */
  readonly services: Effect.Effect<ReadonlyArray<Service.Service>, Store.StoreUnreadable | Problem | ConnectionError>
  /**
   * What an upstream says of its stuck jobs, whatever its status. Of the query, `service` says which service and is
   * needed where several could answer; the rest is the upstream's. Fails with a `Problem` where it gives no answer.
   *
   * @example
   * client.stuck({ service: "palantir", olderThan: 60 })
   */
  readonly stuck: (query?: UrlParams.Input) => Effect.Effect<JobSource.RawAnswer, Problem | ConnectionError>
  /**
   * What happens, as it happens, for ever: over connections that break, servers that restart, and 45 seconds of
   * silence it goes on by the last id, so that nothing is lost and nothing comes twice. Where the server cannot go on
   * from there it says so, `stream.reset`. Fails only with what no repetition mends, as a 400, 401 or 403.
   */
  readonly subscribe: (query?: Subscribe.Subscription) => Stream.Stream<Subscribe.StreamEvent, Subscribe.SubscribeError>
  /** A ticket to the event stream, for who can send no headers: `EventSource`. Good once, and for 30 seconds. */
  readonly streamTicket: Effect.Effect<StreamTicket, Problem | ConnectionError>
  /** One page of who was refused at the doors, and what became of tokens. */
  readonly securityEvents: (
    query: SecurityQuery
  ) => Effect.Effect<Page.Page<SecurityEvent.SecurityEvent>, Store.StoreUnreadable | Problem | ConnectionError>
  /** Every token there ever was, the oldest first, without its text. */
  readonly tokens: Effect.Effect<ReadonlyArray<Token.Token>, Store.StoreUnreadable | Problem | ConnectionError>
  /** Makes a token. Its text, to be sent as a bearer token, is in this answer and nowhere else. */
  readonly createToken: (request: NewToken) => Effect.Effect<
    {
      /** Starts with `mth_`. */
      readonly text: Redacted.Redacted
      /** What `tokens` tells of it. */
      readonly token: Token.Token
    },
    Store.StoreUnavailable | Problem | ConnectionError
  >
  /** Has a token be worth nothing from now on; gives what it is now. One that was revoked before stays as it is. */
  readonly revokeToken: (
    id: Token.TokenId
  ) => Effect.Effect<
    Token.Token,
    Token.TokenNotFound | Store.StoreUnavailable | Store.StoreUnreadable | Problem | ConnectionError
  >
  /** Succeeds where a server answers at all. */
  readonly live: Effect.Effect<void, Problem | ConnectionError>
  /** Fails with a `Problem`, `not-ready`, where nothing can be written. */
  readonly ready: Effect.Effect<void, Problem | ConnectionError>
  /** Every route, as OpenAPI 3.1, at the paths where that server has them. */
  readonly document: Effect.Effect<{ readonly [member: string]: unknown }, Problem | ConnectionError>
}

/** How long any answer but a stream may take. A pass reads its source twice, and each reading has its own deadline. */
const answerTimeout = Duration.seconds(60)

/** A client of the server at `http://host:port`, or wherever the API is mounted: `https://api.example.com/ops`. */
export const make = (at: string, access: Subscribe.Access = {}): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const { httpClient, url } = yield* Subscribe.reach(at, access)
    const api = yield* HttpApiClient.makeWith(Api, { httpClient, baseUrl: url })

    const ask = <A, E>(effect: Effect.Effect<A, E>) =>
      effect.pipe(
        Effect.mapError((error) => (isUnspoken(error) ? connectionError(url, error) : (error as Exclude<E, Unspoken>))),
        Effect.timeoutFail({ duration: answerTimeout, onTimeout: () => new AnswerLost({ url }) })
      )

    const submit: Client["submit"] = (request, { wait } = {}) => {
      const prefer =
        wait === undefined ? {} : { prefer: `wait=${Math.min(Math.ceil(Duration.toSeconds(wait)), maxWaitSeconds)}` }
      return ask(api.mithrandirCommands.run({ payload: request, headers: prefer })).pipe(
        // Nobody asked for events, or for a dry run.
        Effect.flatMap((answer) =>
          typeof answer === "string" || "dryRun" in answer ? new AnswerInvalid({ url }) : Effect.succeed(answer)
        )
      )
    }

    const preview: Client["preview"] = (request) =>
      ask(api.mithrandirCommands.run({ payload: { ...request, dryRun: true }, headers: {} })).pipe(
        Effect.flatMap((answer) =>
          typeof answer !== "string" && "dryRun" in answer ? Effect.succeed(answer) : new AnswerInvalid({ url })
        )
      )

    const command: Client["command"] = (commandId) => ask(api.mithrandirCommands.get({ path: { commandId } }))

    const live = Effect.asVoid(ask(api.mithrandirHealth.live({})))

    return {
      submit,
      preview,
      run: ClientRun.make({ url, httpClient, live, submit, command }),
      command,
      reconcile: (request) =>
        Effect.map(ask(api.mithrandirReconciliation.run({ payload: request })), ({ data }) => data),
      status: Effect.map(ask(api.mithrandirReconciliation.status({})), ({ data }) => data),
      audit: (query) => ask(api.mithrandirAudit.page({ urlParams: query, headers: {} })),
      auditEntry: (id) =>
        Command.reservedIds.includes(id)
          ? new AuditEntry.AuditEntryNotFound({ id })
          : ask(api.mithrandirAudit.get({ path: { id } })),
      auditEntries: ClientExport.make(url, httpClient),
      auditCheckpoint: ask(api.mithrandirAudit.checkpoint({})),
      discrepancies: (query) => ask(api.mithrandirDiscrepancies.page({ urlParams: query })),
      services: Effect.map(ask(api.mithrandirServices.registered({})), ({ data }) => data),
      stuck: (query = {}) => ask(ClientStuck.ask(url, httpClient, query)),
      subscribe: Subscribe.make(url, httpClient),
      streamTicket: ask(api.mithrandirSecurity.ticket({})),
      securityEvents: (query) => ask(api.mithrandirSecurity.events({ urlParams: query })),
      tokens: Effect.map(ask(api.mithrandirSecurity.tokens({})), ({ data }) => data),
      createToken: (request) =>
        Effect.map(ask(api.mithrandirSecurity.createToken({ payload: request })), ({ token: text, ...token }) => ({
          text: Redacted.make(text),
          token
        })),
      revokeToken: (id) => ask(api.mithrandirSecurity.revokeToken({ path: { id } })),
      live,
      ready: Effect.asVoid(ask(api.mithrandirHealth.ready({}))),
      document: ask(api.mithrandirDocument.document({}))
    }
  })
