/** The stream beside others: the same listeners, the same events, one after the other, round after round. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import * as Process from "../Process.ts"
import type { Came, Told } from "./Clients.ts"
import type { Order, Place, Published, Usage } from "./Peer.ts"

const program = (name: string) => fileURLToPath(new URL(`stream/${name}.js`, import.meta.url))

/** Mithrandir first, in both ways of serving it; last, what any server in Node costs at least. */
export const peers = ["Mithrandir", "MithrandirWeb", "BetterSse", "FastifySse", "Nchan", "Bare"] as const
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
  /** Bytes that one more listener costs who only listens: of heap; of nginx, of memory. */
  readonly idle: number
}

export interface Load {
  readonly listeners: number
  readonly seconds: number
}

/** What many listeners cost who hear heartbeats alone, for half a minute. */
export interface Crowd {
  /** How many had their stream at the end. */
  readonly held: number
  /** Heartbeats that came to each, of two that were due. */
  readonly heartbeats: number
  /** Share of one CPU that the server took. */
  readonly cpu: number
}

/** What it costs to write the log where nobody listens: microseconds of CPU for an event. */
export interface LogCost {
  /** One at a time, thirty a second. */
  readonly alone: number
  /** Forty in one commit, ten times a second. */
  readonly together: number
}

const ask = <A>(child: ChildProcess, told: Told | Order) => Process.ask<A>(child, told)

interface Running {
  readonly clients: ChildProcess
  readonly usage: (collect?: boolean) => Promise<Usage>
  readonly connect: (count: number) => Promise<void>
  /** `count` events each `every` milliseconds, for so many seconds, and what became of them. */
  readonly publish: (count: number, every: number, seconds: number) => Promise<Ran>
}

interface Ran {
  readonly events: number
  readonly received: number
  /** Seconds. */
  readonly cpu: number
  /** Of each delivery that was looked at, how late it was, in milliseconds: soonest first. */
  readonly delays: ReadonlyArray<number>
}

/** Runs a peer and its listeners, in processes of their own, for as long as `use` takes. */
const running = async <A>(peer: Peer, use: (running: Running) => Promise<A>): Promise<A> => {
  const { child: server, said } = await Process.start(program(peer))
  const place = said as Place
  const clients = spawn(process.execPath, [program("Clients")], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const usage = (collect = false) => ask<Usage>(server, { do: "usage", collect })
  const came = () => ask<Came>(clients, { do: "end" })
  let listeners = 0

  const connect = async (count: number) => {
    await ask<Came>(clients, { do: "connect", ...place, count })
    listeners += count
    await sleep(1_000)
  }

  const publish = async (count: number, every: number, seconds: number): Promise<Ran> => {
    const ticks = Math.round((seconds * 1000) / every)
    await ask<Came>(clients, { do: "begin" })
    await ask(server, { do: "times" })
    const before = await usage()
    const began = performance.now()
    for (let tick = 0; tick < ticks; tick++) {
      server.send({ do: "publish", count } satisfies Order)
      await sleep(Math.max(0, began + (tick + 1) * every - performance.now()))
    }
    const expected = ticks * count * listeners
    let heard = await came()
    // What is late by seconds still counts, and costs.
    for (let last = -1; heard.received < expected && heard.received > last; ) {
      last = heard.received
      await sleep(500)
      heard = await came()
    }
    const { cpu } = await usage()
    const times = new Map(await ask<ReadonlyArray<Published>>(server, { do: "times" }))
    const delays = heard.arrivals.map(([n, at]) => at - (times.get(n) ?? Number.NaN)).sort((a, b) => a - b)
    return { events: ticks * count, received: heard.received, cpu: cpu - before.cpu, delays }
  }

  try {
    return await use({ clients, usage, connect, publish })
  } finally {
    await Promise.all([Process.end(server), Process.end(clients)])
  }
}

/** Before anything is measured: what runs for days has been compiled by then. */
const warmUp = { every: 1000 / 60, seconds: 15 }

/** One round of one peer. */
export const measure = (peer: Peer, { listeners, seconds }: Load): Promise<Figures> =>
  running(peer, async ({ connect, publish, usage }) => {
    // What the first few bring with them is not what one more costs.
    const first = Math.ceil(listeners / 10)
    await connect(first)
    const few = await usage(true)
    await connect(listeners - first)
    const idle = ((await usage(true)).heap - few.heap) / (listeners - first)

    await publish(1, warmUp.every, warmUp.seconds)
    const steady = await publish(1, 1000 / 30, seconds)
    await publish(40, 100, 1)
    const burst = await publish(40, 100, seconds)
    const late = (share: number) => steady.delays[Math.floor(steady.delays.length * share)] ?? Number.NaN
    return {
      steady: steady.received / steady.cpu,
      burst: burst.received / burst.cpu,
      arrived: {
        steady: steady.received / (steady.events * listeners),
        burst: burst.received / (burst.events * listeners)
      },
      p50: late(0.5),
      p99: late(0.99),
      idle
    }
  })

/** What `listeners` cost who hear nothing but heartbeats. */
export const measureCrowd = (peer: Peer, listeners: number): Promise<Crowd> =>
  running(peer, async ({ clients, connect, usage }) => {
    await connect(listeners)
    // Heartbeats are due every 15 seconds from each one's start: in any 30 there are two.
    await ask<Came>(clients, { do: "begin" })
    const before = await usage()
    await sleep(30_000)
    const { open, pieces } = await ask<Came>(clients, { do: "end" })
    const after = await usage()
    return { held: open, heartbeats: pieces / listeners, cpu: (after.cpu - before.cpu) / 30 }
  })

/** What it costs Mithrandir to write its log. */
export const measureLog = ({ seconds }: Load): Promise<LogCost> =>
  running("Mithrandir", async ({ publish }) => {
    await publish(1, warmUp.every, warmUp.seconds)
    const alone = await publish(1, 1000 / 30, seconds)
    await publish(40, 100, 1)
    const together = await publish(40, 100, seconds)
    const micros = ({ cpu, events }: Ran) => (cpu * 1e6) / events
    return { alone: micros(alone), together: micros(together) }
  })
