/** One-off runs: processes alone with the database, and clients of a server process that holds it. */
import { writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createTcpServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type House, make } from "./support/house.ts"
import { run as runInside } from "./support/inside.ts"
import { type Ended, run, stopAll } from "./support/process.ts"

/** One-off runs of a house: inside this process, or `apart`, in one of their own. */
type Runs = Pick<House, "here" | "palantir"> & {
  readonly apart: (...args: ReadonlyArray<string>) => Promise<Pick<Ended, "code" | "stdout" | "stderr">>
}

/** All of them inside this process: the server is the one that matters. */
const clientOf = ({ here, palantir }: House): Runs => ({ here, apart: here, palantir })

const leave = async (house: House) => {
  await stopAll()
  await house.leave()
}

const json = ({ stdout }: Pick<Ended, "stdout">) => JSON.parse(stdout)

/** What holds the same, alone and through a server. The jobs are shared: each test has its own. */
const alike = (inside: () => Runs, actor: RegExp) => {
  it("run retries a failed job, says so as it goes, and puts it on the record", async () => {
    const { apart, here, palantir } = inside()
    const ended = await apart("run", "retry-job", "job-0", "--service", "palantir", "--reason", "test", "-o", "json")
    expect(ended).toMatchObject({ code: 0 })
    const state = json(ended)
    expect(state).toMatchObject({ service: "palantir", actionType: "retry-job", outcome: "success", verified: true })
    expect(ended.stderr.split("\n")[0]).toBe(`command ${state.commandId}`)
    expect(ended.stderr).toMatch(/queued.*running.*success, verified/s)
    expect(palantir.jobs.get("job-0")?.state).toBe("waiting")

    const listed = await here("audit", "list", "--target", "job-0", "-o", "json")
    expect(listed.code).toBe(0)
    expect(json(listed)).toMatchObject({
      data: [{ id: state.commandId, actionType: "retry-job", target: "job-0", outcome: "success" }],
      meta: { page: 1, limit: 50, total: 1, totalPages: 1 }
    })
    expect(json(listed).data[0].actor).toMatch(actor)
  })

  it("run with an id that ran before sends nothing again, and refuses other content", async () => {
    const { here, palantir } = inside()
    const args = ["run", "delete-job", "job-5", "--service", "palantir", "--command-id", "once"]
    expect((await here(...args)).stderr).toMatch(/\nqueued\n/)
    const again = await here(...args)
    expect(again.code).toBe(0)
    expect(again.stderr).toMatch(/^command once\nit had ended already; nothing was run\nsuccess, verified\n/)
    expect(again.stderr).not.toMatch(/queued|running/)
    expect(palantir.mutations.filter((line) => line.includes("job-5"))).toEqual(["DELETE /api/v1/jobs/job-5"])
    const other = await here("run", "delete-job", "job-6", "--service", "palantir", "--command-id", "once")
    expect(other).toMatchObject({ code: 2, stdout: "" })
    expect(other.stderr).toContain(
      'mithrandir: commandId "once" is taken by a command with other content; use a new id'
    )
  })

  it("run exits 1 where it was certainly not applied", async () => {
    const ended = await inside().here("run", "retry-job", "job-7", "-s", "palantir")
    expect(ended.code).toBe(1)
    expect(ended.stdout).toMatch(/^outcome +failure$/m)
    expect(ended.stdout).not.toMatch(/^verified/m)
    expect(ended.stderr).toContain("error: certainly not applied")
  })

  it("what names an unknown service or action exits 2 and names what is known", async () => {
    const { here } = inside()
    const service = await here("reconcile", "nope")
    expect(service).toMatchObject({ code: 2, stdout: "" })
    expect(service.stderr).toBe('mithrandir: no service "nope" is registered; known: palantir\n')
    const action = await here("run", "explode", "x", "-s", "palantir")
    expect(action).toMatchObject({ code: 2, stdout: "" })
    expect(action.stderr).toContain('mithrandir: no action "explode"; known: ')
  })

  it("reconcile finds what went missing, says so with --exit-code, and accepts it", async () => {
    const { apart, here, palantir } = inside()
    expect(await here("reconcile", "--exit-code")).toMatchObject({ code: 0 })
    palantir.jobs.delete("job-9")
    const found = await apart("reconcile", "palantir", "--exit-code", "-o", "json")
    expect(found.code).toBe(3)
    expect(json(found)).toMatchObject({
      data: [{ service: "palantir", status: "discrepancy", discrepancyDetails: { missingJobIds: ["job-9"] } }]
    })
    const told = await here("reconcile")
    expect(told.code).toBe(0)
    expect(told.stdout).toMatch(/^palantir +discrepancy .*missing: job-9$/m)
    expect(await here("reconcile", "--accept", "--exit-code")).toMatchObject({ code: 0 })
  })

  it("reconcile and run exit 5 where the upstream cannot be reached", async () => {
    const { apart, palantir } = inside()
    await palantir.close()
    const reconciled = await apart("reconcile", "--exit-code")
    expect(reconciled.code).toBe(5)
    expect(reconciled.stdout).toMatch(/^palantir +stale/m)
    const ended = await apart("run", "retry-job", "job-1", "-s", "palantir")
    expect(ended).toMatchObject({ code: 5 })
    expect(ended.stdout).toMatch(/^outcome +failure$/m)
  })
}

describe("alone with the database", () => {
  let inside: House
  beforeAll(async () => {
    inside = await make()
  })
  afterAll(() => leave(inside))

  it("audit list of a database that is not there says what to do", async () => {
    const ended = await inside.here("audit", "list")
    expect(ended).toMatchObject({ code: 1, stdout: "" })
    expect(ended.stderr).toMatch(/^mithrandir: .*mithrandir\.db: .+\n$/)
  })

  it("a run under way keeps others out, and when interrupted exits 130 and says how to go on", async () => {
    inside.palantir.silent = true
    const running = inside.start("run", "retry-job", "job-1", "-s", "palantir", "--command-id", "lost")
    await running.line(/^running$/)
    const other = await inside.here("reconcile")
    expect(other).toMatchObject({ code: 5, stdout: "" })
    expect(other.stderr).toMatch(/^mithrandir: .*mithrandir\.db is in use by .*; wait until it is done, or stop it\n$/)
    const ended = await running.stop("SIGINT")
    inside.palantir.silent = false
    expect(ended).toMatchObject({ code: 130, stdout: "" })
    expect(ended.stderr).toContain(
      "interrupted: it may have been applied all the same; repeat it with --command-id lost"
    )
  })

  alike(() => inside, /^cli:.+/)

  it("audit list pages, sorts, filters, and draws a table", async () => {
    const { here } = inside
    const page = await here(
      "audit",
      "list",
      "--limit",
      "1",
      "--page",
      "2",
      "--sort-by",
      "target",
      "--sort-order",
      "asc",
      "-o",
      "json"
    )
    expect(json(page)).toMatchObject({ data: [{ target: expect.any(String) }], meta: { page: 2, limit: 1 } })
    const table = await here("audit", "list", "--target", "job-5", "--start-date", "2020-01-01")
    expect(table.stdout).toMatch(
      /^TIME +ACTOR +ACTION +TARGET +OUTCOME +ID\n\S+ +cli:\S+ +delete-job +job-5 +success +once\n$/
    )
    expect(table.stderr).toBe("page 1 of 1; 1 entry in all\n")
    const none = await here("audit", "list", "--actor", "nobody")
    expect(none).toMatchObject({ code: 0, stdout: "", stderr: "no entries\n" })
  })
})

describe("through the server that holds the database", () => {
  let inside: House
  beforeAll(async () => {
    inside = await make()
    await inside.start("serve").line(/palantir: verified/)
  })
  afterAll(() => leave(inside))

  it("works for whoever has no config but the database", async () => {
    const database = join(inside.directory, "mithrandir.db")
    expect(await run(["reconcile", "--database", database], { cwd: tmpdir() })).toMatchObject({ code: 0 })
  })

  alike(() => clientOf(inside), /^local$/)
})

describe("an announcement", () => {
  let inside: House
  let other: Awaited<ReturnType<typeof somebodyElse>>
  beforeAll(async () => {
    inside = await make()
    other = await somebodyElse()
    expect((await inside.here("run", "delete-job", "job-5", "-s", "palantir", "--command-id", "mine")).code).toBe(0)
  })
  afterAll(async () => {
    await leave(inside)
    await other.close()
  })

  const database = () => join(inside.directory, "mithrandir.db")
  /** As one that was killed leaves behind; its process id is another's by now. */
  const announce = () =>
    writeFile(`${database()}.server.json`, JSON.stringify({ pid: process.pid, url: other.url }), { mode: 0o600 })

  it("that is left over is not believed by anybody, though a process has its id again", async () => {
    await announce()
    const listed = await runInside(["audit", "list", "--database", database(), "-o", "json"])
    expect(json(listed)).toMatchObject({ data: [{ id: "mine" }] })
    const args = ["retry-job", "x", "-s", "palantir", "--database", database()]
    const ran = await runInside(["run", ...args])
    expect(ran).toMatchObject({ code: 2, stdout: "" })
    expect(ran.stderr).toContain("no services")
    expect(other.asked).toEqual([])
  })

  it("of a writer who gives no answer of use is no reason not to look into the file, soon", async () => {
    await announce()
    const lock = new Sqlite(`${database()}.lock`)
    lock.exec("BEGIN EXCLUSIVE")
    try {
      for (const manner of ["html", "silent"] as const) {
        other.manner = manner
        const before = performance.now()
        const listed = await runInside(["audit", "list", "--database", database(), "-o", "json"])
        expect(json(listed)).toMatchObject({ data: [{ id: "mine" }] })
        expect(performance.now() - before).toBeLessThan(10_000)
        const ran = await runInside(["run", "retry-job", "x", "-s", "palantir", "--database", database()])
        expect(ran).toMatchObject({ code: 5, stdout: "" })
        expect(ran.stderr).toContain("which does not answer")
      }
      expect(new Set(other.asked)).toEqual(new Set(["GET /health/live"]))
      // One that is alive, and then answers nonsense.
      other.manner = "live"
      const listed = await runInside(["audit", "list", "--database", database(), "-o", "json"])
      expect(json(listed)).toMatchObject({ data: [{ id: "mine" }] })
      expect(other.asked.at(-1)).toMatch(/^GET \/reconciliation\/audit/)
    } finally {
      lock.close()
    }
  })
})

/** Something that listens, and is no Mithrandir. */
const somebodyElse = async () => {
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (other.manner === "silent") return
    if (other.manner === "live" && request.url === "/health/live") {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ status: "live" }))
    } else response.writeHead(502, { "content-type": "text/html" }).end("<html>")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const { port } = server.address() as AddressInfo
  const other = { url: `http://127.0.0.1:${port}`, asked, manner: "html" as "html" | "silent" | "live", close }
  return other
}

describe("a secret that is not set", () => {
  let inside: House
  let config: string
  beforeAll(async () => {
    inside = await make()
    await inside.start("serve").line(/palantir: verified/)
    config = join(inside.directory, "secret.json")
    const service = { id: "palantir", type: "palantir", url: inside.palantir.url, token: { env: "NOT_SET" } }
    await writeFile(config, JSON.stringify({ services: [service], database: "mithrandir.db" }))
  })
  afterAll(() => leave(inside))

  it("does not matter to who looks, or goes through the server", async () => {
    expect(await runInside(["audit", "list", "--config", config])).toMatchObject({ code: 0 })
    expect(await runInside(["reconcile", "--config", config])).toMatchObject({ code: 0 })
  })

  it("matters to who would ask the service", async () => {
    const alone = ["--config", config, "--database", join(inside.directory, "other.db")]
    const line = "secret.json: services[0].token.env: the environment variable NOT_SET is not set"
    for (const command of ["reconcile", "serve"]) {
      const ended = await runInside([command, ...alone])
      expect(ended).toMatchObject({ code: 2, stdout: "" })
      expect(ended.stderr).toContain(line)
    }
  })
})

describe("a server that is not there", () => {
  it.each([[["reconcile"]], [["audit", "list"]], [["run", "retry-job", "x", "-s", "palantir"]]])(
    "%j --url exits 5",
    async (args) => {
      const ended = await runInside([...args, "--url", "http://127.0.0.1:1"])
      expect(ended).toMatchObject({ code: 5, stdout: "" })
      expect(ended.stderr).toContain("mithrandir: no server answers at http://127.0.0.1:1")
    }
  )

  it.each([[["audit", "export"]], [["audit", "list"]], [["services"]], [["watch"]]])(
    "any more, or speaks otherwise: %j exits 5, for nothing was at stake",
    async (args) => {
      const broken = createTcpServer((socket) => socket.once("data", () => socket.destroy()))
      await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve))
      const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
      const ended = await runInside([...args, "--url", url])
      broken.close()
      expect(ended).toMatchObject({ code: 5, stdout: "" })
      expect(ended.stderr).toBe(
        `mithrandir: ${url} gave no whole answer; see that a Mithrandir server is there, and ask again\n`
      )
    }
  )

  it("is not believed in, where one that was killed left its announcement", async () => {
    const inside = await make()
    const server = inside.start("serve")
    await server.line(/palantir: verified/)
    await server.stop("SIGKILL")
    expect(await inside.here("reconcile")).toMatchObject({ code: 0 })
    expect(await inside.here("audit", "list")).toMatchObject({ code: 0 })
    await inside.leave()
  })
})
