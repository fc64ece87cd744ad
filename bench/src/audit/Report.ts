/** What the record costs, beside what others cost, for people. */
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { median, say, short } from "../Figures.ts"
import * as Audit from "./Audit.ts"

/** What is asked for. */
export interface Options {
  readonly rounds: number
  readonly load: Audit.Load
  /** Where every figure goes. */
  readonly json: string | undefined
}

const peers = ["Mithrandir", "Fastify", "FastifyCounts"] as const satisfies ReadonlyArray<Audit.Peer>

/** A record that is short. */
const few = 10_000

export const report = async ({ json, load, rounds }: Options): Promise<void> => {
  say(`making records of ${short(load.rows)} and ${short(few)} commands`)
  const measured = await Audit.withRecords([load.rows, few], async ([many = "", short = ""]) => {
    const all = new Map<Audit.Peer, Array<Audit.Figures>>()
    const flat: Array<{ readonly many: number; readonly few: number }> = []
    const ends: Array<Awaited<ReturnType<typeof Audit.work<"ends">>>> = []
    const appends: Array<Awaited<ReturnType<typeof Audit.work<"appends">>>> = []
    for (let round = 1; round <= rounds; round++) {
      for (const peer of peers) {
        say(`round ${round} of ${rounds}: ${peer}`)
        all.set(peer, [...(all.get(peer) ?? []), await Audit.measure(peer, many, load)])
      }
      say(`round ${round} of ${rounds}: pages of both records, commits, rows`)
      flat.push({
        many: await Audit.measureFlat(many, load.rows, load),
        few: await Audit.measureFlat(short, few, load)
      })
      ends.push(await Audit.work("ends", short))
      appends.push(await Audit.work("appends", many))
    }
    say("verifying, and writing all of it out")
    return {
      all,
      flat,
      ends,
      appends,
      verify: await Audit.work("verify", many),
      exports: await Audit.work("exports", many),
      others: await Audit.work("others", many)
    }
  })

  const { all, appends, ends, exports, flat, others, verify } = measured
  const of = (peer: Audit.Peer, figure: (one: Audit.Figures) => number) => median((all.get(peer) ?? []).map(figure))
  const line = (name: string, value: string, ratio?: number, goal?: string) =>
    console.log(
      `${name.padEnd(66)} ${value.padStart(24)}  ${(ratio === undefined ? "" : short(ratio)).padStart(6)}  ${goal ?? ""}`
    )
  const beside = (name: string, own: number, other: number, goal: string, ratio = own / other) =>
    line(name, `${short(own)} / ${short(other)}`, ratio, goal)

  console.log(
    `${load.rows.toLocaleString("en")} commands, ${load.seconds} s each, medians of ${rounds}; ${cpus().length} cores`
  )
  console.log("answers per CPU-second of the server; milliseconds; ratios are Mithrandir's figure by the other's\n")
  const pages = (one: Audit.Figures) => one.pages
  beside(
    "a page, mixed filters; Fastify without counting",
    of("Mithrandir", pages),
    of("Fastify", pages),
    "1.3 or more"
  )
  beside("the same; Fastify with a COUNT(*)", of("Mithrandir", pages), of("FastifyCounts", pages), "6 or more")
  const again = (one: Audit.Figures) => one.again
  const unchanged = (one: Audit.Figures) => one.unchanged
  beside("the same page again", of("Mithrandir", again), of("Fastify", again), "3.5 or more")
  beside("the same with If-None-Match", of("Mithrandir", unchanged), of("Fastify", unchanged), "4 or more")
  const p99 = (one: Audit.Figures) => one.p99
  beside("p99 while 200 rows/s are appended, ms", of("Mithrandir", p99), of("Fastify", p99), "1 or less")
  const cost = (size: "many" | "few") => median(flat.map((one) => one[size])) * 1e6
  beside(
    `a page of this record, of one of ${few.toLocaleString("en")}; microseconds of CPU`,
    cost("many"),
    cost("few"),
    "1.2 or less"
  )
  const grouped = median(ends.map((one) => one.grouped))
  beside(
    "ends of commands a second, 64 at once: together, one by one",
    grouped,
    median(ends.map(({ single }) => single)),
    "3 or more"
  )
  const whole = median(appends.map((one) => one.whole))
  const bare = median(appends.map((one) => one.bare))
  beside("a row with triggers, place and tree, and bare; microseconds of CPU", whole, bare, "")
  line("  what they add", short(whole - bare), undefined, "45 or less")
  line("rows verified per CPU-second", short(verify.rate), undefined, "40,000 or more")
  line(
    "  MiB of heap in the beginning, and in the end",
    `${mebi(verify.heapBegin)} / ${mebi(verify.heapEnd)}`,
    undefined,
    "flat"
  )
  line("  longest pause, ms", short(verify.pause), undefined, "less than 50")
  line("rows written out per CPU-second", short(exports.rate))
  line("  longest pause, ms", short(exports.pause), undefined, "less than 50")
  line("longest pause while pages of all other kinds are read, ms", short(others.pause), undefined, "less than 50")
  if (json !== undefined) {
    writeFileSync(json, JSON.stringify({ load, ...measured, all: Object.fromEntries(all) }, null, 2))
  }
}

const mebi = (bytes: number): string => short(bytes / 1024 / 1024)
