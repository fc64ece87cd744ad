/** A client without any manners of its own: what it sends is what a test says. */
import { connect, type Socket } from "node:net"
import * as Effect from "effect/Effect"

/** A connection, and what came over it so far. */
export const dial = (port: number) =>
  Effect.acquireRelease(
    Effect.async<{ readonly socket: Socket; readonly received: () => string }>((resume) => {
      let received = ""
      const socket = connect(port, "127.0.0.1", () => resume(Effect.succeed({ socket, received: () => received })))
      socket.setEncoding("utf8").on("data", (chunk) => {
        received += chunk
      })
      socket.on("error", () => socket.destroy())
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** Succeeds once it holds. */
export const eventually = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.delay(condition, "5 millis"), { until: (holds) => holds })

/** A request, head and no body. */
export const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
