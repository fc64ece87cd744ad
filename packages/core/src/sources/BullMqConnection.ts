/** The connection of a BullMQ source: made when a call needs it, and every call ends within its deadline. */
import { type ConnectionOptions, RedisConnection } from "bullmq"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type ReadError, SourceInvalid, SourceUnavailable } from "./JobSource.ts"

/** What BullMQ makes of a connection. */
export type Client = Awaited<RedisConnection["client"]>

export interface Options {
  /** `redis://` or `rediss://`, with the database as its path where it is not 0. */
  readonly url: string
  readonly password?: Redacted.Redacted
  /** How long one call may take, connecting included. */
  readonly requestTimeout: Duration.Duration
}

export interface Connection {
  /** For BullMQ's own classes, which don't close what they are given. */
  readonly client: Client
  /** Connects if need be, then runs commands. Ends within the deadline, whatever becomes of the commands. */
  readonly call: <A>(use: (client: Client) => Promise<A>) => Effect.Effect<A, ReadError>
}

/** How much later than a call the socket gives up: a connection that says nothing any more is made anew. */
const silenceAfterDeadline = Duration.seconds(1)

export const make = (options: Options): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const redis = yield* Effect.acquireRelease(
      Effect.sync(() => new RedisConnection(settings(options), { skipVersionCheck: true, skipWaitingForReady: true })),
      // Nothing may be waited for: the other side may be gone.
      (redis) => Effect.ignore(Effect.tryPromise(() => redis.close(true)))
    )
    // Calls say what went wrong. Without a listener the process would end.
    redis.on("error", () => {})
    const client = yield* Effect.promise(() => redis.client)
    // BullMQ takes its listener away when it closes, before the last errors are out.
    client.on("error", () => {})

    let connecting: Promise<void> | undefined
    const connected = (): Promise<void> => {
      if (client.status === "ready") return Promise.resolve()
      connecting ??= client.connect().finally(() => {
        connecting = undefined
      })
      return connecting
    }

    const call = <A>(use: (client: Client) => Promise<A>) =>
      Effect.suspend(() => {
        let sent = false
        return Effect.tryPromise({
          try: () =>
            connected().then(() => {
              sent = true
              return use(client)
            }),
          catch: (error) => failure(error, sent)
        }).pipe(
          Effect.timeoutFail({
            duration: options.requestTimeout,
            onTimeout: () => new SourceUnavailable({ reason: sent ? "timeout" : "connect" })
          })
        )
      })

    return { client, call }
  })

const settings = ({ password, requestTimeout, url }: Options): ConnectionOptions => ({
  url,
  ...(password === undefined ? {} : { password: Redacted.value(password) }),
  lazyConnect: true,
  connectTimeout: Duration.toMillis(requestTimeout),
  socketTimeout: Duration.toMillis(Duration.sum(requestTimeout, silenceAfterDeadline)),
  // The next call connects. A timer of its own would only make calls fail in between.
  retryStrategy: () => null,
  // A command is sent once or never: sent again after a reconnect it could be applied twice.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  // Whatever keeps it from being ready is said in answer to the first command, and typed there.
  enableReadyCheck: false
})

/** What a failed command means. Messages of Redis may quote its arguments: none of it is kept. */
const failure = (error: unknown, sent: boolean): ReadError => {
  if (!sent) return new SourceUnavailable({ reason: "connect" })
  if (error instanceof SourceUnavailable || error instanceof SourceInvalid) return error
  const message = said(error)
  if (/\b(NOAUTH|WRONGPASS|NOPERM)\b/.test(message)) return new SourceUnavailable({ reason: "denied" })
  if (/\bREADONLY\b/.test(message)) return new SourceUnavailable({ reason: "readonly" })
  if (/\bWRONGTYPE\b/.test(message)) return new SourceInvalid({ problem: "a key of another type than BullMQ's" })
  // Refused before it was written to the socket.
  if (message.includes("Stream isn't writeable")) return new SourceUnavailable({ reason: "connect" })
  return new SourceUnavailable({ reason: isReply(error) ? "status" : "reset" })
}

/** A transaction that was refused says why in the errors of its commands. */
const said = (error: unknown): string => {
  if (!(error instanceof Error)) return ""
  const { previousErrors } = error as { readonly previousErrors?: ReadonlyArray<unknown> }
  return [error.message, ...(Array.isArray(previousErrors) ? previousErrors.map(said) : [])].join("\n")
}

const isReply = (error: unknown) => error instanceof Error && error.name === "ReplyError"
