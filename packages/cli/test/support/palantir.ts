/** A Palantir whose jobs do only what a test says: the contract over a real socket, on any free port. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface FakeJob {
  readonly id: string
  readonly queue: string
  state: "waiting" | "active" | "delayed" | "completed" | "failed"
  attempts: number
}

export interface FakePalantir {
  readonly url: string
  readonly jobs: Map<string, FakeJob>
  /** Every request that could change something, `METHOD path`, in order. */
  readonly mutations: Array<string>
  /** Leaves every request that could change something without an answer. */
  silent: boolean
  /** How retries of these jobs go wrong: done by its word alone, or answered with a 500. */
  readonly retries: Map<string, "pretended" | "broken">
  /** What it wants as its bearer token, where it wants one. */
  token: string | undefined
  /** Answers nothing any more, and lets its port go. */
  readonly close: () => Promise<void>
}

/** Ten jobs: `job-0` and `job-1` have failed, the others wait. */
export const start = async (): Promise<FakePalantir> => {
  const jobs = new Map<string, FakeJob>()
  for (let n = 0; n < 10; n++) {
    jobs.set(`job-${n}`, {
      id: `job-${n}`,
      queue: "mail",
      state: n < 2 ? "failed" : "waiting",
      attempts: n < 2 ? 1 : 0
    })
  }
  const server = createServer((request, response) => {
    if (palantir.token !== undefined && request.headers.authorization !== `Bearer ${palantir.token}`) {
      response.writeHead(401).end()
      return
    }
    if (request.method !== "GET") palantir.mutations.push(`${request.method} ${request.url}`)
    if (request.method === "GET" || !palantir.silent) answer(palantir, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const palantir: FakePalantir = {
    url: `http://127.0.0.1:${port}`,
    jobs,
    mutations: [],
    silent: false,
    retries: new Map(),
    token: undefined,
    close
  }
  return palantir
}

const updatedAt = "2026-01-31T12:00:00.000Z"

const answer = ({ jobs, retries }: FakePalantir, request: IncomingMessage, response: ServerResponse) => {
  const { method = "GET", url = "/" } = request
  const send = (status: number, body?: unknown) => {
    response.writeHead(status, body === undefined ? {} : { "content-type": "application/json" })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
  const { pathname } = new URL(url, "http://localhost")
  const [, , , group, id, action] = pathname.split("/").map(decodeURIComponent)
  if (group === "health") return send(200, { status: "ok" })
  if (group === "queues" && id !== undefined) return answerQueue(jobs, id, action, send)
  if (group !== "jobs") return send(404, {})
  if (id === "counts") return send(200, { counts: count(jobs.values()) })
  if (id === "stuck") return send(200, { stuck: [] })
  if (id === undefined) return send(200, { data: Array.from(jobs.values(), shown).sort(byId), nextCursor: null })
  const job = jobs.get(id)
  if (job === undefined) return send(404, {})
  if (method === "GET") return send(200, { ...shown(job), attempts: job.attempts })
  if (method === "DELETE") {
    jobs.delete(id)
    return send(204)
  }
  if (action !== "retry" || job.state !== "failed") return send(409, {})
  if (retries.get(id) === "broken") return send(500, {})
  if (retries.get(id) !== "pretended") job.state = "waiting"
  return send(200, { ...shown(job), attempts: job.attempts })
}

/** Every queue exists. A purge takes what waits in it. */
const answerQueue = (
  jobs: Map<string, FakeJob>,
  name: string,
  action: string | undefined,
  send: (status: number, body: unknown) => void
) => {
  const inQueue = [...jobs.values()].filter(({ queue }) => queue === name)
  if (action === undefined) return send(200, { name, counts: count(inQueue) })
  const purged = inQueue.filter(({ state }) => state === "waiting" || state === "delayed")
  for (const { id } of purged) jobs.delete(id)
  send(200, { purged: purged.length })
}

const shown = ({ id, queue, state }: FakeJob) => ({ id, queue, state, updatedAt })

const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1)

const count = (jobs: Iterable<FakeJob>) => {
  const counts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }
  for (const { state } of jobs) counts[state] += 1
  return counts
}
