/** Has a command run and stays until it has ended, over connections that break. */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Command, Event, type Store } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Client } from "./Client.ts"
import { AnswerLost, type ConnectionError, ServerUnreachable, type SubmitError } from "./ClientError.ts"
import { askedFor, deadline, pause, silence, untilNextTry } from "./ClientPatience.ts"
import type { Problem } from "./Problem.ts"
import * as Sse from "./Sse.ts"
import { eventStream } from "./StreamMessage.ts"

/** What it is made of. */
export interface Parts {
  readonly url: string
  readonly httpClient: HttpClient.HttpClient
  readonly live: Client["live"]
  readonly submit: Client["submit"]
  readonly command: Client["command"]
}

/** `Client.run` of these parts. */
export const make = ({ command, httpClient, live, submit, url }: Parts): Client["run"] => {
  /** Tries until there is an answer, or an error that is one. */
  const persist = <A, E, Answer extends E = never>(
    effect: Effect.Effect<A, E>,
    isAnswer: (error: E) => error is Answer
  ): Effect.Effect<A, Answer | AnswerLost> =>
    Effect.flatMap(deadline, (deadline) =>
      Effect.retry(effect, {
        while: (error) => (isAnswer(error) ? Effect.succeed(false) : untilNextTry(error, deadline))
      })
    ).pipe(Effect.mapError((error) => (isAnswer(error) ? error : new AnswerLost({ url }))))

  /** Comes back when it is told to, where that is all that is wrong: nothing has started. */
  const submitInTurn = (request: Command.CommandRequest) =>
    Effect.flatMap(deadline, (deadline) =>
      Effect.retry(submit(request), {
        while: (error) => (isTooSoon(error) ? untilNextTry(error, deadline) : Effect.succeed(false))
      })
    )

  const submitOnce = (request: Command.CommandRequest) =>
    submitInTurn(request).pipe(
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

  return (request, tell, endedBefore = Effect.void) =>
    Effect.gen(function* () {
      // Nothing is sent to somebody else, who would take it for who knows what.
      yield* Effect.catchTag(live, "AnswerLost", () => new ServerUnreachable({ url }))
      const { phase, replayed } = yield* submitOnce(request)
      if (replayed && Command.isEnd(phase)) {
        yield* endedBefore
        const state = yield* persist(command(request.commandId), isNone)
        yield* tell(Event.statusOf(state))
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
      let notBefore = 0
      const follow = Effect.catchAll(Stream.runForEach(phases(request), tellNew), (error) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          notBefore = now + Duration.toMillis(askedFor(error))
        })
      )
      while (true) {
        // However the stream ends, or where there may be none for now, the state says whether the command has.
        if ((yield* Clock.currentTimeMillis) >= notBefore) yield* follow
        const state = yield* persist(command(request.commandId), isNone)
        yield* tellNew(Event.statusOf(state))
        if (Command.isEnd(state.phase)) return state
        yield* Effect.sleep(pause)
      }
    })
}

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

/** Too many at once: what we asked for was not looked at. */
const isTooSoon = (error: SubmitError): boolean => error._tag === "Problem" && error.status === 429

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
