/** `npm run bench -- stream`: what the stream costs, beside what others cost in the same run. */
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import * as Stream from "./stream/Stream.ts"

const usage = `npm run bench -- stream [--rounds N] [--seconds S] [--listeners N] [--crowd N] [--peers A,B] [--json FILE]

Measures the event stream beside better-sse, @fastify/sse, and nginx with nchan where that is there.
  --rounds     how often each is measured, in turn; medians are told (3)
  --seconds    how long at each rate (5)
  --listeners  how many (1000)
  --crowd      how many who hear heartbeats alone (10000)
  --peers      beside whom, with commas between them (all that are there)
  --json       where to write every figure`

const leave = (code: number, text: string): never => {
  console.error(text)
  process.exit(code)
}

const parse = () => {
  const text = { type: "string" } as const
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: text,
        seconds: text,
        listeners: text,
        crowd: text,
        peers: text,
        json: text,
        help: { type: "boolean", short: "h" }
      }
    })
  } catch (error) {
    return leave(2, `${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

const { positionals, values } = parse()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
if (positionals.length !== 1 || positionals[0] !== "stream") leave(2, usage)

const number = (name: "rounds" | "seconds" | "listeners" | "crowd", otherwise: number): number => {
  const value = Number(values[name] ?? otherwise)
  return Number.isInteger(value) && value > 0 ? value : leave(2, `--${name}: expected a whole number\n\n${usage}`)
}

const rounds = number("rounds", 3)
const load = { listeners: number("listeners", 1_000), seconds: number("seconds", 5) }

const median = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

const crowd = number("crowd", 10_000)
const wanted = values.peers?.split(",") ?? Stream.peers
const present = Stream.peers.filter((peer) => Stream.isThere(peer) && (peer === "Mithrandir" || wanted.includes(peer)))
const say = (text: string) => console.error(text)

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

const short = (value: number) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3))
const line = (peer: Stream.Peer, text: string) => console.log(`  ${peer.padEnd(14)} ${text}`)

console.log(`${load.listeners} listeners, ${load.seconds} s at each rate, medians of ${rounds}; ${cpus().length} cores`)
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
if (values.json !== undefined) {
  const figures = { load, crowd, peers: Object.fromEntries(all), crowds: Object.fromEntries(crowds), log: logs }
  writeFileSync(values.json, JSON.stringify(figures, null, 2))
}
