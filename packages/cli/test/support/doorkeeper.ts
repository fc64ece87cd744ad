/** A door before a server: who has no token of its does not get in. Everything else it passes on, as a proxy does. */
import { request as ask, createServer } from "node:http"
import type { AddressInfo } from "node:net"

export const start = async (url: string, token: string) => {
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      const problem = { type: "urn:mithrandir:problem:unauthenticated", code: "unauthenticated", status: 401 }
      response.writeHead(401, { "content-type": "application/problem+json" })
      response.end(JSON.stringify({ ...problem, title: "Say who you are" }))
      return
    }
    const { authorization: _, host: __, ...headers } = request.headers
    const passed = ask(new URL(request.url ?? "/", url), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on("error", () => response.destroy())
    request.pipe(passed)
    response.on("close", () => passed.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
