/** The stream beside others: the same listeners, the same events, one after the other, round after round. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { Came, Told } from "./Clients.ts"
import type { Order, Place, Published, Usage } from "./Peer.ts"

const program = (name: string) => fileURLToPath(new URL(`stream/${name}.js`, import.meta.url))

export const peers = ["Mithrandir", "BetterSse", "FastifySse", "Nchan"] as const
export type Peer = (typeof peers)[number]

/** Whether a peer can be measured on this machine. */
export const isThere = (peer: Peer): boolean =>
  peer !== "Nchan" || existsSync("/usr/lib/nginx/modules/ngx_nchan_module.so")

/** What one peer did in one round. */
export interface Figures {
  /** Deliveries per second of the server's CPU. */
  readonly steady: number
  readonly burst: number
  /** Shares of the deliveries that came. 1: all of them. */
  readonly arrived: { readonly steady: number; readonly burst: number }
  /** Milliseconds from publishing, or from the commit, to the listener, at a steady rate: of a hundred one is later. */
  readonly p99: number
  readonly p50: number
  /** Bytes that a listener costs who only listens: of heap; of nginx, of memory. */
  readonly idle: number
}

export interface Load {
  readonly listeners: number
  readonly seconds: number
}

const start = async (name: string) => {
  const child = spawn(process.execPath, ["--expose-gc", program(name)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  const [said] = (await once(child, "message")) as [Place]
  return { child, place: said }
}

const ask = async <A>(child: ChildProcess, told: Told | Order): Promise<A> => {
  const answered = once(child, "message")
  child.send(told)
  return (await answered)[0] as A
}

const end = async (child: ChildProcess) => {
  const exited = once(child, "exit")
  child.disconnect()
  await exited
}

/** One round of one peer, in processes of its own. */
export const measure = async (peer: Peer, { listeners, seconds }: Load): Promise<Figures> => {
  const { child: server, place } = await start(peer)
  const clients = spawn(process.execPath, [program("Clients")], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  try {
    const usage = (collect = false) => ask<Usage>(server, { do: "usage", collect })
    const empty = await usage(true)
    await ask<Came>(clients, { do: "connect", ...place, count: listeners })
    await sleep(1_000)
    const idle = ((await usage(true)).heap - empty.heap) / listeners

    /** `count` events each `every` milliseconds, and the deliveries they came to. */
    const run = async (count: number, every: number, forSeconds: number) => {
      const ticks = Math.round((forSeconds * 1000) / every)
      await ask<Came>(clients, { do: "begin" })
      await ask(server, { do: "times" })
      const before = await usage()
      const began = performance.now()
      for (let tick = 0; tick < ticks; tick++) {
        server.send({ do: "publish", count } satisfies Order)
        await sleep(Math.max(0, began + (tick + 1) * every - performance.now()))
      }
      const expected = ticks * count * listeners
      let came = await ask<Came>(clients, { do: "end" })
      // What is late by seconds still counts, and costs.
      for (let last = -1; came.received < expected && came.received > last; ) {
        last = came.received
        await sleep(500)
        came = await ask<Came>(clients, { do: "end" })
      }
      const { cpu } = await usage()
      const times = new Map(await ask<ReadonlyArray<Published>>(server, { do: "times" }))
      const sorted = came.arrivals.map(([n, at]) => at - (times.get(n) ?? Number.NaN)).sort((a, b) => a - b)
      const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
      return {
        rate: came.received / (cpu - before.cpu),
        arrived: came.received / expected,
        p50: at(0.5),
        p99: at(0.99)
      }
    }

    await run(1, 1000 / 30, 2)
    const steady = await run(1, 1000 / 30, seconds)
    await run(40, 100, 1)
    const burst = await run(40, 100, seconds)
    return {
      steady: steady.rate,
      burst: burst.rate,
      arrived: { steady: steady.arrived, burst: burst.arrived },
      p50: steady.p50,
      p99: steady.p99,
      idle
    }
  } finally {
    await Promise.all([end(server), end(clients)])
  }
}
