/** The server as a process: how it starts, what it says, how it stops. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { fetch } from "../../http/test/support/fetch.ts"
import { json, listen } from "./support/listen.ts"
import * as Palantir from "./support/palantir.ts"
import { run, start, stopAll } from "./support/process.ts"

let directory: string
let palantir: Palantir.FakePalantir

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-cli-"))
  palantir = await Palantir.start()
  const service = {
    id: "palantir",
    type: "palantir",
    url: palantir.url,
    pollInterval: "200 millis",
    settle: "20 millis"
  }
  await writeFile(join(directory, "mithrandir.json"), JSON.stringify({ services: [service], port: 0 }))
})

afterEach(async () => {
  await stopAll()
  await palantir.close()
  await rm(directory, { recursive: true, force: true })
})

const serve = (...args: ReadonlyArray<string>) => start(["serve", ...args], { cwd: directory })

describe("serve", () => {
  it("says where it listens, what it reconciles, and what changes", async () => {
    const server = serve()
    const url = (await server.line(/^mithrandir \d+\.\d+\.\d+ listens on (http:\/\/127\.0\.0\.1:\d+)$/))[1]
    await server.line(/^database: .*mithrandir\.db$/)
    await server.line(new RegExp(`^service palantir: palantir at ${palantir.url}, looked at every 200ms$`))
    await server.line(
      /^\S+Z palantir: verified; 8 waiting, 0 active, 0 delayed, 0 completed, 2 failed \(taken as found/
    )
    expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: "live" })

    const announced = join(directory, "mithrandir.db.server.json")
    expect(JSON.parse(await readFile(announced, "utf8"))).toEqual({ pid: server.pid, url })
    expect((await stat(announced)).mode & 0o777).toBe(0o600)

    palantir.jobs.delete("job-9")
    await server.line(/^\S+Z palantir: DISCREPANCY since \S+: missing: job-9$/)
    await palantir.close()
    await server.line(/^\S+Z palantir: STALE, .*no connection could be made/)

    const ended = await server.stop("SIGTERM")
    expect(ended).toMatchObject({ code: 0, stdout: "" })
    expect(ended.stderr.endsWith("stopping\nstopped\n")).toBe(true)
    await expect(stat(announced)).rejects.toThrow("ENOENT")
  })

  it("stops with 130 on SIGINT, also while somebody is listening to the stream", async () => {
    const server = serve()
    const url = (await server.line(/listens on (\S+)$/))[1]
    const stream = await fetch(`${url}/reconciliation/stream`)
    const over = stream.text()
    expect(await server.stop("SIGINT")).toMatchObject({ code: 130 })
    expect(await over).toContain("event: stream.ready")
  })

  it("refuses an address that others could reach", async () => {
    const ended = await serve("--host", "0.0.0.0").end()
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toMatch(/^mithrandir: refusing to listen on 0\.0\.0\.0: .*\n$/)
  })

  it("takes flags before the environment before the config, and finds a config's database beside it", async () => {
    const config = join(directory, "conf.json")
    await writeFile(config, JSON.stringify({ database: "beside.db", port: 1, services: [] }))
    const services = {
      services: [{ id: "other", type: "palantir", url: palantir.url }],
      database: "beside.db",
      port: 1
    }
    await writeFile(config, JSON.stringify(services))
    const env = { MITHRANDIR_PORT: "0", MITHRANDIR_CONFIG: config, MITHRANDIR_HOST: "nowhere.invalid" }
    const server = start(["serve", "--host", "localhost"], { cwd: tmpdir(), env })
    await server.line(/listens on http:\/\/localhost:\d+$/)
    await server.line(new RegExp(`^database: .*${directory.split("/").at(-1)}/beside\\.db$`))
    await server.line(/ other: verified/)
  })
})

describe("serve --sandbox", () => {
  it("needs nothing, and shows a verified pass, a discrepancy, an outage and the way back", {
    timeout: 60_000
  }, async () => {
    // The config of this directory is of no interest: nobody named it.
    const server = serve("--sandbox", "--port", "0", "--fault", "vanish=3s,down=7s,downFor=3s")
    const url = (await server.line(/listens on (\S+)$/))[1]
    const database = (await server.line(/^database: (.*mithrandir-sandbox\.db)$/))[1] ?? ""
    // On a machine that is slow to start it may be down before it was looked at.
    await server.line(/^\S+Z palantir: (answers again: )?verified; /)
    await server.line(new RegExp(`^    curl -N ${url}/reconciliation/stream$`))
    const lost = (await server.line(/^\S+Z sandbox: lost job (\S+) /))[1]
    await server.line(new RegExp(`^\\S+Z palantir: DISCREPANCY since \\S+: missing: .*${lost}`))
    const [, body = "", at = ""] = await server.line(
      /^ {4}curl -s -H 'content-type: application\/json' -d '(.*)' (\S+run)$/
    )
    // It may be down just now, and then nothing can be accepted.
    const acceptance = { method: "POST", body, headers: { "content-type": "application/json" } }
    await vi.waitFor(
      async () => {
        const { data } = await json(await fetch(at, acceptance))
        expect(data).toMatchObject([{ service: "palantir", status: expect.not.stringMatching("stale") }])
      },
      { timeout: 20_000, interval: 250 }
    )
    await server.line(/^\S+Z palantir: accepted by local: missing: /)
    await server.line(/^\S+Z palantir: STALE, /)
    await server.line(/^\S+Z palantir: answers again: /)

    expect(await server.stop()).toMatchObject({ code: 0, stdout: "" })
    // A playground leaves nothing behind.
    await expect(stat(database)).rejects.toThrow("ENOENT")
  })

  it("suggests a command for a job that really failed, which works as it is printed", async () => {
    const server = serve("--sandbox", "--port", "0", "--fault", "none")
    const [, body = "", at = ""] = await server.line(/^ {2}curl -N .* -d '(.*)' (\S+\/commands\/run)$/)
    const headers = { "content-type": "application/json", accept: "text/event-stream" }
    const events = await (await fetch(at, { method: "POST", body, headers })).text()
    expect(events).toContain('"phase":"success"')
    await server.line(/palantir: command my-first: success, verified$/)
    const curl = await server.line(/^ {4}curl -s '(\S+\/reconciliation\/audit\?limit=1)'$/)
    const audit = await (await fetch(curl[1] ?? "")).json()
    expect(audit).toMatchObject({ data: [{ id: "my-first", actor: "local", outcome: "success" }], meta: { total: 1 } })
    await server.stop()
  })

  it("has a fault happen when it is told to, which the stream shows until it is over", async () => {
    const server = serve("--sandbox", "--port", "0", "--fault", "none")
    const url = (await server.line(/^mithrandir \S+ listens on (\S+)$/))[1] ?? ""
    const at = (await server.line(/^ {2}curl -s -H 'content-type: application\/json' -d '\S+' (\S+\/faults)$/))[1] ?? ""
    const listener = listen(url)
    const status = (what: string) =>
      listener.wait(what, ({ data, event }) => event === "reconciliation.update" && data.status === what)
    await status("verified")
    const post = (body: unknown) =>
      fetch(at, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } })
    expect(await json(await post({ now: "lie", for: "1m" }))).toMatchObject({ set: {}, now: [{ fault: "lie" }] })
    await server.line(/^\S+Z sandbox: lies for 1m, its counts tell of 3 more failed jobs than it lists$/)
    const { data } = await status("discrepancy")
    expect(data.discrepancyDetails.changedCounts).toMatchObject([{ state: "failed" }])
    await server.line(/^\S+Z palantir: DISCREPANCY since \S+: counts: failed \d, expected \d/)
    await post({ now: "lie", for: "100ms" })
    await server.line(/^\S+Z sandbox: tells the truth again$/)
    await listener.wait("the end of it", ({ data }) => data.discrepancyDetails?.ended?.[0]?.id === "failed")
    listener.close()
    await server.stop()
  })

  it("refuses a config that has a service of its name, and faults that there are none of", async () => {
    expect((await serve("--sandbox", "--config", "mithrandir.json").end()).stderr).toContain(
      'mithrandir: --sandbox registers a service "palantir", and so does the config'
    )
    expect(await run(["serve", "--sandbox", "--fault", "earthquake=1s"])).toMatchObject({ code: 2, stdout: "" })
    expect(await run(["serve", "--fault", "none"])).toMatchObject({
      code: 2,
      stderr: "mithrandir: --fault is for the sandbox: add --sandbox\n"
    })
  })
})

describe("sandbox", () => {
  it("is a Palantir and nothing else", async () => {
    const sandbox = start(["sandbox", "--port", "0", "--fault", "none"])
    const url = (await sandbox.line(/^sandbox: a Palantir listens on (\S+)$/))[1]
    expect(await (await fetch(`${url}/api/v1/health`)).json()).toEqual({ status: "ok" })
    expect(await sandbox.stop("SIGINT")).toMatchObject({ code: 130, stdout: "" })
  })

  it("refuses a port that is taken, if it was asked for", async () => {
    const first = start(["sandbox", "--port", "0"])
    const port = (await first.line(/listens on \S+:(\d+)$/))[1] ?? ""
    const second = await run(["sandbox", "--port", port])
    expect(second).toMatchObject({ code: 1, stdout: "" })
    expect(second.stderr).toMatch(/^mithrandir: the sandbox cannot listen on 127\.0\.0\.1:\d+: .*\n$/)
  })
})
