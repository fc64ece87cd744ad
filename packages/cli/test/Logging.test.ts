/** What a server writes on stderr, and what those it talks to would like to write there. */
import { connect } from "node:net"
import Sqlite from "better-sqlite3"
import { describe, expect, it, vi } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { start } from "./support/process.ts"

let house: House
forEachTest((made) => {
  house = made
})

/** A line as ours are, after every way to end one, and what a terminal would obey. */
const forged = JSON.stringify({ timestamp: "2026-01-31T12:00:00.000Z", level: "FATAL", message: "forged" })
const hostile = `\n${forged}\r\n${forged}\u2028${forged}\u0085\u001b[2J\u001b]0;title\u0007\u009b2J\u202e`

const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** The log lines among what was printed; and that nothing in it is what it looks like by mistake. */
const logged = (stderr: string): ReadonlyArray<Record<string, unknown>> => {
  expect(stderr.endsWith("\n")).toBe(true)
  const lines = stderr.split("\n").slice(0, -1)
  for (const line of lines) expect(line).not.toMatch(unprintable)
  const parsed = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
  for (const line of parsed) {
    expect(line).toMatchObject({ timestamp: expect.any(String), level: expect.stringMatching(/^[A-Z]+$/) })
    expect(line.message).not.toBe("forged")
  }
  return parsed
}

/** Sends bytes as they are, and waits until the other side has had enough. */
const send = (url: string, bytes: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes, "latin1"))
    let answer = ""
    socket.setEncoding("latin1").on("data", (chunk) => {
      answer += chunk
    })
    socket.on("close", () => resolve(answer))
    socket.on("error", reject)
  })

const get = (url: string, path: string, ...headers: ReadonlyArray<string>) =>
  send(
    url,
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers.map((one) => `${one}\r\n`).join("")}\r\n`
  )

describe.each([
  ["a server", {}],
  ["a server that tells all it knows", { MITHRANDIR_DEBUG: "1" }]
])("%s", (_, env) => {
  it("logs in JSON, a line each, and lets nobody else write one", async () => {
    house.palantir.jobs.set(`job${hostile}`, { id: `job${hostile}`, queue: hostile, state: "waiting", attempts: 0 })
    const server = start(["serve"], { cwd: house.directory, env })
    const url = await urlOf(server)
    await server.line(/palantir: verified/)
    house.palantir.jobs.delete(`job${hostile}`)
    await server.line(/palantir: DISCREPANCY since \S+: missing: job\\u000a\{"timestamp"/)

    const body = { commandId: "c", service: "palantir", actionType: "delete-job", target: "job-5", reason: hostile }
    const headers = { "content-type": "application/json", prefer: "wait=5" }
    await fetch(`${url}/commands/run`, { method: "POST", body: JSON.stringify(body), headers })

    const percent = encodeURIComponent(hostile)
    const latin = "\u009b2J\u0085"
    // With a record that cannot be read every look at it is logged, and where it was asked for.
    const db = new Sqlite(house.database)
    db.exec("ALTER TABLE command_audit RENAME TO gone")
    db.close()
    for (const path of [
      "/reconciliation/audit",
      "/reconciliation/audit/x",
      `/reconciliation/audit/${percent}`,
      `/reconciliation/audit/x${latin}`,
      `/reconciliation/audit?target=${percent}&actor=${latin}`,
      `/%0a${percent}`,
      `/${latin}`
    ]) {
      const answer = await get(url, path, `User-Agent: ${percent} ${latin}`, `Referer: ${latin}`)
      expect(answer, path).toMatch(/^HTTP\/1\.1 [45]\d\d /)
    }
    expect(await get(url, "/", "User-Agent: \u001b[2J")).toMatch(/^HTTP\/1\.1 400 /)
    expect(await send(url, `GET / HTTP/1.1\n${forged}\n\n`)).toMatch(/^HTTP\/1\.1 400 /)
    await vi.waitFor(() => expect(server.output().stderr).toContain('"level":"ERROR"'))

    const { stderr } = await server.stop()
    const lines = logged(stderr)
    expect(lines).toContainEqual(
      expect.objectContaining({ level: "ERROR", message: expect.stringMatching(/^a read failed: .*mithrandir\.db: /) })
    )
    expect(lines).toContainEqual(
      expect.objectContaining({ method: "GET", path: "/reconciliation/audit", status: 503, id: expect.any(String) })
    )
  })
})
