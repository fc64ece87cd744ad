/** The story's seven criteria, each through the server's own process, a real socket and a real database file. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { fetch } from "../../http/test/support/fetch.ts"
import { type Json, json, type Listener, listen } from "./support/listen.ts"
import * as Palantir from "./support/palantir.ts"
import { type Running, start, stopAll } from "./support/process.ts"

let directory: string
let palantir: Palantir.FakePalantir
let server: Running
let url: string
const listeners: Array<Listener> = []

const serve = async () => {
  server = start(["serve"], { cwd: directory })
  url = (await server.line(/listens on (\S+)$/))[1] ?? ""
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-story-"))
  palantir = await Palantir.start()
  const service = {
    id: "palantir",
    name: "Palantir",
    type: "palantir",
    url: palantir.url,
    healthEndpoint: `${palantir.url}/api/v1/health`,
    metadata: { team: "jobs" },
    pollInterval: "200 millis",
    settle: "20 millis"
  }
  await writeFile(join(directory, "mithrandir.json"), JSON.stringify({ services: [service], port: 0 }))
  await serve()
})

afterAll(async () => {
  for (const listener of listeners) listener.close()
  await stopAll()
  await palantir.close()
  await rm(directory, { recursive: true, force: true })
})

const hear = (options?: Parameters<typeof listen>[1]) => {
  const listener = listen(url, options)
  listeners.push(listener)
  return listener
}

/** The database, with a client that knows nothing of us. */
const query = <A = Record<string, unknown>>(sql: string): ReadonlyArray<A> => {
  const db = new Sqlite(join(directory, "mithrandir.db"))
  try {
    return db.prepare<[], A>(sql).all()
  } finally {
    db.close()
  }
}

const getJson = async (path: string): Promise<Json> => {
  const response = await fetch(`${url}${path}`)
  expect([path, response.status]).toEqual([path, 200])
  return json(response)
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

/** Posts a command, and gives its phases as the answer's own stream tells them. */
const command = async (body: Record<string, unknown>) => {
  const response = await post("/commands/run", body, { accept: "text/event-stream" })
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/)
  const text = await response.text()
  return Array.from(
    text.matchAll(/^event: ?command\.status\n(?:.*\n)*?data: ?(.*)$/gm),
    ([, data]) => JSON.parse(data ?? "") as Json
  )
}

describe("the story", () => {
  it("1. start-up creates and migrates both tables: snake_case, timestamp defaults, append-only", () => {
    const columns = (table: string) =>
      query<{ name: string; type: string; notnull: number; dflt_value: string | null; pk: number }>(
        `PRAGMA table_info(${table})`
      ).map(({ name, type, notnull, dflt_value, pk }) =>
        [name, type, notnull ? "NOT NULL" : "", pk ? "PRIMARY KEY" : "", dflt_value ?? ""].filter(Boolean).join(" ")
      )
    expect(columns("discrepancy_event")).toEqual([
      "id TEXT PRIMARY KEY",
      "timestamp TEXT NOT NULL datetime('now')",
      "service TEXT NOT NULL",
      "status TEXT NOT NULL",
      "counts_json TEXT NOT NULL",
      "checksum TEXT NOT NULL",
      "latency_ms INTEGER NOT NULL",
      "discrepancy_details_json TEXT"
    ])
    expect(columns("command_audit")).toEqual([
      "id TEXT PRIMARY KEY",
      "timestamp TEXT NOT NULL datetime('now')",
      "actor TEXT NOT NULL",
      "action_type TEXT NOT NULL",
      "target TEXT NOT NULL",
      "outcome TEXT NOT NULL",
      "before_state_json TEXT",
      "after_state_json TEXT",
      "command_params_json TEXT",
      "logs_json TEXT"
    ])
    expect(
      query("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name = 'command_audit_append_only'")
    ).toEqual([{ name: "command_audit_append_only" }])
  })

  it("2. the stream says when telemetry was polled, and a heartbeat every 15 s", { timeout: 60_000 }, async () => {
    const listener = hear()
    const first = await listener.wait("an update", ({ event }) => event === "reconciliation.update")
    expect(first.data).toMatchObject({
      service: "palantir",
      status: "verified",
      counts: { waiting: 8, active: 0, delayed: 0, completed: 0, failed: 2 },
      checksum: expect.stringMatching(/^v1:[0-9a-f]{64}$/),
      latencyMs: expect.any(Number),
      eventId: expect.any(String)
    })
    await listener.wait(
      "another update",
      ({ data, event }) => event.startsWith("recon") && data.eventId !== first.data.eventId
    )

    // Also as a plain socket sees it.
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const began = performance.now()
    socket.write(`GET /reconciliation/stream?event=command.status HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`)
    let text = ""
    const beats: Array<number> = []
    const wanted = process.env.MITHRANDIR_TEST_LONG ? 3 : 1
    await new Promise<void>((resolve, reject) => {
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
        const count = text.split(/^event: ?heartbeat$/m).length - 1
        while (beats.length < count) beats.push(performance.now() - began)
        if (count >= wanted) resolve()
      })
      socket.once("error", reject)
      socket.once("close", () => reject(new Error(text)))
    })
    socket.destroy()
    beats.forEach((at, index) => {
      expect(at).toBeGreaterThan(15_000 * (index + 1) - 500)
      expect(at).toBeLessThan(15_000 * (index + 1) + 3_000)
    })
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text).toMatch(/^content-type: text\/event-stream/im)
    expect(text).toMatch(/^cache-control: no-cache, no-transform\r$/im)
    expect(text).toMatch(/^x-accel-buffering: no\r$/im)
    expect(text).toMatch(/^retry: ?\d+$/m)
    const beat = listener.heard.find(({ event }) => event === "heartbeat")
    expect(beat?.data).toEqual({ time: expect.any(String), lastEventId: expect.any(String) })
  })

  it("3. the audit pages newest first, with sorting and filters", async () => {
    for (let n = 0; n < 3; n++) {
      await command({ commandId: `page-${n}`, service: "palantir", actionType: "delete-job", target: `gone-${n}` })
    }
    const all = await getJson("/reconciliation/audit")
    expect(all.meta).toMatchObject({ page: 1, limit: 50, totalPages: 1 })
    const ids = (page: { data: ReadonlyArray<{ id: string }> }) => page.data.map(({ id }) => id)
    expect(ids(all).slice(0, 3)).toEqual(["page-2", "page-1", "page-0"])
    const query = "?actionType=delete-job&target=gone-1&startDate=2020-01-01&endDate=2999-12-31T00:00:00Z"
    const filtered = await getJson(`/reconciliation/audit${query}`)
    expect(filtered).toEqual({
      data: [
        {
          id: "page-1",
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          actor: "local",
          actionType: "delete-job",
          target: "gone-1",
          outcome: "success",
          beforeState: null,
          afterState: null,
          commandParams: {},
          logs: expect.any(Array)
        }
      ],
      meta: { page: 1, limit: 50, total: 1, totalPages: 1, nextCursor: null }
    })
    const second = await getJson(
      "/reconciliation/audit?limit=1&page=2&sortBy=target&sortOrder=asc&actionType=delete-job"
    )
    expect(ids(second)).toEqual(["page-1"])
    expect(second.meta).toMatchObject({ page: 2, limit: 1, total: 3, totalPages: 3 })
    const none = await getJson("/reconciliation/audit?actionType=nothing")
    expect(none).toEqual({ data: [], meta: { page: 1, limit: 50, total: 0, totalPages: 0, nextCursor: null } })
  })

  it("4. a command goes from queued over running to success, once, and is on the record", async () => {
    const request = { commandId: "retry-0", service: "palantir", actionType: "retry-job", target: "job-0" }
    const listener = hear()
    await listener.wait("ready", ({ event }) => event === "stream.ready")
    const sent = palantir.mutations.length
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n === 0 ? command(request).then((phases) => phases) : post("/commands/run", request)
      )
    )
    const phases = answers[0] as ReadonlyArray<{ phase: string }>
    expect(phases.at(-1)).toMatchObject({ commandId: "retry-0", phase: "success", verified: true })
    await listener.wait("success", ({ data, event }) => event === "command.status" && data.phase === "success")
    const told = listener.heard.filter(({ data, event }) => event === "command.status" && data.commandId === "retry-0")
    expect(told.map(({ data }) => data.phase)).toEqual(["queued", "running", "success"])
    expect(palantir.mutations.slice(sent)).toEqual(["POST /api/v1/jobs/job-0/retry"])

    const rows = query<Record<string, string>>("SELECT * FROM command_audit WHERE id = 'retry-0'")
    expect(rows.length).toBe(1)
    expect(JSON.parse(rows[0]?.["before_state_json"] ?? "")).toMatchObject({ id: "job-0", state: "failed" })
    expect(JSON.parse(rows[0]?.["after_state_json"] ?? "")).toMatchObject({ id: "job-0", state: "waiting" })

    const again = await post("/commands/run", request)
    expect([again.status, await json(again)]).toEqual([
      200,
      { commandId: "retry-0", service: "palantir", phase: "success", replayed: true }
    ])
    expect(palantir.mutations.length).toBe(sent + 1)

    const refused = await command({ ...request, commandId: "retry-9", target: "job-9" })
    expect(refused.at(-1)).toMatchObject({ phase: "error" })
  })

  it("5. a difference is written down and broadcast, with expected, actual and what is missing", async () => {
    const listener = hear({ query: "?event=reconciliation.update" })
    await listener.wait("ready", ({ event }) => event === "stream.ready")
    palantir.jobs.delete("job-7")
    const { data } = await listener.wait(
      "a discrepancy",
      ({ data, event }) => event.startsWith("recon") && data.status === "discrepancy"
    )
    expect(data.discrepancyDetails).toMatchObject({ missingJobIds: ["job-7"], missingJobCount: 1 })
    const { actual, expected } = data.discrepancyDetails
    expect(expected.waiting - actual.waiting).toBe(1)
    expect(actual).toEqual(data.counts)
    const rows = query<Record<string, string>>("SELECT * FROM discrepancy_event WHERE status = 'discrepancy'")
    expect(rows.length).toBe(1)
    expect(rows[0]).toMatchObject({ id: data.eventId, service: "palantir", checksum: data.checksum })
    expect(JSON.parse(rows[0]?.["discrepancy_details_json"] ?? "")).toEqual(data.discrepancyDetails)

    const accepted = await post("/reconciliation/run", { service: "palantir", accept: true })
    expect(accepted.status).toBe(200)
    expect((await json(accepted)).data[0]).toMatchObject({ status: "verified" })
  })

  it("6. the registered services are listed, with their health", async () => {
    const deadline = Date.now() + 10_000
    let data: ReadonlyArray<{ health: { status: string } }> = []
    do data = (await getJson("/services/registered")).data
    while (data[0]?.health.status === "unknown" && Date.now() < deadline)
    expect(data).toEqual([
      {
        id: "palantir",
        name: "Palantir",
        type: "palantir",
        healthEndpoint: `${palantir.url}/api/v1/health`,
        registeredAt: expect.stringMatching(/Z$/),
        metadata: { team: "jobs" },
        health: { status: "healthy", checkedAt: expect.stringMatching(/Z$/), latencyMs: expect.any(Number) }
      }
    ])
  })

  it("7. what Palantir says of stuck jobs is passed through", async () => {
    const here = await fetch(`${url}/api/jobs/stuck?service=palantir&olderThan=60`)
    const there = await fetch(`${palantir.url}/api/v1/jobs/stuck?olderThan=60`)
    expect(here.status).toBe(there.status)
    expect(here.headers.get("content-type")).toBe(there.headers.get("content-type"))
    expect(await here.text()).toBe(await there.text())
  })

  it("a listener goes on after its last id over a restart, and starts anew where it cannot", async () => {
    const before = hear()
    const last = await before.wait(
      "an update with an id",
      ({ event, id }) => event === "reconciliation.update" && id !== ""
    )
    before.close()
    expect(await server.stop()).toMatchObject({ code: 0 })
    await serve()
    const after = hear({ lastEventId: last.id })
    await after.wait("later updates", ({ id }) => seq(id) > seq(last.id) + 3)
    const places = after.heard.filter(({ event }) => event !== "heartbeat").map(({ id }) => seq(id))
    expect(places).toEqual(places.map((_, index) => seq(last.id) + 1 + index))

    const foreign = hear({ lastEventId: "0123456789abcdef-1" })
    const reset = await foreign.wait("a reset", ({ event }) => event === "stream.reset")
    expect(reset.data).toEqual({
      reason: "foreign",
      oldest: expect.stringMatching(/^[0-9a-f]{32}-1$/),
      newest: expect.stringMatching(/^[0-9a-f]{32}-\d+$/)
    })
    await foreign.wait("ready", ({ event }) => event === "stream.ready")
    expect(foreign.heard.map(({ event }) => event).slice(0, 3)).toEqual([
      "stream.reset",
      "reconciliation.update",
      "stream.ready"
    ])
  })
})

const seq = (id: string) => Number(id.split("-").at(-1))
