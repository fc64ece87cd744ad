/** Who comes to a server with secrets of its own, and looks at everything that it gets. */
import { connect } from "node:net"
import type { Cage } from "./canary.ts"

/** Is told what was seen, and where. */
export type See = (where: string, content: string | Uint8Array) => void

/** Asks as a client with secrets would, which are nobody's business but the gate's; and in turn without any. */
export const asks = (url: string, cage: Cage, see: See) => {
  const secrets = {
    authorization: `Bearer ${cage.put("an Authorization header", (core) => `p+${core}/=`)}`,
    "proxy-authorization": `Basic ${Buffer.from(`u:${cage.put("a Proxy-Authorization header")}`).toString("base64")}`,
    cookie: `session=${cage.put("a cookie", (core) => core)}`,
    "x-api-key": cage.put("an X-Api-Key header", (core) => core)
  }
  const query = encodeURIComponent(cage.put("a query"))
  let isShy = false
  return async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
    isShy = !isShy
    const to = `${url}${path}${path.includes("?") ? "&" : "?"}access_token=${query}&token=${query}`
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }
    const all = { "content-type": "application/json", connection: "close", ...headers, ...(isShy ? {} : secrets) }
    const response = await fetch(to, { ...init, headers: all })
    see(`the answer to ${path}`, `${JSON.stringify([...response.headers])}\n${await response.text()}`)
  }
}

/** Sends requests that are none, with a secret in each. Gives how each was answered. */
export const malformed = async (url: string, cage: Cage, see: See): Promise<ReadonlyArray<string>> => {
  const secret = () => cage.put("a malformed request", (core) => core)
  const post = "POST /commands/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
  const requests = [
    `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer ${secret()}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${secret()}\u0001\r\n\r\n`,
    `GET / HTTP/9.9\r\nAuthorization: Bearer ${secret()}\r\n\r\n`,
    `BREW /${secret()} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET /health/live HTTP/1.1\r\nHost: ${secret()}:x@localhost\r\nConnection: close\r\n\r\n`,
    `GET http://u:${secret()}@localhost/reconciliation/audit HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    `CONNECT u:${secret()}@localhost:443 HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: ${secret()}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nCookie: ${secret()}${"x".repeat(20_000)}\r\n\r\n`,
    `${post}Expect: ${secret()}\r\nContent-Length: 2\r\n\r\n{}`,
    ...[`{"password": "${secret()}", broken }`, `{"params": "${secret()}"}`, `["${secret()}"]`].map(
      (body) => `${post}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    )
  ]
  const answers: Array<string> = []
  for (const bytes of requests) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes))
      let text = ""
      socket.setTimeout(5_000, () => socket.destroy())
      socket.setEncoding("latin1").on("data", (chunk) => {
        text += chunk
      })
      socket.on("error", () => undefined)
      socket.on("close", () => resolve(text))
    })
    answers.push(answer)
    see(`the answer to ${JSON.stringify(bytes.slice(0, 60))}`, answer)
  }
  return answers
}

/** Everything on the stream, from the first event on, until it is left. */
export const listens = async (url: string, see: See) => {
  const leaving = new AbortController()
  const headers = { "last-event-id": "0" }
  const response = await fetch(`${url}/reconciliation/stream`, { headers, signal: leaving.signal })
  let text = ""
  const decoder = new TextDecoder()
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  })().catch(() => undefined)
  return {
    text: () => text,
    leave: async () => {
      leaving.abort()
      await reading
      see("the stream", text)
    }
  }
}
