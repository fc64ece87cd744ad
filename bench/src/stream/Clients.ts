/** Listeners, as many as wanted, in a process of their own: they count what comes, and some of them look how late it is. */
import { connect } from "node:net"
import { now, type Published } from "./Peer.ts"

/** What they are told. */
export type Told =
  | {
      readonly do: "connect"
      readonly port: number
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      readonly count: number
    }
  /** To forget what came so far. */
  | { readonly do: "begin" }
  /** To say what came since. */
  | { readonly do: "end" }

/** What came: how many events, and pieces with or without them; at some listeners, which, and when. */
export interface Came {
  readonly received: number
  readonly pieces: number
  /** How many listeners have their stream. */
  readonly open: number
  readonly arrivals: ReadonlyArray<Published>
}

/** Of so many listeners one is asked when it hears. */
const sampled = 20

const tilde = "~".charCodeAt(0)

let received = 0
let pieces = 0
let open = 0
let arrivals: Array<Published> = []

const listen = ({ headers, path, port }: Extract<Told, { readonly do: "connect" }>, index: number) =>
  new Promise<void>((resolve, reject) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${lines.join("")}\r\n`)
    })
    socket.once("error", reject)
    socket.once("close", () => {
      open -= 1
    })
    socket.once("data", (first) => {
      if (!first.toString().startsWith("HTTP/1.1 200")) reject(new Error(first.toString().slice(0, 200)))
      open += 1
      socket.off("error", reject).on("error", () => socket.destroy())
      resolve()
    })
    socket.on("data", (bytes) => {
      pieces += 1
      for (let at = bytes.indexOf(tilde); at !== -1; at = bytes.indexOf(tilde, at + 1)) received += 1
      if (index % sampled !== 0) return
      const at = now()
      for (const [, n] of bytes.toString("latin1").matchAll(/"n":(\d+)/g)) arrivals.push([Number(n), at])
    })
  })

process.on("message", async (told: Told) => {
  if (told.do === "connect") {
    for (let from = 0; from < told.count; from += 50) {
      const some = Array.from({ length: Math.min(50, told.count - from) }, (_, index) => listen(told, from + index))
      await Promise.all(some)
    }
  } else if (told.do === "begin") {
    received = 0
    pieces = 0
    arrivals = []
  }
  const came: Came = { received, pieces, open, arrivals: told.do === "end" ? arrivals : [] }
  process.send?.(came)
})
process.on("disconnect", () => process.exit())
