/** The standalone server: the API on a port of this machine, until its scope ends. */
import * as NodeHttp from "node:http"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type EventLog, Tokens } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Connections from "./Connections.ts"
import * as Cors from "./Cors.ts"
import * as EventHub from "./EventHub.ts"
import { Gate, isLoopback, type Judge, type Names } from "./Gate.ts"
import * as Gatekeeper from "./Gatekeeper.ts"
import * as Http from "./Http.ts"
import * as Problem from "./Problem.ts"
import type { GeneralCode } from "./ProblemApi.ts"
import * as SafeHeaders from "./SafeHeaders.ts"
import * as StreamNode from "./StreamNode.ts"
import * as Tickets from "./Tickets.ts"
import * as TokenGate from "./TokenGate.ts"

/** Where the server listens unless told otherwise: on this machine alone. */
export const defaultHost = "127.0.0.1"
/** The port, unless told otherwise. */
export const defaultPort = 4410

/** Where to listen, and how often to beat. */
export interface Options extends EventHub.Options, Names {
  /** A loopback address or `localhost`; any other only with tokens, or a `judge` of your own. Default `127.0.0.1`. */
  readonly host?: string
  /** 0: any that is free. Default 4410. */
  readonly port?: number
  /**
   * Who may come in, and as whom. Default: whoever has a token, where there ever was one; else this machine alone, as
   * `local`.
   */
  readonly judge?: Judge
}

/** Another program listens on this `port` of this `host`. */
export class AddressInUse extends Schema.TaggedError<AddressInUse>()("AddressInUse", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `${this.host}:${this.port} is in use by another program; stop it, or choose another port`
  }
}

/** The system does not let us listen on this `port` of this `host`. `code` is the system's word, as `EACCES` or `EADDRNOTAVAIL`. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  host: Schema.String,
  port: Schema.Int,
  code: Schema.String
}) {
  override get message() {
    return `cannot listen on ${this.host}:${this.port} (${this.code})${remedies[this.code] ?? ""}`
  }
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: ": this user may not listen there; choose a port above 1023",
  EADDRNOTAVAIL: ": this machine has no such address; choose another host",
  EMFILE: ": let it open more files (ulimit -n)",
  ENOTFOUND: ": there is no such host; choose another"
}

/** Without tokens the server is for this machine alone, which `host` is not: it can purge queues. */
export class HostNotLoopback extends Schema.TaggedError<HostNotLoopback>()("HostNotLoopback", { host: Schema.String }) {
  override get message() {
    return `refusing to listen on ${this.host}: without tokens only loopback is safe (127.0.0.1, ::1, localhost); make one with: mithrandir token create`
  }
}

/** It would listen on every address, as `host` says, and answer to no name but this machine's own. */
export class HostsMissing extends Schema.TaggedError<HostsMissing>()("HostsMissing", { host: Schema.String }) {
  override get message() {
    return `refusing to listen on ${this.host} without knowing by which names this server is reached; give them as hosts`
  }
}

/** Why the server does not listen. */
export type ListenError = AddressInUse | CannotListen | HostNotLoopback | HostsMissing

/** The server that is listening. */
export class Server extends Context.Tag("@mithrandir/http/Server")<
  Server,
  {
    /** As it was asked for: an address, or `localhost`. */
    readonly host: string
    /** The actual one, also where 0 was asked for. */
    readonly port: number
    /** `http://host:port`, without a slash at the end. */
    readonly url: string
  }
>() {}

/**
 * `requestTimeout` is for a request to arrive, not for its answer, which may be a stream without end. The framework
 * writes what it likes for a missing Host; the gate does it as a problem. A header that comes twice is read as both, and
 * so as neither: which one somebody in front of us went by nobody knows.
 */
const limits: NodeHttp.ServerOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
  requireHostHeader: false,
  joinDuplicateHeaders: true
}

/**
 * A path is written in one way, which the gatekeeper sees to as well: what decides by it, in front of this server, must
 * not be walked around by another. Of a commandId, 64 characters that may come as three each: the router's own bound, 100, would call it unknown.
 */
const routing = { maxParamLength: 256, caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

/** How long requests in flight have to end when the server does. Streams are ended at once. */
const shutdownGrace = Duration.seconds(5)

/** Every address there is. */
const wildcards = ["0.0.0.0", "::", "0000:0000:0000:0000:0000:0000:0000:0000"]

/** What has to be there for a server to listen on a host, as far as can be said without its tokens. */
export const needsOf = ({ host = defaultHost, hosts = [] }: Pick<Options, "host" | "hosts">) => ({
  /** Tokens, or a gate of somebody's own. */
  tokens: !isLoopback(host),
  /** The names that clients reach it by, and they are not given. */
  hosts: wildcards.includes(host) && hosts.length === 0
})

/** Whether it is safe to listen there. What a gate of somebody's own lets in is theirs to say. */
const checkHost = ({ host = defaultHost, hosts = [], judge }: Options) =>
  Effect.gen(function* () {
    const needs = needsOf({ host, hosts })
    if (judge !== undefined || !needs.tokens) return
    const tokens = yield* Tokens.Tokens
    if (!tokens.everMade()) return yield* new HostNotLoopback({ host })
    if (needs.hosts) return yield* new HostsMissing({ host })
  })

/** What it goes by: what it was told, and where it listens. */
const namesOf = ({ host = defaultHost, hosts = [], origins = [] }: Options): Names => ({
  hosts: [...hosts, host.includes(":") ? `[${host}]` : host],
  origins
})

const make = (options: Options) =>
  Effect.gen(function* () {
    const { host = defaultHost, port = defaultPort } = options
    yield* checkHost(options)
    const hub = yield* EventHub.EventHub
    const app = yield* HttpRouter.withRouterConfig(HttpApiBuilder.httpApp, routing)
    const handler = yield* NodeHttpServer.makeHandler(app, Cors.middleware(namesOf(options)))
    const takes = yield* StreamNode.make(namesOf(options))
    const { server } = yield* Effect.acquireRelease(
      // Without a listener for upgrades Node takes such requests for what they otherwise are. Some clients offer h2c
      // with every POST, and would be left without an answer.
      Effect.sync(() => {
        const server = NodeHttp.createServer(limits, (request, response) => {
          if (!takes(request, response, handler)) handler(request, response)
        })
          .on("clientError", answerClientError)
          .on("checkExpectation", answerExpectation)
          .on("connect", answerConnect)
        // Node leaves out what comes after so many, and so what a proxy has added. How much may come is bounded above.
        server.maxHeadersCount = 0
        return { server, connections: Connections.track(server) }
      }),
      ({ connections, server }) => (server.listening ? shutDown(server, connections, hub.close) : Effect.void)
    )
    const address = yield* listen(server, host, port)
    return Server.of({
      host,
      port: address.port,
      url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`
    })
  })

/** Listens for as long as the layer lives. Its end ends every stream first. */
export const layer = (
  options: Options = {}
): Layer.Layer<Server | EventHub.EventHub, ListenError, Http.Core | EventLog.EventLog> => {
  const { judge } = options
  const gate = judge === undefined ? TokenGate.layer(namesOf(options)) : Layer.succeed(Gate, { judge })
  return Layer.scoped(Server, make(options)).pipe(
    Layer.provide([
      Http.layer,
      Layer.provide(Gatekeeper.layer, Tickets.layer),
      HttpApiBuilder.Router.Live,
      HttpApiBuilder.Middleware.layer,
      NodeHttpServer.layerContext
    ]),
    Layer.provide(gate),
    Layer.provideMerge(EventHub.layer(options))
  )
}

const listen = (server: NodeHttp.Server, host: string, port: number) =>
  Effect.async<Net.AddressInfo, AddressInUse | CannotListen>((resume) => {
    const onError = ({ code = "unknown" }: NodeJS.ErrnoException) =>
      resume(code === "EADDRINUSE" ? new AddressInUse({ host, port }) : new CannotListen({ host, port, code }))
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.off("error", onError)
      const address = server.address()
      resume(
        address === null || typeof address === "string"
          ? new CannotListen({ host, port, code: "unknown" })
          : Effect.succeed(address)
      )
    })
  })

/** Connections without a request are cut, and none are new; streams end; what is in flight may finish; the rest is cut. */
const shutDown = (
  server: NodeHttp.Server,
  connections: Connections.Connections,
  closeStreams: Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.gen(function* () {
    let closed = false
    yield* Effect.sync(() => {
      server.close(() => (closed = true))
      connections.cutUnused()
    })
    yield* closeStreams
    // Connections that were busy when the server closed are kept alive after their answer, unless somebody looks.
    const swept = Effect.sync(() => server.closeIdleConnections()).pipe(
      Effect.zipRight(Effect.sleep("10 millis")),
      Effect.repeat({ until: () => closed }),
      // This is a finalizer: without it the timeout would wait as long as we do.
      Effect.interruptible
    )
    yield* Effect.timeoutOption(swept, shutdownGrace)
    yield* Effect.sync(() => server.closeAllConnections())
  })

/** What Node refuses before there is a request: answered as a problem like everything else. */
const answerClientError = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy()
    return
  }
  endWith(socket, Problem.make(clientErrorCode(error.code)))
}

/** A tunnel is refused: we are no proxy. Without a listener Node would hang up without a word. */
const answerConnect = (_: NodeHttp.IncomingMessage, socket: Duplex): void => {
  // Whoever asked may be gone before the answer is.
  socket.on("error", () => socket.destroy())
  // Node has given the socket away: whoever leaves it open would keep it.
  socket.once("finish", () => socket.destroy())
  endWith(socket, Problem.make("method-not-allowed", { detail: `allowed here: ${methods}` }), { allow: methods })
}

const methods = "GET, HEAD, POST, DELETE"

/** Node itself goes on after `Expect: 100-continue`. To anything else it would answer without a body. */
const answerExpectation = (request: NodeHttp.IncomingMessage, response: NodeHttp.ServerResponse): void => {
  const problem = Problem.make("expectation-failed")
  const { body, headers } = rendered(problem)
  // The body may still come: it is not read, and nothing can follow it on this connection.
  response.writeHead(problem.status, headers).end(body)
  request.resume()
}

const rendered = (problem: Problem.Problem) => {
  const body = JSON.stringify(Problem.toJson(problem))
  const headers = {
    "content-type": Problem.contentType,
    "content-length": Buffer.byteLength(body),
    ...SafeHeaders.always,
    connection: "close"
  }
  return { body, headers }
}

/** Where Node gives a socket alone. */
const endWith = (socket: Duplex, problem: Problem.Problem, more: Readonly<Record<string, string>> = {}): void => {
  const { body, headers } = rendered(problem)
  const lines = Object.entries({ ...headers, ...more }).map(([name, value]) => `${name}: ${value}`)
  const status = `HTTP/1.1 ${problem.status} ${NodeHttp.STATUS_CODES[problem.status] ?? ""}`
  socket.end([status, ...lines, "", body].join("\r\n"))
}

const clientErrorCode = (code: string | undefined): GeneralCode => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return "headers-too-large"
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "request-timeout"
    default:
      return "malformed-http"
  }
}
