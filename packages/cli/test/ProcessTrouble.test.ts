/** What happens to a server's process: told to stop at a bad moment, held up, short of files, nobody reading what it says. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { describe, expect, it } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { bin, start } from "./support/process.ts"

const isLong = process.env["MITHRANDIR_TEST_LONG"] === "1"

let house: House
forEachTest((made) => {
  house = made
})

const headers = { "content-type": "application/json" }
const send = (url: string, commandId: string, more: Record<string, string> = {}, target = "job-0") => {
  const body = JSON.stringify({ commandId, service: "palantir", actionType: "retry-job", target })
  return fetch(`${url}/commands/run`, { method: "POST", headers: { ...headers, ...more }, body })
}

const phaseOf = async (url: string, commandId: string) =>
  ((await (await fetch(`${url}/commands/${commandId}`)).json()) as { readonly phase: string }).phase

/** A stream that somebody listens to: what came, once it has ended, and how. */
const follow = async (url: string, path = "/reconciliation/stream") => {
  const answer = await fetch(`${url}${path}`)
  expect(answer.status).toBe(200)
  return answer.text().then(
    (text) => ({ text, inOrder: true }),
    () => ({ text: "", inOrder: false })
  )
}

const integrity = (file: string) => {
  const db = new Sqlite(file, { readonly: true })
  try {
    return db.pragma("integrity_check", { simple: true })
  } finally {
    db.close()
  }
}

describe("a server that is told to stop", () => {
  const rounds = isLong ? 100 : 20

  it(`with open streams and a command that runs: ${rounds} of ${rounds} in good order, and nothing is forgotten`, {
    timeout: rounds * 15_000
  }, async () => {
    for (let round = 0; round < rounds; round++) {
      // What upstream does not answer is waited for; what it does may be in any phase.
      const isSilent = round % 10 === 0
      house.palantir.silent = isSilent
      const server = house.start("serve")
      const url = await urlOf(server)
      await server.line(/palantir: verified/)
      const streams = [follow(url), follow(url), follow(url)]
      await expect.poll(() => send(url, `c-${round}`).then(({ status }) => status)).toBeLessThan(300)
      if (isSilent) await server.line(new RegExp(`command c-${round}: running`))
      const told = Date.now()
      const ended = await server.stop("SIGTERM")
      expect(ended, ended.stderr).toMatchObject({ code: 0, signal: null })
      // A bound that docs/reliability.md promises, no measure of speed.
      expect(Date.now() - told).toBeLessThan(15_000)
      expect((await Promise.all(streams)).map(({ inOrder }) => inOrder)).toEqual([true, true, true])
      await expect(fetch(`${url}/health/live`)).rejects.toThrow()
      expect(ended.stderr).toMatch(/stopping\n(.*\n)*stopped\n$/)
    }
    house.palantir.silent = false
    expect(integrity(house.database)).toBe("ok")
    // Whoever comes next finishes what was left, and every command has its end.
    const last = house.start("serve")
    const url = await urlOf(last)
    for (let round = 0; round < rounds; round++) {
      await expect.poll(() => phaseOf(url, `c-${round}`), { timeout: 30_000 }).toMatch(/^(success|error|timeout)$/)
    }
    const { meta } = (await (await fetch(`${url}/reconciliation/audit?actionType=retry-job`)).json()) as {
      readonly meta: { readonly total: number }
    }
    expect(meta.total).toBe(rounds)
  })

  it("twice is no more than told to stop; and again after a second, it goes at once", { timeout: 60_000 }, async () => {
    house.palantir.silent = true
    for (const [pauseMs, code, target] of [
      [0, 0, "job-0"],
      [1_200, 130, "job-1"]
    ] as const) {
      const server = house.start("serve")
      const url = await urlOf(server)
      await send(url, `c-${pauseMs}`, {}, target)
      await server.line(new RegExp(`command c-${pauseMs}: running`))
      process.kill(server.pid, "SIGTERM")
      await server.line(/^stopping$/)
      // How long after the first a signal comes is what makes it another one.
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      try {
        process.kill(server.pid, "SIGTERM")
      } catch {
        // It was quicker.
      }
      const ended = await server.end()
      expect([0, code], ended.stderr).toContain(ended.code)
    }
    expect(integrity(house.database)).toBe("ok")
  })
})

describe("a server", () => {
  it("goes on where nobody reads what it prints", async () => {
    const child = spawn(process.execPath, [bin, "serve"], { cwd: house.directory, stdio: ["ignore", "pipe", "pipe"] })
    try {
      let text = ""
      child.stderr.setEncoding("utf8")
      while (!/listens on \S+\n/.test(text)) text += (await once(child.stderr, "data"))[0]
      const url = /listens on (\S+)/.exec(text)?.[1] ?? ""
      child.stdout.destroy()
      child.stderr.destroy()
      for (let n = 0; n < 3; n++) {
        const answer = await send(url, `c-${n}`, { prefer: "wait=10" })
        expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/"phase":"(success|error)"/)])
      }
      expect(child.exitCode).toBeNull()
      const end = once(child, "exit")
      child.kill("SIGTERM")
      expect(await end).toEqual([0, null])
    } finally {
      child.kill("SIGKILL")
    }
  })

  it("that has no more files to open says so, keeps what it has, and takes in others once there are", async () => {
    const server = start(["serve"], { cwd: house.directory, limit: "-n 60" })
    const url = await urlOf(server)
    await server.line(/palantir: verified/)
    await send(url, "before", { prefer: "wait=10" })
    const { port } = new URL(url)
    const sockets: Array<Socket> = []
    for (let n = 0; n < 120; n++) sockets.push(connect(Number(port), "127.0.0.1").on("error", () => undefined))
    // Its passes find no place for a connection to upstream, once those it keeps alive are gone.
    await expect.poll(() => readdirSync(`/proc/${server.pid}/fd`).length).toBeGreaterThan(50)
    for (const socket of sockets) socket.destroy()
    await expect.poll(async () => (await fetch(`${url}/health/ready`)).status, { timeout: 15_000 }).toBe(200)
    expect(await phaseOf(url, "before")).toMatch(/success|error/)
    const after = await send(url, "after", { prefer: "wait=10" })
    expect([after.status, await after.text()]).toEqual([200, expect.stringContaining('"outcome"')])
    expect(await server.stop()).toMatchObject({ code: 0 })
    expect(integrity(house.database)).toBe("ok")
  })

  it("that was held up accuses nobody, and goes on where it was", { timeout: 120_000 }, async () => {
    const server = house.start("serve")
    const url = await urlOf(server)
    await server.line(/palantir: verified/)
    const stream = follow(url)
    process.kill(server.pid, "SIGSTOP")
    const sent = send(url, "meanwhile", { prefer: "wait=10" })
    // A process that is held up shows nothing that could be waited for; it misses passes meanwhile.
    await new Promise((resolve) => setTimeout(resolve, isLong ? 60_000 : 5_000))
    process.kill(server.pid, "SIGCONT")
    expect((await sent).status).toBe(200)
    // A pass from before it was held up proves nothing.
    const before = Date.now()
    const statusOf = async () => {
      const { data } = (await (await fetch(`${url}/reconciliation/status`)).json()) as {
        readonly data: ReadonlyArray<{ readonly status: string; readonly observedAt: string }>
      }
      return data.map(({ observedAt, status }) => [status, Date.parse(observedAt) >= before])
    }
    await expect.poll(statusOf).toEqual([["verified", true]])
    expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    expect(await server.stop()).toMatchObject({ code: 0 })
    const { inOrder, text } = await stream
    expect(inOrder).toBe(true)
    expect(text).not.toContain('"status":"discrepancy"')
    expect(text).toContain('"commandId":"meanwhile"')
  })
})

const hasStrace = (() => {
  try {
    execFileSync("strace", ["-e", "trace=none", "true"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasStrace)("what is acknowledged (needs strace)", () => {
  it("was synced before: once for each of T1, T2 and T3", async () => {
    const trace = join(house.directory, "trace")
    const child = spawn(
      "strace",
      ["-f", "-y", "-e", "trace=fsync,fdatasync", "-o", trace, process.execPath, bin, "serve"],
      { cwd: house.directory, stdio: ["ignore", "inherit", "pipe"] }
    )
    try {
      let text = ""
      child.stderr.setEncoding("utf8").on("data", (chunk) => {
        text += chunk
      })
      await expect.poll(() => text, { timeout: 20_000 }).toMatch(/palantir: verified/)
      const url = /listens on (\S+)/.exec(text)?.[1] ?? ""
      const synced = () => readFileSync(trace, "utf8").match(/(fsync|fdatasync)\(.*-wal>/g)?.length ?? 0
      const before = { synced: synced(), committed: committed() }
      for (const n of [0, 1, 2, 3, 4]) await send(url, `c-${n}`, { prefer: "wait=10" })
      // A pass is one more event, and one more commit.
      const commits = committed() - before.committed
      expect(commits).toBeGreaterThanOrEqual(15)
      await expect.poll(() => synced() - before.synced).toBeGreaterThanOrEqual(commits)
    } finally {
      execFileSync("pkill", ["-P", String(child.pid)])
      await once(child, "exit")
    }
  })
})

/** How often something was committed: each of a command's commits has one event, and so has a pass. */
const committed = () => {
  const db = new Sqlite(house.database, { readonly: true })
  try {
    return db.prepare("SELECT newest FROM event_seq").pluck().get() as number
  } finally {
    db.close()
  }
}
