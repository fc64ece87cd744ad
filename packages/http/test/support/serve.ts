/** Servers that are none of ours: ways to a port that can be cut, and what else may stand there. */
import * as Net from "node:net"
import * as Effect from "effect/Effect"

/** A way to a port that can be cut; gives its url. */
export const serveProxy = (port: number) =>
  Effect.gen(function* () {
    const open = new Set<Net.Socket>()
    const url = yield* serveRaw((socket) => {
      const upstream = Net.connect(port, "127.0.0.1")
      upstream.on("error", () => {})
      open.add(socket).add(upstream)
      socket.pipe(upstream)
      upstream.pipe(socket)
    })
    const cut = Effect.sync(() => {
      for (const socket of open) socket.destroy()
    })
    return { url, cut }
  })

/** Something on a port that is no Mithrandir; gives its url. */
export const serveRaw = (serve: (socket: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.async<Net.Server>((resume) => {
      const server = Net.createServer((socket) => {
        socket.on("error", () => {})
        serve(socket)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    })
  )
