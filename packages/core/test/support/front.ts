/** A Palantir that works, and before it a door that can be told to misbehave: both on real sockets. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createSecureServer, type Server as SecureServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as certificates from "./certificates.ts"
import * as MemoryPalantir from "./MemoryPalantir.ts"

/** How it misbehaves. */
export interface Fault {
  /** With what. Absent: as the Palantir would. */
  readonly answer?: RequestListener
  /** To whom. Default: to everybody. */
  readonly when?: (request: IncomingMessage) => boolean
  /** The Palantir has done what it was asked for before. Default: it has not heard of it. */
  readonly after?: boolean
}

/** Whether a request asks for an action. */
export const isAction = ({ method }: IncomingMessage): boolean => method !== "GET"

/** Whether a request asks for this of the contract: `jobs/counts`, `jobs`. */
export const asks =
  (path: string) =>
  ({ url = "" }: IncomingMessage): boolean =>
    url.split("?")[0] === `/api/v1/${path}`

/** The door, and what is behind it: jobs a (waiting), b (active), c (completed), d (failed) in the queue `default`. */
export const make = (options: { readonly secure?: boolean } = {}) =>
  Effect.gen(function* () {
    const { control, source } = yield* MemorySource.make
    yield* control.put(
      { id: "a" },
      { id: "b", state: "active" },
      { id: "c", state: "completed" },
      { id: "d", state: "failed", attempts: 1 }
    )
    yield* control.setWorker("worker", "worker-1")
    const palantir = yield* MemoryPalantir.serve({ control, source })

    const heard: Array<string> = []
    let fault: Fault | undefined
    const pass = async (request: IncomingMessage): Promise<Answer> => {
      const key = request.headers["idempotency-key"]
      const answer = await fetch(`${palantir}${request.url}`, {
        method: request.method ?? "GET",
        headers: typeof key === "string" ? { "idempotency-key": key } : {}
      })
      return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
    }
    const listener: RequestListener = (request, response) => {
      heard.push(`${request.method} ${request.url}`)
      const { after = false, answer, when = () => true } = fault ?? {}
      if (answer === undefined || !when(request)) void pass(request).then((given) => give(response, given))
      else if (!after) answer(request, response)
      else void pass(request).then(() => answer(request, response))
    }

    const server = options.secure
      ? createSecureServer({ key: certificates.key, cert: certificates.good }, listener)
      : createServer(listener)
    const open = (port = 0) =>
      Effect.async<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void)))
    const sockets: Array<Socket> = []
    server.on("connection", (socket) => sockets.push(socket))
    const shut = () => server.close().closeAllConnections()
    yield* open()
    yield* Effect.addFinalizer(() => Effect.sync(shut))
    const { port } = server.address() as AddressInfo

    return {
      url: `http${options.secure ? "s" : ""}://127.0.0.1:${port}`,
      port,
      /** Where the Palantir is that works. */
      behind: palantir,
      control,
      /** What came to the door, method and path. */
      heard: heard as ReadonlyArray<string>,
      /** How many bytes it has sent so far. */
      sent: () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
      /** Hands a request on to the Palantir, and gives what it says. */
      pass,
      /** Misbehaves from now on; `undefined`: no more. */
      misbehave: (now: Fault | undefined) =>
        Effect.sync(() => {
          fault = now
        }),
      /** Takes no more connections, and ends those there are. */
      shut,
      /** Takes connections again. */
      reopen: Effect.suspend(() => (server.listening ? Effect.void : open(port))),
      /** Shows another certificate from now on. */
      show: (cert: string) => (server as SecureServer).setSecureContext({ key: certificates.key, cert })
    }
  })

/** The door, with its strings. */
export type Front = Effect.Effect.Success<ReturnType<typeof make>>

interface Answer {
  readonly status: number
  readonly body: Buffer
}

/** Answers with JSON. */
export const give = (
  response: ServerResponse,
  { body, status }: { readonly body: Buffer | string; readonly status: number }
) => {
  response.writeHead(status, status === 204 ? {} : { "content-type": "application/json" })
  response.end(body)
}
