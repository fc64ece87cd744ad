/** Cycles one after the other, on one database: each begins a server, kills it, begins it again, and looks at what is there. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import Sqlite from "better-sqlite3"
import * as Client from "./Client.ts"
import { listen } from "./Listener.ts"
import { type Kill, type Mode, ordersOf, type Plan, planOf } from "./Plan.ts"
import { beginning, bin, exited, finishedKept, freePort, startUpstream } from "./Processes.ts"
import { type Facts, verdict } from "./Verdict.ts"

/** What one cycle came to. */
export interface Cycle {
  readonly plan: Plan
  /** What does not hold. */
  readonly violations: ReadonlyArray<string>
  /** Of the kills that were planned, those that came about. */
  readonly killed: ReadonlyArray<Kill["at"]>
  readonly outcomes: Readonly<Record<string, number>>
}

export interface Lane {
  readonly cycle: (seed: number) => Promise<Cycle>
  readonly close: () => Promise<void>
}

const killer = fileURLToPath(new URL("../src/killer.cjs", import.meta.url))

/** How long a command may take, and an answer. What is late is late by more than that, or just in time. */
const times: Record<Mode, object> = {
  keyed: { requestTimeout: "2 seconds", commandTimeout: "20 seconds" },
  unkeyed: { requestTimeout: "2 seconds", commandTimeout: "20 seconds" },
  late: { requestTimeout: "500 millis", commandTimeout: "1500 millis" }
}

export const open = async (mode: Mode, directory: string): Promise<Lane> => {
  const upstream = await startUpstream()
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const listener = listen(base)
  const database = join(directory, "mithrandir.db")
  const service = {
    id: "palantir",
    type: "palantir",
    url: `http://127.0.0.1:${upstream.port}`,
    pollInterval: "2 seconds",
    settle: "20 millis",
    finishedKept,
    honoursKeys: mode !== "unkeyed",
    ...times[mode]
  }
  await writeFile(join(directory, "mithrandir.json"), JSON.stringify({ services: [service], port, database }))

  const start = (kill: Kill | undefined): ChildProcess => {
    const log = openSync(join(directory, "server.log"), "a")
    const child = spawn(process.execPath, ["--require", killer, bin, "serve"], {
      cwd: directory,
      env: { PATH: process.env["PATH"], MITHRANDIR_TEST_KILL: JSON.stringify(kill ?? {}) },
      stdio: ["ignore", log, log, "ipc"]
    })
    closeSync(log)
    return child
  }

  /** What is still to come of this cycle, and what came. */
  let kills: Array<Kill> = []
  let killed: Array<Kill["at"]> = []
  let violations: Array<string> = []
  let accusations = 0
  let timer: NodeJS.Timeout | undefined
  let isOver = false

  /** What the server itself knows nothing of. */
  const arm = async (kill: Kill | undefined) => {
    clearTimeout(timer)
    const { pid = -1 } = server
    if (kill?.at === "random") timer = setTimeout(() => process.kill(pid, "SIGKILL"), kill.afterMs)
    await upstream.tell(kill?.at === "applied" ? { tell: "kill", pid, nth: kill.nth } : { tell: "spare" })
  }

  /** No boundary kills any more. One that was just reached may: then it is the next server that is spared. */
  const spare = async (): Promise<void> => {
    const one = server
    const hears = once(one, "message").then(() => true)
    if (one.connected) one.send({}, () => {})
    if (await Promise.race([hears, exited(one).then(() => false)])) return
    while (server === one) await sleep(5)
    await spare()
  }

  let server = start(undefined)
  const supervise = async () => {
    while (!isOver) {
      await exited(server)
      if (isOver) return
      const kill = kills.shift()
      if (server.signalCode === "SIGKILL" && kill !== undefined) killed.push(kill.at)
      else violations.push(`the server ended by itself, with ${server.signalCode ?? server.exitCode}`)
      server = start(kills[0])
      await arm(kills[0])
    }
  }
  const supervision = supervise()

  const cycle = async (seed: number): Promise<Cycle> => {
    const plan = planOf(mode, seed)
    await upstream.tell(beginning(plan))
    kills = [...plan.kills]
    killed = []
    violations = []
    const armed = once(server, "message")
    server.send(kills[0] ?? {})
    await armed
    await arm(kills[0])

    const told = await Promise.all(
      plan.clients.map(async (orders) => {
        const all: Array<Client.Told> = []
        for (const order of orders) all.push(await Client.send(base, order))
        return all
      })
    ).then((all) => all.flat())
    violations.push(...told.flatMap(({ complaints }) => complaints))

    const { effects, received } = await upstream.tell({ tell: "settle" })
    // A pass that has seen what came late.
    await sleep(mode === "late" ? 2_200 : 0)
    violations.push(...(await again(base, plan)))
    const { newest } = look(database, plan).events
    const until = Date.now() + 10_000
    while (listener.last() < newest && Date.now() < until) await sleep(20)
    if (listener.last() < newest) violations.push(`7: of ${newest} events a listener has heard ${listener.last()}`)
    violations.push(...listener.complaints())
    // A kill that did not come about is none of the next cycle's.
    await arm(undefined)
    await spare()
    kills = []
    const seen = look(database, plan)
    const facts = { ...seen, accusations: seen.accusations - accusations, told, effects, received }
    accusations = seen.accusations
    return {
      plan,
      violations: [...violations, ...verdict(plan, facts)],
      killed,
      outcomes: tally(facts.audit.map(({ outcome }) => outcome))
    }
  }

  const close = async () => {
    isOver = true
    server.kill("SIGTERM")
    await Promise.all([supervision, exited(server), listener.close()])
    await upstream.close()
    if (server.exitCode !== 0) throw new Error(`the server ended with ${server.signalCode ?? server.exitCode}`)
  }
  return { cycle, close }
}

/** To send everything again changes nothing; where the server is killed by that, nothing can be said. */
const again = async (base: string, plan: Plan): Promise<ReadonlyArray<string>> => {
  const [first] = ordersOf(plan)
  if (first === undefined) return []
  for (let tries = 0; tries < 100; tries++) {
    try {
      const { complaints } = await Client.send(base, { ...first, how: "plain" })
      return [...complaints, ...(await Client.misuse(base, first))]
    } catch {
      await sleep(50)
    }
  }
  return ["the server was not there any more when everything was over"]
}

/** What is in the file at one moment, as another process reads it; accusations, as many as there ever were. */
const look = (database: string, { prefix }: Plan): Omit<Facts, "told" | "effects" | "received"> => {
  const db = new Sqlite(database, { readonly: true })
  try {
    db.exec("BEGIN")
    const all = <A>(sql: string, ...params: ReadonlyArray<string>) => db.prepare(sql).all(...params) as Array<A>
    const ours = `${prefix}-%`
    const [events] = all<{ count: number; oldest: number | null; newest: number | null }>(
      "SELECT count(*) AS count, min(seq) AS oldest, max(seq) AS newest FROM event"
    )
    return {
      audit: all("SELECT id, outcome, logs_json AS logs FROM command_audit WHERE id LIKE ?", ours),
      journal: all("SELECT id, phase, outcome FROM command WHERE id LIKE ?", ours),
      phases: all(
        `SELECT data ->> 'commandId' AS id, data ->> 'phase' AS phase FROM event
         WHERE name = 'command.status' AND subject LIKE ? ORDER BY seq`,
        ours
      ),
      events: {
        count: events?.count ?? 0,
        oldest: events?.oldest ?? 0,
        newest: events?.newest ?? 0,
        last: db.prepare("SELECT newest FROM event_seq").pluck().get() as number
      },
      integrity: String(db.pragma("integrity_check", { simple: true })),
      accusations: db
        .prepare("SELECT count(*) FROM discrepancy_event WHERE status = 'discrepancy'")
        .pluck()
        .get() as number
    }
  } finally {
    db.close()
  }
}

export const tally = (words: ReadonlyArray<string>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
