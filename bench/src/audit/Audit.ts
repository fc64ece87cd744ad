/** The record beside others: the same rows, the same questions, one after the other, round after round. */
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import * as Process from "../Process.ts"
import type { Order, Place, Usage } from "../stream/Peer.ts"
import type { Answered, Asked } from "./Clients.ts"
import * as Questions from "./Questions.ts"
import * as Record from "./Record.ts"
import type { Works } from "./Works.ts"

const program = (name: string) => fileURLToPath(new URL(`audit/${name}.js`, import.meta.url))

/** `FastifyCounts`: with a `COUNT(*)` in every request. */
export type Peer = "Mithrandir" | "Fastify" | "FastifyCounts"

const start = (name: string, ...args: ReadonlyArray<string>) => Process.start(program(name), ...args)
const ask = <A>(child: ChildProcess, told: Asked | Order) => Process.ask<A>(child, told)

interface Running {
  /** What of the server's CPU went into so many answers; seconds. */
  readonly asked: (
    queries: ReadonlyArray<string>,
    more: Partial<Asked> & Pick<Asked, "seconds">
  ) => Promise<Answered & { readonly cpu: number }>
  readonly server: ChildProcess
}

const running = async <A>(peer: Peer, file: string, use: (running: Running) => Promise<A>): Promise<A> => {
  const name = peer === "Mithrandir" ? "Mithrandir" : "Fastify"
  const { child: server, said } = await start(name, file, ...(peer === "FastifyCounts" ? ["counts"] : []))
  const { headers, path, port } = said as Place
  const { child: clients } = await start("Clients")
  const usage = () => ask<Usage>(server, { do: "usage", collect: false })
  const asked: Running["asked"] = async (queries, more) => {
    const paths = queries.map((query) => `${path}?${query}`)
    const before = await usage()
    const answered = await ask<Answered>(clients, { port, paths, ...more, headers: { ...headers, ...more.headers } })
    return { ...answered, cpu: (await usage()).cpu - before.cpu }
  }
  try {
    return await use({ asked, server })
  } finally {
    await Promise.all([Process.end(server), Process.end(clients)])
  }
}

const perSecond = ({ count, cpu }: { readonly count: number; readonly cpu: number }) => count / cpu

const sure = (answered: Answered, ...statuses: ReadonlyArray<number>) => {
  for (const status of Object.keys(answered.statuses)) {
    if (!statuses.includes(Number(status))) throw new Error(`an answer of status ${status}`)
  }
}

/** What one peer did in one round: answers per second of the server's CPU, and milliseconds. */
export interface Figures {
  readonly pages: number
  readonly again: number
  /** With `If-None-Match`; of the others, what they answer. */
  readonly unchanged: number
  /** While rows are appended. */
  readonly p50: number
  readonly p99: number
  readonly bytes: number
}

export interface Load {
  readonly rows: number
  readonly seconds: number
}

/** One round of one peer, on a copy of its own. */
export const measure = (peer: Peer, file: string, { seconds }: Load): Promise<Figures> => {
  const copy = `${file}.${peer}`
  copyFileSync(file, copy)
  return running(peer, copy, async ({ asked, server }) => {
    sure(await asked(Questions.mixed(4_000, 11), { seconds }), 200)
    const pages = await asked(Questions.mixed(200_000, 12), { seconds, once: true })
    sure(pages, 200)
    const same = ["actor=operator-3&limit=50"]
    const again = await asked(same, { seconds })
    const unchanged = await asked(same, { seconds, headers: { "if-none-match": again.etag } })
    sure(unchanged, 200, 304)
    const appending = setInterval(() => server.send({ do: "publish", count: 1 } satisfies Order), 5)
    await sleep(500)
    const beside = await asked(Questions.mixed(200_000, 13), { seconds: seconds * 2, rate: 100, once: true })
    clearInterval(appending)
    sure(beside, 200)
    const late = (share: number) => beside.delays[Math.floor(beside.delays.length * share)] ?? Number.NaN
    return {
      pages: perSecond(pages),
      again: perSecond(again),
      unchanged: perSecond(unchanged),
      p50: late(0.5),
      p99: late(0.99),
      bytes: pages.bytes / pages.count
    }
  }).finally(() => remove(copy))
}

/** Seconds of CPU for one page that costs the same however long the record is. */
export const measureFlat = (file: string, rows: number, { seconds }: Load): Promise<number> =>
  running("Mithrandir", file, async ({ asked }) => {
    sure(await asked(Questions.flat(4_000, 21, rows), { seconds }), 200)
    const answered = await asked(Questions.flat(200_000, 22, rows), { seconds, once: true })
    sure(answered, 200)
    return answered.cpu / answered.count
  })

/** What is measured without a server, on a copy of its own. */
export const work = async <Name extends keyof Works>(name: Name, file: string): Promise<Works[Name]> => {
  const copy = `${file}.${name}`
  copyFileSync(file, copy)
  try {
    const { child, said } = await start("Works", name, copy)
    if (child.exitCode === null) await once(child, "exit")
    return said as Works[Name]
  } finally {
    remove(copy)
  }
}

const remove = (file: string) => {
  for (const suffix of ["", "-wal", "-shm", ".lock", ".server.json"]) rmSync(`${file}${suffix}`, { force: true })
}

/** Makes the records, gives their files, and takes them away in the end. */
export const withRecords = async <A>(
  sizes: ReadonlyArray<number>,
  use: (files: ReadonlyArray<string>) => Promise<A>
): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "mithrandir-bench-"))
  try {
    const files = sizes.map((size) => join(directory, `${size}.db`))
    for (const [index, file] of files.entries()) await Record.make(file, sizes[index] ?? 0)
    return await use(files)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
