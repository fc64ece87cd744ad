/**
 * A Palantir in a process of its own, told by its parent what is to go wrong. It counts, for each key, how often it was
 * asked and how often it acted: what no crash of the server can change or forget.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Fault } from "./Plan.ts"

/** What its parent may say to it; each is answered with a `Said`. */
export type Told =
  /** Another cycle begins: what is to be there, and what is to go wrong under which key. */
  | {
      readonly tell: "begin"
      /** How long finished jobs stay listed. */
      readonly finishedKeptMs: number
      readonly honoursKeys: boolean
      readonly failed: ReadonlyArray<string>
      readonly waiting: ReadonlyArray<string>
      readonly queues: ReadonlyArray<string>
      readonly workers: ReadonlyArray<string>
      readonly faults: Readonly<Record<string, { readonly fault: Fault; readonly lateMs: number }>>
    }
  /** Kill a process the nth time that something was applied, before it is answered. */
  | { readonly tell: "kill"; readonly pid: number; readonly nth: number }
  /** Kill nobody. */
  | { readonly tell: "spare" }
  /** Apply everything that was put off. */
  | { readonly tell: "settle" }

export interface Said {
  readonly port: number
  /** How often it was asked, by key. */
  readonly received: Readonly<Record<string, number>>
  /** How often something changed, by key. */
  readonly effects: Readonly<Record<string, number>>
}

interface Job {
  readonly id: string
  readonly queue: string
  state: "waiting" | "active" | "delayed" | "completed" | "failed"
  attempts: number
  completedAt?: number
}

interface Answer {
  readonly status: number
  readonly body?: unknown
}

const jobs = new Map<string, Job>()
const workers = new Map<string, number>()
let queues = new Set<string>()
let honoursKeys = true
let faults: Extract<Told, { tell: "begin" }>["faults"] = {}
let answers = new Map<string, Answer>()
let putOff: Array<() => void> = []
let killing: { readonly pid: number; nth: number } | undefined
const received: Record<string, number> = {}
const effects: Record<string, number> = {}

const count = (counts: Record<string, number>, key: string) => {
  counts[key] = (counts[key] ?? 0) + 1
}

const updatedAt = "2026-01-31T12:00:00.000Z"
const shown = ({ attempts, id, queue, state }: Job) => ({ id, queue, state, attempts, updatedAt })
const countsOf = (some: Iterable<Job>) => {
  const counts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }
  for (const { state } of some) counts[state] += 1
  return counts
}

/** Does what is asked, and says whether it changed anything. */
const act = (method: string, group: string, name: string): Answer & { readonly changed: boolean } => {
  if (group === "jobs") {
    const job = jobs.get(name)
    if (job === undefined) return { status: 404, changed: false }
    if (method === "DELETE") {
      jobs.delete(name)
      return { status: 204, changed: true }
    }
    if (job.state !== "failed") return { status: 409, changed: false }
    job.state = "waiting"
    return { status: 200, body: shown(job), changed: true }
  }
  if (group === "queues") {
    const gone = Array.from(jobs.values()).filter(
      ({ queue, state }) => queue === name && (state === "waiting" || state === "delayed")
    )
    for (const { id } of gone) jobs.delete(id)
    return { status: 200, body: { purged: gone.length }, changed: true }
  }
  const instance = workers.get(name)
  if (instance === undefined) return { status: 404, changed: false }
  workers.set(name, instance + 1)
  return { status: 202, body: { name, instanceId: `${name}-${instance + 1}` }, changed: true }
}

const mutate = (request: IncomingMessage, response: ServerResponse, group: string, name: string) => {
  const { method = "", headers } = request
  const key = String(headers["idempotency-key"])
  count(received, key)
  const send = ({ body, status }: Answer) => {
    response.writeHead(status, body === undefined ? {} : { "content-type": "application/json" })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
  const apply = (): Answer => {
    const known = honoursKeys ? answers.get(key) : undefined
    if (known !== undefined) return known
    const { changed, ...answer } = act(method, group, name)
    answers.set(key, answer)
    if (changed) count(effects, key)
    if (killing !== undefined && --killing.nth === 0) process.kill(killing.pid, "SIGKILL")
    return answer
  }
  const { fault, lateMs } = received[key] === 1 ? (faults[key] ?? sound) : sound
  const later = (ms?: number) => {
    let isDone = false
    const once = () => {
      if (isDone) return
      isDone = true
      send(apply())
    }
    putOff.push(once)
    if (ms !== undefined) setTimeout(once, ms)
  }
  switch (fault) {
    case "none":
      return send(apply())
    case "refused":
      return send({ status: 500 })
    case "busy":
      return send({ status: 429 })
    case "reset":
      return request.socket.resetAndDestroy()
    case "broken":
      apply()
      return request.socket.resetAndDestroy()
    case "silent":
      return
    case "mute":
      apply()
      return
    case "late":
      return later(lateMs)
    case "last":
      return later()
  }
}
const sound = { fault: "none", lateMs: 0 } as const

const server = createServer((request, response) => {
  const { method, url = "/" } = request
  const { pathname, searchParams } = new URL(url, "http://localhost")
  const [, , , group = "", name] = pathname.split("/").map(decodeURIComponent)
  if (method !== "GET" && name !== undefined) return mutate(request, response, group, name)
  const send = (body: unknown) => {
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
    response.end(JSON.stringify(body ?? {}))
  }
  if (group === "health") return send({ status: "ok" })
  if (group === "jobs" && name === undefined) {
    const after = searchParams.get("cursor") ?? ""
    const limit = Number(searchParams.get("limit") ?? "100")
    const ids = Array.from(jobs.keys())
      .filter((id) => id > after)
      .sort()
    const page = ids.slice(0, limit).flatMap((id) => jobs.get(id) ?? [])
    return send({ data: page.map(shown), nextCursor: ids.length > limit ? (page.at(-1)?.id ?? null) : null })
  }
  if (group === "jobs" && name === "counts") return send({ counts: countsOf(jobs.values()) })
  if (group === "jobs") {
    const job = jobs.get(name ?? "")
    return send(job === undefined ? undefined : shown(job))
  }
  if (group === "queues" && queues.has(name ?? "")) {
    return send({ name, counts: countsOf(Array.from(jobs.values()).filter(({ queue }) => queue === name)) })
  }
  const instance = group === "services" ? workers.get(name ?? "") : undefined
  send(instance === undefined ? undefined : { name, instanceId: `${name}-${instance}`, startedAt: updatedAt })
})

const obey = (told: Told) => {
  switch (told.tell) {
    case "begin": {
      // Jobs of the cycle before finish, and in the end leave, as jobs do: not before a pass has seen that they finished.
      for (const job of jobs.values()) {
        if (job.completedAt === undefined) {
          job.state = "completed"
          job.completedAt = Date.now()
        } else if (Date.now() - job.completedAt > told.finishedKeptMs) jobs.delete(job.id)
      }
      honoursKeys = told.honoursKeys
      faults = told.faults
      answers = new Map()
      putOff = []
      killing = undefined
      queues = new Set(["jobs", ...told.queues])
      const add = (id: string, queue: string, state: "failed" | "waiting") =>
        jobs.set(id, { id, queue, state, attempts: state === "failed" ? 1 : 0 })
      for (const id of told.failed) add(id, "jobs", "failed")
      for (const id of told.waiting) add(id, "jobs", "waiting")
      for (const queue of told.queues) for (const n of [0, 1, 2]) add(`${queue}-${n}`, queue, "waiting")
      for (const name of told.workers) workers.set(name, 0)
      return
    }
    case "kill":
      killing = { pid: told.pid, nth: told.nth }
      return
    case "spare":
      killing = undefined
      return
    case "settle":
      for (const apply of putOff) apply()
      putOff = []
  }
}

process.on("message", (told: Told) => {
  obey(told)
  process.send?.({ port: (server.address() as AddressInfo).port, received, effects } satisfies Said)
})
// Whoever started it has gone.
process.on("disconnect", () => process.exit(0))
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port, received, effects }))
