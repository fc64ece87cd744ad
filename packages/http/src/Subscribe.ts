/** Follows a server's event stream over connections that break, without losing or repeating anything. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as Event from "@mithrandir/core/Event"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ParseError } from "effect/ParseResult"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AnswerInvalid, AnswerLost, connectionError, type ServerUnreachable } from "./ClientError.ts"
import { retryAfter, silence } from "./ClientPatience.ts"
import * as Problem from "./Problem.ts"
import * as Sse from "./Sse.ts"
import { eventStream, path, StreamMessage } from "./StreamMessage.ts"

/** What a listener wants, and where it left off. */
export interface Subscription extends Event.EventFilter {
  /** The id of the last event that was seen; `0`: everything that is kept. Absent: from a snapshot on. */
  readonly lastEventId?: string
}

/**
 * What is told. What happens has the id to go on after; what a snapshot says has none. `stream.ready` ends a snapshot.
 * `stream.reset` says that there may be a gap, and why: a snapshot follows.
 */
export type StreamEvent = Exclude<StreamMessage, { readonly event: "heartbeat" }>

/** Why a stream ends: no repetition mends it. */
export type SubscribeError = Problem.Problem | AnswerInvalid

/** Before the first try again, and doubled with each that fails, up to the longest. */
const firstPause = Duration.millis(500)
const longestPause = Duration.seconds(10)

/** How to come in. */
export interface Access {
  /**
   * Sent as a bearer token to the server's url, and to no other: give it an `HttpClient` that follows no redirects, as
   * `NodeHttpClient` and `FetchHttpClient` are made (fetch itself keeps the token from other origins).
   */
  readonly token?: Redacted.Redacted
}

/** The server at a url, and who asks it. */
export const reach = (
  at: string,
  { token }: Access
): Effect.Effect<{ readonly url: string; readonly httpClient: HttpClient.HttpClient }, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (anyone) => ({
    url: at.replace(/\/+$/, ""),
    httpClient: token === undefined ? anyone : HttpClient.mapRequest(anyone, HttpClientRequest.bearerToken(token))
  }))

/**
 * What happens at the server at `http://host:port`, or wherever the API is mounted, as it happens, for ever: over
 * connections that break, servers that restart, and 45 seconds of silence it goes on by the last id, so that nothing is
 * lost and nothing comes twice. Where the server cannot go on from there it says so, `stream.reset`. Fails only with
 * what no repetition mends, as a 400, 401 or 403. In Node, and in pages.
 *
 * @example
 * subscribe(location.origin, { services: ["mail"] }).pipe(Stream.runForEach(show), Effect.provide(FetchHttpClient.layer))
 */
export const subscribe = (
  at: string,
  options: Subscription & Access = {}
): Stream.Stream<StreamEvent, SubscribeError, HttpClient.HttpClient> =>
  Stream.unwrap(Effect.map(reach(at, options), ({ httpClient, url }) => make(url, httpClient)(options)))

/** The same over this client of this server. */
export const make =
  (url: string, httpClient: HttpClient.HttpClient) =>
  (query: Subscription = {}): Stream.Stream<StreamEvent, SubscribeError> =>
    Stream.suspend(() => {
      if (!URL.canParse(url)) return Stream.fail(new AnswerInvalid({ url }))
      let lastEventId = query.lastEventId
      let failures = 0
      // How long the server asks us to stay away.
      let away = Duration.zero

      /**
       * What one connection tells. Of a snapshot nothing is passed on before all of it is there: if the connection
       * breaks within one, the next begins with it again.
       */
      const told = Stream.suspend(() => {
        away = Duration.zero
        let snapshot: Array<StreamEvent> | undefined = lastEventId === undefined ? [] : undefined
        return connect(url, httpClient, { ...query, ...(lastEventId === undefined ? {} : { lastEventId }) }).pipe(
          Stream.mapConcat((message) => {
            failures = 0
            if (message.event === "heartbeat") return []
            if (message.event === "unknown") {
              if (snapshot === undefined) lastEventId = message.id ?? lastEventId
              return []
            }
            if (message.event === "stream.reset") snapshot = []
            snapshot?.push(message)
            if (snapshot !== undefined && message.event !== "stream.ready") return []
            const events = snapshot ?? [message]
            snapshot = undefined
            lastEventId = message.id ?? lastEventId
            return events
          })
        )
      })

      // Never sooner than asked, and not all who were asked the same at the same time.
      const pause = Effect.flatMap(Random.nextRange(0.5, 1), (part) =>
        Effect.sleep(
          Duration.min(Duration.times(firstPause, 2 ** Math.min(failures++, 10)), longestPause).pipe(
            Duration.times(part),
            Duration.sum(away)
          )
        )
      )

      return told.pipe(
        Stream.catchTags({
          AnswerLost: () => Stream.empty,
          ServerUnreachable: () => Stream.empty,
          TurnedAway: (answer) => {
            away = answer.away
            return Stream.empty
          }
        }),
        Stream.concat(Stream.drain(Stream.fromEffect(pause))),
        Stream.forever
      )
    })

/** Not now. */
class TurnedAway extends Data.TaggedError("TurnedAway")<{ readonly away: Duration.Duration }> {}

/** A later version may tell more: what we have no word for is passed over, and counts as seen. */
interface Unknown {
  readonly event: "unknown"
  readonly id: string | undefined
}

/** The messages of one connection. Ends when the other side ends it. */
const connect = (
  url: string,
  httpClient: HttpClient.HttpClient,
  { lastEventId, names, services }: Subscription
): Stream.Stream<StreamMessage | Unknown, SubscribeError | AnswerLost | ServerUnreachable | TurnedAway> => {
  const request = HttpClientRequest.get(`${url}${path}`).pipe(
    HttpClientRequest.accept(eventStream),
    HttpClientRequest.setUrlParams({
      ...(services === undefined ? {} : { service: services.join(",") }),
      ...(names === undefined ? {} : { event: names.join(",") })
    }),
    lastEventId === undefined ? (same) => same : HttpClientRequest.setHeader("last-event-id", lastEventId)
  )
  const lost = () => new AnswerLost({ url })
  return httpClient.execute(request).pipe(
    Effect.mapError((error) => connectionError(url, error)),
    Effect.timeoutFail({ duration: silence, onTimeout: lost }),
    Effect.flatMap((response) => opened(url, response)),
    Stream.unwrap,
    Stream.timeoutFail(lost, silence),
    Sse.decode,
    Stream.catchTag("EventTooLong", () => Stream.fail(new AnswerInvalid({ url }))),
    Stream.mapEffect((message) => Effect.mapError(read(message), () => new AnswerInvalid({ url })))
  )
}

/** The bytes of a stream, or why there are none. */
const opened = (
  url: string,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Stream.Stream<Uint8Array, AnswerLost>, SubscribeError | TurnedAway> => {
  const { headers, status } = response
  if (status === 200 && headers["content-type"]?.startsWith(eventStream) === true) {
    return Effect.succeed(Stream.mapError(response.stream, () => new AnswerLost({ url })))
  }
  if (status >= 500 || passing.includes(status)) return new TurnedAway({ away: retryAfter(headers) })
  return response.json.pipe(
    Effect.flatMap(decodeProblem),
    Effect.mapError(() => new AnswerInvalid({ url, status })),
    Effect.flatMap(Effect.fail)
  )
}

/** Refusals that pass: too slow, too early, too often. */
const passing = [408, 425, 429]

const decodeProblem = Schema.decodeUnknown(Problem.Any)

const parsed = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.compose(
    Schema.Struct({
      id: Schema.optionalWith(Schema.String, { exact: true }),
      event: Schema.String,
      data: Schema.parseJson()
    }),
    schema,
    { strict: false }
  )
const decodeMessage = Schema.decodeUnknown(parsed(StreamMessage))

const read = ({ data, event, id }: Sse.Message): Effect.Effect<StreamMessage | Unknown, ParseError> =>
  isKnown(event)
    ? decodeMessage({ event, data, ...(id === undefined ? {} : { id }) })
    : Effect.succeed({ event: "unknown", id })

const isKnown = (event: string): boolean => events.includes(event)
const events: ReadonlyArray<string> = StreamMessage.members.map(({ fields }) => fields.event.literals[0])
