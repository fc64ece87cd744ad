/** Upstreams that say back what they were told, secrets first, in every way there is. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from "node:net"

/** How one goes wrong: the first part of a path. */
export const manners = [
  "quoting",
  "typed",
  "failing",
  "refusing",
  "redirecting",
  "breaking",
  "nonsense",
  "naming",
  "silent"
] as const

/** Another way, of servers alone: their problems say it. */
export const problem = "problem"

export const start = async () => {
  /** Everything that was said to any of them, as it came. */
  const heard: Array<string> = []
  /** What came to where it was redirected to: nobody should go there. */
  const followed: Array<string> = []
  const elsewhere = createServer((request, response) => {
    followed.push(told(request))
    response.end("{}")
  })
  const http = createServer((request, response) => {
    heard.push(told(request))
    request.resume()
    answer(request, response, urlOf(elsewhere))
  })
  /** Speaks no HTTP that anybody would understand. */
  const garbage = createSocketServer((socket) => listen(socket, heard, (text) => `HTTP/1.1 200 OK\r\n: ${text}`))
  const redis = createSocketServer((socket) =>
    listen(socket, heard, (text) => `-WRONGPASS refused: ${text.replace(/\s+/g, " ")}\r\n`)
  )
  const servers = [elsewhere, http, garbage, redis]
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))))
  return {
    heard,
    followed,
    url: urlOf(http),
    garbage: urlOf(garbage),
    /** Without the scheme. */
    redis: urlOf(redis).replace("http://", ""),
    close: async () => {
      for (const server of [elsewhere, http]) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    }
  }
}
export type Parrot = Awaited<ReturnType<typeof start>>

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const told = ({ headers, method, url }: IncomingMessage) => `${method} ${url} ${JSON.stringify(headers)}`

const listen = (socket: Socket, heard: Array<string>, say: (text: string) => string) => {
  socket.on("error", () => undefined)
  socket.on("data", (data) => {
    heard.push(data.toString("latin1"))
    socket.write(say(data.toString("latin1")))
  })
}

const answer = (request: IncomingMessage, response: ServerResponse, elsewhere: string) => {
  const { authorization = "nobody" } = request.headers
  // As it came, and as somebody took it apart who wanted to know who it is.
  const word = authorization.replace(/^\w+ /, "")
  const login = Buffer.from(word, "base64").toString("latin1")
  const quoted = JSON.stringify({ error: word, headers: request.headers, login })
  const { pathname } = new URL(request.url ?? "/", "http://localhost")
  const [, manner = "", ...rest] = pathname.split("/")
  const send = (status: number, body: string, headers: Record<string, string> = {}) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body)
  switch (manner) {
    case "quoting":
    case "typed": {
      const headers = {
        "x-echo": authorization,
        "set-cookie": `session=${word}`,
        etag: `"${encodeURIComponent(word)}"`
      }
      if (rest.at(-1) !== "stuck") return send(200, contract(rest.slice(2)), headers)
      return manner === "quoting" ? send(500, quoted, headers) : send(200, "{}", { "content-type": `a/b; c="${word}"` })
    }
    case "failing":
      response.statusMessage = encodeURIComponent(word)
      return send(500, quoted, { "x-echo": authorization })
    case "refusing":
      return send(401, quoted, { "www-authenticate": `Bearer error="${authorization}"` })
    case "redirecting":
      return send(307, quoted, { location: `${elsewhere}/?token=${encodeURIComponent(word)}` })
    case "breaking":
      response.writeHead(200, { "content-type": "application/json", "content-length": 100_000 })
      response.write(quoted)
      return setTimeout(() => response.destroy(), 20)
    case "nonsense":
      return send(200, quoted)
    case "naming":
      return send(200, contract(rest.slice(2)).replaceAll("job-1", JSON.stringify(word).slice(1, -1)))
    case problem: {
      const type = "urn:mithrandir:problem:unauthenticated"
      const said = { type, status: 401, code: "unauthenticated", title: word, detail: `${authorization} ${quoted}` }
      const errors = [{ path: word, problem: word }]
      return send(401, JSON.stringify({ ...said, errors }), { "content-type": "application/problem+json" })
    }
    default:
      // Silent: who waits for an answer waits until the deadline.
      return
  }
}

const job = { id: "job-1", queue: "mail", state: "failed", attempts: 1, updatedAt: "2026-01-31T12:00:00.000Z" }
const counts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 1 }

const contract = ([group, id]: ReadonlyArray<string>): string => {
  if (group === "health") return JSON.stringify({ status: "ok" })
  if (group === "queues") return JSON.stringify({ name: id, counts })
  if (group === "services") return JSON.stringify({ name: id, instanceId: "one", startedAt: job.updatedAt })
  if (id === "counts") return JSON.stringify({ counts })
  return JSON.stringify(id === undefined ? { data: [job], nextCursor: null } : job)
}
