/** A server under listeners that come and go, commands, and an upstream that fails: whether it stays as it is. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import * as Client from "./Client.ts"
import { type Listener, listen } from "./Listener.ts"
import { ordersOf, planOf } from "./Plan.ts"
import { beginning, bin, exited, finishedKept, freePort, startUpstream } from "./Processes.ts"

/** How the server was at a moment, garbage collected. */
export interface Sample {
  readonly minute: number
  readonly heapMb: number
  readonly rssMb: number
  /** Sockets, timers and the like. */
  readonly handles: number
  /** How late the event loop was since the sample before. */
  readonly delayP99Ms: number
  readonly delayMaxMs: number
  /** Processor time since it began. */
  readonly cpuS: number
}

/** What a run came to. */
export interface Report {
  readonly minutes: number
  readonly listeners: number
  readonly visits: number
  readonly commands: number
  readonly samples: ReadonlyArray<Sample>
  /** How much the heap grew, by least squares, over the second half. */
  readonly heapMbPerHour: number
  readonly handlesAtEnd: number
  readonly problems: ReadonlyArray<string>
}

const probe = fileURLToPath(new URL("../src/probe.cjs", import.meta.url))

/** Half of them stay for seconds, the others for up to two minutes. */
const stayMs = () => (Math.random() < 0.5 ? 1_000 + Math.random() * 9_000 : Math.random() * 120_000)

export const soak = async (options: {
  readonly minutes: number
  readonly listeners: number
  readonly onSample?: (sample: Sample) => void
}): Promise<Report> => {
  const { listeners, minutes, onSample } = options
  const directory = await mkdtemp(join(tmpdir(), "mithrandir-soak-"))
  const [upstream, port] = [await startUpstream(), await freePort()]
  const base = `http://127.0.0.1:${port}`
  const service = {
    id: "palantir",
    type: "palantir",
    url: `http://127.0.0.1:${upstream.port}`,
    pollInterval: "1 second",
    finishedKept,
    requestTimeout: "500 millis",
    commandTimeout: "3 seconds"
  }
  await writeFile(join(directory, "mithrandir.json"), JSON.stringify({ services: [service], port }))
  const log = openSync(join(directory, "server.log"), "a")
  const server = spawn(process.execPath, ["--expose-gc", "--require", probe, bin, "serve"], {
    cwd: directory,
    stdio: ["ignore", log, log, "ipc"]
  })
  closeSync(log)
  const began = Date.now()
  const until = began + minutes * 60_000
  const isOver = () => Date.now() >= until
  const problems: Array<string> = []
  let [visits, commands] = [0, 0]

  const ask = async (): Promise<Sample> => {
    const answer = once(server, "message")
    server.send("how are you?")
    const [sample] = (await answer) as [Omit<Sample, "minute">]
    return { minute: (Date.now() - began) / 60_000, ...sample }
  }

  // A server that ends before its time has nobody to ask.
  server.once("exit", (code, signal) => {
    if (!isOver()) throw new Error(`the server ended with ${signal ?? code}; see ${directory}/server.log`)
  })
  while ((await fetch(`${base}/health/ready`).catch(() => undefined))?.status !== 200) await sleep(100)

  /** One listener after the other, each going on where the one before left off, or from the beginning. */
  const visitor = async () => {
    await sleep(Math.random() * 5_000)
    while (!isOver()) {
      visits += 1
      const listener: Listener = listen(base, "snapshot")
      await sleep(Math.min(stayMs(), Math.max(0, until - Date.now())))
      problems.push(...listener.complaints())
      await listener.close()
    }
  }

  /** A cycle's commands after another's, as in the torture, without the killing. */
  const operator = async () => {
    for (let seed = 1; !isOver(); seed++) {
      const plan = planOf("late", seed)
      await upstream.tell(beginning(plan))
      const told = await Promise.all(ordersOf(plan).map((order) => Client.send(base, order)))
      commands += told.length
      problems.push(...told.flatMap(({ complaints }) => complaints))
      await upstream.tell({ tell: "settle" })
    }
  }

  const samples: Array<Sample> = []
  const sampler = async () => {
    const every = Math.max(2_000, (minutes * 60_000) / 60)
    while (!isOver()) {
      await sleep(Math.min(every, Math.max(0, until - Date.now())))
      const sample = await ask()
      samples.push(sample)
      onSample?.(sample)
    }
  }

  await Promise.all([...Array.from({ length: listeners }, visitor), operator(), sampler()])
  // Everybody has gone: what is left is what it had in the beginning.
  await sleep(2_000)
  const { handles } = await ask()
  server.kill("SIGTERM")
  await exited(server)
  if (server.exitCode !== 0) problems.push(`the server ended with ${server.signalCode ?? server.exitCode}`)
  await upstream.close()
  if (problems.length === 0) await rm(directory, { recursive: true, force: true })
  return {
    minutes,
    listeners,
    visits,
    commands,
    samples,
    heapMbPerHour: slope(samples.slice(Math.floor(samples.length / 2))) * 60,
    handlesAtEnd: handles,
    problems
  }
}

/** By least squares, in MiB a minute. */
const slope = (samples: ReadonlyArray<Sample>): number => {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length
  const [x, y] = [mean(({ minute }) => minute), mean(({ heapMb }) => heapMb)]
  const [above, below] = [
    mean(({ heapMb, minute }) => (minute - x) * (heapMb - y)),
    mean(({ minute }) => (minute - x) ** 2)
  ]
  return below === 0 ? 0 : above / below
}
