/** A running server, from another program: the routes as functions, their problems as errors. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as HttpClient from "@effect/platform/HttpClient"
import { type HttpClientError, isHttpClientError } from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { type AuditEntry, Command, Event, type Page, type Service, type Store } from "@mithrandir/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Api } from "./Api.ts"
import type { AuditQuery } from "./AuditApi.ts"
import type { Accepted } from "./CommandsApi.ts"
import type { Problem } from "./Problem.ts"
import type { RunRequest } from "./ReconciliationApi.ts"
import * as Sse from "./Sse.ts"
import { eventStream } from "./StreamApi.ts"

/** No connection could be made: nothing was asked of anybody. */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  url: Schema.String
}) {
  override get message() {
    return `no server answers at ${this.url}`
  }
}

/** The request was sent, or may have been, and no answer came. What it asked for may be done, and may not. */
export class AnswerLost extends Schema.TaggedError<AnswerLost>()("AnswerLost", { url: Schema.String }) {
  override get message() {
    return `no answer came from ${this.url} that says what became of it`
  }
}

/** What answers there is no Mithrandir, or one that we do not understand. */
export class AnswerInvalid extends Schema.TaggedError<AnswerInvalid>()("AnswerInvalid", {
  url: Schema.String,
  status: Schema.optionalWith(Schema.Int, { exact: true })
}) {
  override get message() {
    return `what answers at ${this.url} is not a Mithrandir server${this.status === undefined ? "" : ` (status ${this.status})`}`
  }
}

export type ConnectionError = ServerUnreachable | AnswerLost | AnswerInvalid

export type SubmitError =
  | Service.ServiceNotFound
  | Command.ActionNotFound
  | Command.ActionNotSupported
  | Command.CommandInvalid
  | Command.CommandIdTaken
  | Store.StoreUnavailable
  | Store.StoreUnreadable
  | Problem
  | ConnectionError

export interface Client {
  /** Has a command accepted, and does not wait for it. */
  readonly submit: (request: Command.CommandRequest) => Effect.Effect<Accepted, SubmitError>
  /**
   * Has a command run and stays until it has ended, telling every phase once; of one that had ended before, its last
   * alone. Once it may have arrived, whatever goes wrong is tried again with the same id, so that nothing runs twice;
   * `AnswerLost` when that does not help for `patience`.
   */
  readonly run: (
    request: Command.CommandRequest,
    tell: (status: Event.CommandStatus) => Effect.Effect<void>,
    /** Told once, if the command had ended before this request. */
    endedBefore?: Effect.Effect<void>
  ) => Effect.Effect<Command.CommandState, SubmitError>
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
  readonly audit: (
    query: AuditQuery
  ) => Effect.Effect<Page.Page<AuditEntry.AuditEntry>, Store.StoreUnreadable | Problem | ConnectionError>
  readonly services: Effect.Effect<ReadonlyArray<Service.Service>, Store.StoreUnreadable | Problem | ConnectionError>
  /** Succeeds where a server answers at all. */
  readonly live: Effect.Effect<void, Problem | ConnectionError>
  /** Fails with a `Problem`, `not-ready`, where nothing can be written. */
  readonly ready: Effect.Effect<void, Problem | ConnectionError>
}

/** How long a server may be gone while it runs our command: a restart and its recovery. */
export const patience = Duration.seconds(30)

/** Three heartbeats missed: whoever was there is no longer. */
const silence = Duration.seconds(45)

/** How long any answer but a stream may take. A pass reads its source twice, and each reading has its own deadline. */
const answerTimeout = Duration.seconds(60)

/** A pause before another try: short beside anything a person would notice. */
const pause = Duration.millis(250)

/** A client of the server at `http://host:port`, or wherever the API is mounted. */
export const make = (url: string): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const httpClient = yield* HttpClient.HttpClient
    const api = yield* HttpApiClient.make(Api, { baseUrl: url })

    const ask = <A, E>(effect: Effect.Effect<A, E>) =>
      effect.pipe(
        Effect.mapError((error) => (isUnspoken(error) ? connectionError(url, error) : (error as Exclude<E, Unspoken>))),
        Effect.timeoutFail({ duration: answerTimeout, onTimeout: () => new AnswerLost({ url }) })
      )

    const submit = (request: Command.CommandRequest) =>
      ask(api.commands.run({ payload: request })).pipe(
        // Nobody asked for events.
        Effect.flatMap((answer) => (typeof answer === "string" ? new AnswerInvalid({ url }) : Effect.succeed(answer)))
      )

    const command = (commandId: Command.CommandId) => ask(api.commands.get({ path: { commandId } }))

    const live = Effect.asVoid(ask(api.health.live({})))

    /** Tries until there is an answer, or an error that is one. */
    const persist = <A, E, Answer extends E = never>(
      effect: Effect.Effect<A, E>,
      isAnswer: (error: E) => error is Answer
    ): Effect.Effect<A, Answer | AnswerLost> =>
      Effect.retry(effect, {
        until: isAnswer,
        schedule: Schedule.spaced(pause).pipe(Schedule.upTo(patience))
      }).pipe(Effect.mapError((error) => (isAnswer(error) ? error : new AnswerLost({ url }))))

    const submitOnce = (request: Command.CommandRequest) =>
      submit(request).pipe(
        Effect.catchIf(mayHaveArrived, () =>
          // A command that has ended by now is the one that we sent.
          Effect.map(persist(submit(request), isRefusal), (accepted) => ({ ...accepted, replayed: false }))
        )
      )

    /** The phases of a command that was accepted, as a repeated request is told them. */
    const phases = (request: Command.CommandRequest): Stream.Stream<Event.CommandStatus, unknown> =>
      HttpClientRequest.post(`${url}/commands/run`).pipe(
        HttpClientRequest.accept(eventStream),
        HttpClientRequest.schemaBodyJson(Command.CommandRequest)(request),
        Effect.flatMap(httpClient.execute),
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        HttpClientResponse.stream,
        Stream.timeoutFail(() => new AnswerLost({ url }), silence),
        Sse.decode,
        Stream.filter(({ event }) => event === "command.status"),
        Stream.mapEffect(({ data }) => decodeStatus(data))
      )

    const run: Client["run"] = (request, tell, endedBefore = Effect.void) =>
      Effect.gen(function* () {
        // Nothing is sent to somebody else, who would take it for who knows what.
        yield* Effect.catchTag(live, "AnswerLost", () => new ServerUnreachable({ url }))
        const { phase, replayed } = yield* submitOnce(request)
        if (replayed && Command.isEnd(phase)) {
          yield* endedBefore
          const state = yield* persist(command(request.commandId), isNone)
          yield* tell(statusOf(state))
          return state
        }
        let told: Event.CommandStatus | undefined
        // Each connection begins at the beginning again; nobody is told what they know, or something older.
        const tellNew = (status: Event.CommandStatus) =>
          Effect.suspend(() => {
            if (told !== undefined && !isNewer(status, told)) return Effect.void
            told = status
            return tell(status)
          })
        while (true) {
          // However the stream ends, the state says whether the command has.
          yield* Effect.catchAll(Stream.runForEach(phases(request), tellNew), () => Effect.void)
          const state = yield* persist(command(request.commandId), isNone)
          yield* tellNew(statusOf(state))
          if (Command.isEnd(state.phase)) return state
          yield* Effect.sleep(pause)
        }
      })

    return {
      submit,
      run,
      command,
      reconcile: (request) => Effect.map(ask(api.reconciliation.run({ payload: request })), ({ data }) => data),
      status: Effect.map(ask(api.reconciliation.status({})), ({ data }) => data),
      audit: (query) => ask(api.audit.page({ urlParams: query })),
      services: Effect.map(ask(api.services.registered({})), ({ data }) => data),
      live,
      ready: Effect.asVoid(ask(api.health.ready({})))
    }
  })

/** What the framework's client fails with where it gets no answer that the routes have a word for. */
type Unspoken = HttpClientError | ParseResult.ParseError | HttpApiDecodeError

const isUnspoken = (error: unknown): error is Unspoken =>
  isHttpClientError(error) || ParseResult.isParseError(error) || error instanceof HttpApiDecodeError

const connectionError = (url: string, error: Unspoken): ConnectionError => {
  switch (error._tag) {
    case "RequestError":
      return isRefused(error.cause) ? new ServerUnreachable({ url }) : new AnswerLost({ url })
    case "ResponseError":
      // A body that broke off is a decode error to the framework; only with its cause it was the connection.
      return error.reason === "Decode" && error.cause !== undefined
        ? new AnswerLost({ url })
        : new AnswerInvalid({ url, status: error.response.status })
    default:
      return new AnswerInvalid({ url })
  }
}

/** The system's words for a connection that was never made. */
const refused = ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EAI_AGAIN"]

/** A name with several addresses fails with one error around theirs. */
const isRefused = (cause: unknown): boolean =>
  cause instanceof AggregateError
    ? cause.errors.every(isRefused)
    : cause instanceof Error && "code" in cause && refused.includes(String(cause.code))

/** Whether a request that failed so may have done what it asked for. The answer of a gateway tells nothing. */
const mayHaveArrived = (error: SubmitError): boolean => {
  switch (error._tag) {
    case "AnswerLost":
    case "StoreUnreadable":
      return true
    case "AnswerInvalid":
      return error.status === undefined || error.status < 300 || error.status >= 500
    case "Problem":
      return error.status >= 500
    default:
      return false
  }
}

type Refusal = Exclude<SubmitError, Store.StoreUnavailable | Store.StoreUnreadable | Problem | ConnectionError>

/** The command itself does not fit: no repetition changes that. */
const isRefusal = (error: SubmitError): error is Refusal => refusals.includes(error._tag)
const refusals: ReadonlyArray<string> = [
  "ServiceNotFound",
  "ActionNotFound",
  "ActionNotSupported",
  "CommandInvalid",
  "CommandIdTaken"
] satisfies ReadonlyArray<Refusal["_tag"]>

/** A command that was accepted has a state, whatever a look-up says that went wrong. */
const isNone = (_: unknown): _ is never => false

const decodeStatus = Schema.decode(Schema.parseJson(Event.CommandStatus))

const isNewer = (status: Event.CommandStatus, told: Event.CommandStatus): boolean =>
  status.phase === told.phase
    ? status.logs.length > told.logs.length
    : told.phase === "queued" || Command.isEnd(status.phase)

const statusOf = ({ commandId, logs, phase, service, verified }: Command.CommandState): Event.CommandStatus => ({
  commandId,
  service,
  phase,
  logs,
  ...(verified === undefined ? {} : { verified })
})
