/** The connection of a BullMQ source: made when a call needs it, and every call ends within its deadline. */

import type * as Net from "node:net"
import { type ConnectionOptions, RedisConnection } from "bullmq"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as BullMqConnector from "./BullMqConnector.ts"
import * as Egress from "./Egress.ts"
import { type ReadError, SourceInvalid, SourceUnavailable } from "./JobSource.ts"

/** What BullMQ makes of a connection. */
export type Client = Awaited<RedisConnection["client"]>

export interface Options {
  /** `redis://` or `rediss://`, with the database as its path where it is not 0. */
  readonly url: string
  readonly password?: Redacted.Redacted
  /** How long one call may take, connecting included. */
  readonly requestTimeout: Duration.Duration
  /** How the host's name is resolved: by `Egress.lookup` unless told otherwise. */
  readonly lookup?: Net.LookupFunction
  /** Done once with every new client, before its first command. */
  readonly prepare: (client: Client) => void
}

export interface Connection {
  /** Connects if need be, then runs commands. Ends within the deadline, whatever becomes of the commands. */
  readonly call: <A>(use: (client: Client) => Promise<A>) => Effect.Effect<A, ReadError>
}

/** How much later than a call the socket gives up: a connection that says nothing any more is made anew. */
const silenceAfterDeadline = Duration.seconds(1)

export const make = (options: Options): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const open = new Set<RedisConnection>()
    // Nothing may be waited for: the other side may be gone.
    const close = (redis: RedisConnection) => {
      open.delete(redis)
      redis.close(true).catch(() => {})
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => open.forEach(close)))

    let current: Promise<Client> | undefined
    /** The client of now. One that ended is not used again: a new one has no past to trip over. */
    const connected = (): Promise<Client> => {
      if (current !== undefined) return current
      const forget = () => {
        if (current === opening) current = undefined
      }
      const opening = connect(forget)
      opening.catch(forget)
      current = opening
      return opening
    }
    const connect = async (onEnd: () => void): Promise<Client> => {
      const redis = new RedisConnection(settings(options), {
        blocking: false,
        skipVersionCheck: true,
        skipWaitingForReady: true
      })
      open.add(redis)
      // What it is told while it introduces itself, it tells nobody who asks.
      let refusal: unknown
      try {
        // Without listeners the process would end; BullMQ's own goes too early.
        redis.on("error", () => {})
        const client = await redis.client
        client.on("error", (error) => {
          if (isReply(error) || error instanceof Egress.AddressRefused) refusal = error
        })
        client.once("end", () => {
          close(redis)
          onEnd()
        })
        await client.connect()
        // A server that does not know us breaks the connection over a long command, and the reason is lost with it.
        await client.llen("mithrandir")
        options.prepare(client)
        return client
      } catch (error) {
        close(redis)
        throw refusal ?? error
      }
    }

    const call = <A>(use: (client: Client) => Promise<A>) =>
      Effect.suspend(() => {
        let sent = false
        let givenUp = false
        return Effect.tryPromise({
          try: (signal) =>
            connected().then((client) => {
              // Connecting goes on for the next call. A call that was reported as never made must not be made now.
              if (givenUp || signal.aborted) throw new Error("given up while connecting")
              sent = true
              return use(client)
            }),
          catch: (error) => failure(error, sent)
        }).pipe(
          Effect.timeoutFail({
            duration: options.requestTimeout,
            onTimeout: () => {
              // Said and done in one go: nothing can be sent between the two.
              givenUp = true
              return new SourceUnavailable({ reason: sent ? "timeout" : "connect" })
            }
          })
        )
      })

    return { call }
  })

const settings = ({ lookup = Egress.lookup, password, requestTimeout, url }: Options): ConnectionOptions => ({
  url,
  Connector: BullMqConnector.make(lookup),
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
  if (error instanceof Egress.AddressRefused) return new SourceUnavailable({ reason: "address" })
  const message = said(error)
  // A script that was denied one of its commands has run those before it: what it did nobody knows.
  if (/\b(NOAUTH|WRONGPASS|NOPERM(?! ACL failure in script)|invalid password)\b/.test(message)) {
    return new SourceUnavailable({ reason: "denied" })
  }
  // A replica; full; too few replicas; no disk. A script that has written is never told any of these.
  if (/\b(READONLY|OOM|NOREPLICAS|MISCONF)\b/.test(message)) return new SourceUnavailable({ reason: "readonly" })
  if (/\bWRONGTYPE\b/.test(message)) return new SourceInvalid({ problem: "a key of another type than BullMQ's" })
  // Refused before it was written to the socket.
  if (message.includes("Stream isn't writeable")) return new SourceUnavailable({ reason: "connect" })
  return new SourceUnavailable({ reason: isReply(error) ? "status" : sent ? "reset" : "connect" })
}

/** A transaction that was refused says why in the errors of its commands. */
const said = (error: unknown): string => {
  if (!(error instanceof Error)) return ""
  const { previousErrors } = error as { readonly previousErrors?: ReadonlyArray<unknown> }
  return [error.message, ...(Array.isArray(previousErrors) ? previousErrors.map(said) : [])].join("\n")
}

const isReply = (error: unknown) => error instanceof Error && error.name === "ReplyError"
