/** `npm run bench -- stream`: what the stream costs, beside what others cost in the same run. */
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import * as Stream from "./stream/Stream.ts"

const usage = `npm run bench -- stream [--rounds N] [--seconds S] [--listeners N] [--json FILE]

Measures the event stream beside better-sse, @fastify/sse, and nginx with nchan where that is there.
  --rounds     how often each is measured, in turn; medians are told (3)
  --seconds    how long at each rate (5)
  --listeners  how many (1000)
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
      options: { rounds: text, seconds: text, listeners: text, json: text, help: { type: "boolean", short: "h" } }
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

const number = (name: "rounds" | "seconds" | "listeners", otherwise: number): number => {
  const value = Number(values[name] ?? otherwise)
  return Number.isInteger(value) && value > 0 ? value : leave(2, `--${name}: expected a whole number\n\n${usage}`)
}

const rounds = number("rounds", 3)
const load = { listeners: number("listeners", 1_000), seconds: number("seconds", 5) }

const median = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

const present = Stream.peers.filter(Stream.isThere)
const all = new Map<Stream.Peer, Array<Stream.Figures>>()
for (let round = 0; round < rounds; round++) {
  for (const peer of present) {
    console.error(`round ${round + 1} of ${rounds}: ${peer}`)
    all.set(peer, [...(all.get(peer) ?? []), await Stream.measure(peer, load)])
  }
}

const of = (peer: Stream.Peer, figure: (one: Stream.Figures) => number) => median((all.get(peer) ?? []).map(figure))
const rows = [
  ["deliveries per CPU-second, 30 events/s", (one) => one.steady],
  ["deliveries per CPU-second, bursts of 400 events/s", (one) => one.burst],
  ["p50 at 30 events/s, ms", (one) => one.p50],
  ["p99 at 30 events/s, ms", (one) => one.p99],
  ["bytes of heap per idle listener", (one) => one.idle],
  ["share that arrived, 30 events/s", (one) => one.arrived.steady],
  ["share that arrived, bursts", (one) => one.arrived.burst]
] as const satisfies ReadonlyArray<readonly [string, (one: Stream.Figures) => number]>

const short = (value: number) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3))
console.log(`${load.listeners} listeners, ${load.seconds} s at each rate, medians of ${rounds}; ${cpus().length} cores`)
for (const [name, figure] of rows) {
  const own = of("Mithrandir", figure)
  console.log(`\n${name}: ${short(own)}`)
  for (const peer of present.slice(1)) {
    const other = of(peer, figure)
    console.log(`  ${peer.padEnd(12)} ${short(other).padStart(10)}   ratio ${short(own / other)}`)
  }
}
for (const peer of Stream.peers) if (!present.includes(peer)) console.log(`\n${peer}: not on this machine`)
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(Object.fromEntries(all), null, 2))
