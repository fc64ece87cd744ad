/** What the stream costs, beside what others cost, for people. */
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { median, say, short } from "../Figures.ts"
import * as Stream from "./Stream.ts"

/** What is asked for. */
export interface Options {
  readonly rounds: number
  readonly load: Stream.Load
  readonly crowd: number
  /** Beside whom; nothing: all that are there. */
  readonly wanted: ReadonlyArray<string> | undefined
  /** Where every figure goes. */
  readonly json: string | undefined
}

export const report = async ({ crowd, json, load, rounds, wanted }: Options): Promise<void> => {
  const present = Stream.peers.filter(
    (peer) => Stream.isThere(peer) && (peer === "Mithrandir" || (wanted?.includes(peer) ?? true))
  )

  const all = new Map<Stream.Peer, Array<Stream.Figures>>()
  const logs: Array<Stream.LogCost> = []
  for (let round = 0; round < rounds; round++) {
    for (const peer of present) {
      say(`round ${round + 1} of ${rounds}: ${peer}`)
      all.set(peer, [...(all.get(peer) ?? []), await Stream.measure(peer, load)])
    }
    say(`round ${round + 1} of ${rounds}: the log`)
    logs.push(await Stream.measureLog(load))
  }
  const crowds = new Map<Stream.Peer, Stream.Crowd>()
  for (const peer of present) {
    say(`${crowd} who hear heartbeats: ${peer}`)
    crowds.set(peer, await Stream.measureCrowd(peer, crowd))
  }

  const of = (peer: Stream.Peer, figure: (one: Stream.Figures) => number) => median((all.get(peer) ?? []).map(figure))
  const rows = [
    ["deliveries per CPU-second, 30 events/s", (one) => one.steady],
    ["deliveries per CPU-second, bursts of 400 events/s", (one) => one.burst],
    ["p50 at 30 events/s, ms", (one) => one.p50],
    ["p99 at 30 events/s, ms", (one) => one.p99],
    ["bytes of heap for one more idle listener", (one) => one.idle],
    ["share that arrived, 30 events/s", (one) => one.arrived.steady],
    ["share that arrived, bursts", (one) => one.arrived.burst]
  ] as const satisfies ReadonlyArray<readonly [string, (one: Stream.Figures) => number]>

  const line = (peer: Stream.Peer, text: string) => console.log(`  ${peer.padEnd(14)} ${text}`)

  console.log(
    `${load.listeners} listeners, ${load.seconds} s at each rate, medians of ${rounds}; ${cpus().length} cores`
  )
  for (const [name, figure] of rows) {
    const own = of("Mithrandir", figure)
    console.log(`\n${name}: ${short(own)}`)
    for (const peer of present.slice(1)) {
      const other = of(peer, figure)
      line(peer, `${short(other).padStart(10)}   ratio ${short(own / other)}`)
    }
  }
  console.log(`\n${crowd} who hear heartbeats alone, for 30 s`)
  for (const [peer, { cpu, heartbeats, held }] of crowds) {
    line(peer, `held ${held}, ${heartbeats.toFixed(2)} heartbeats to each, ${(cpu * 100).toFixed(1)} % of a CPU`)
  }
  console.log("\nwriting the log, microseconds of CPU for an event")
  console.log(`  one in a commit      ${short(median(logs.map(({ alone }) => alone)))}`)
  console.log(`  forty in a commit    ${short(median(logs.map(({ together }) => together)))}`)
  for (const peer of Stream.peers) if (!Stream.isThere(peer)) console.log(`\n${peer}: not on this machine`)
  if (json !== undefined) {
    const figures = { load, crowd, peers: Object.fromEntries(all), crowds: Object.fromEntries(crowds), log: logs }
    writeFileSync(json, JSON.stringify(figures, null, 2))
  }
}
