/** `run` with all that can be said of it, tokens, and `watch` over a restart: with real processes, alone and through a server. */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Doorkeeper from "./support/doorkeeper.ts"
import { type House, make, urlOf } from "./support/house.ts"
import { run as runInside } from "./support/inside.ts"
import { type Running, run, stopAll } from "./support/process.ts"

let house: House
beforeAll(async () => {
  house = await make()
})
afterAll(async () => {
  await stopAll()
  await house.leave()
})

const json = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout)

/** What holds alone and through a server. */
const alike = () => {
  it("a dry run tells what it would find, and writes nothing", async () => {
    const before = house.palantir.mutations.length
    const would = await house.here("run", "retry-job", "job-1", "-s", "palantir", "--dry-run", "--command-id", "dry")
    expect(would).toMatchObject({ code: 0, stderr: "" })
    expect(would.stdout).toMatch(/^would run +yes$/m)
    expect(would.stdout).toMatch(/^before +\{.*"state":"failed"/m)
    const wouldNot = await house.here("run", "retry-job", "job-7", "-s", "palantir", "--dry-run", "-o", "json")
    expect(wouldNot).toMatchObject({ code: 1, stderr: "" })
    expect(json(wouldNot)).toMatchObject({
      dryRun: true,
      precondition: { met: false, problem: expect.stringMatching(/failed/) },
      beforeState: { state: "waiting" }
    })
    const unnamed = await house.here("run", "retry-job", "13", "-s", "palantir", "--dry-run")
    expect(unnamed.stderr).toBe("of BullMQ a job is named with its queue, as QUEUE:13\n")
    expect(house.palantir.mutations.length).toBe(before)
    expect((await house.here("audit", "show", "dry")).code).toBe(1)
  })

  it("a dry run of what cannot be meant exits 2", async () => {
    expect((await house.here("run", "explode", "x", "-s", "palantir", "--dry-run")).code).toBe(2)
    expect((await house.here("run", "retry-job", "x", "-s", "nope", "--dry-run")).code).toBe(2)
  })

  it("params that the action does not know are refused, and nothing is run", async () => {
    const before = house.palantir.mutations.length
    expect(await house.here("run", "retry-job", "job-1", "-s", "palantir", "--params", '{"x":1}')).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /^command \S+\nmithrandir: params\.x: is not known to this action; leave it out; nothing was run: .*\n$/
      )
    })
    expect(house.palantir.mutations.length).toBe(before)
  })
}

/** What is said where a service could not be asked. */
const unseen = (service: string, why: string) =>
  `mithrandir: service "${service}" could not be asked for the target: ${why}; ` +
  "see that it runs, and that its url and its secret are right\n"

describe("alone with the database", () => {
  it("a dry run needs no database, and makes none", async () => {
    const ended = await house.here("run", "retry-job", "job-0", "-s", "palantir", "--dry-run")
    expect(ended.code).toBe(0)
    expect((await house.here("audit", "list")).stderr).toContain("there is no such file")
    await house.here("reconcile")
  })

  alike()

  it("a dry run of a service that cannot be reached exits 5", async () => {
    const config = join(house.directory, "down.json")
    await writeFile(config, JSON.stringify({ services: [{ id: "down", type: "palantir", url: "http://127.0.0.1:1" }] }))
    const args = ["--config", config, "--database", join(house.directory, "none.db")]
    const ended = await runInside(["run", "retry-job", "x", "-s", "down", "--dry-run", ...args])
    expect(ended).toMatchObject({ code: 5, stdout: "" })
    expect(ended.stderr).toBe(unseen("down", "no connection could be made"))
  })

  it("--wait none is refused: there is nobody to leave it to", async () => {
    const ended = await house.here("run", "delete-job", "job-3", "-s", "palantir", "--wait", "none")
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain("--wait none needs a server")
    expect(house.palantir.jobs.has("job-3")).toBe(true)
  })

  it("a command that has not ended in time exits 6, and says how to see what became of it", async () => {
    house.palantir.silent = true
    const args = ["run", "retry-job", "job-0", "-s", "palantir", "--wait", "1s", "--command-id", "late"]
    const ended = await house.here(...args)
    house.palantir.silent = false
    expect(ended).toMatchObject({ code: 6, stdout: "" })
    expect(ended.stderr).toContain("it has not ended within 1s")
    expect(ended.stderr).toContain("repeat it with --command-id late")
  })

  it("what does not show afterwards exits 1, and what cannot be told exits 6: of processes, too", async () => {
    const { jobs, retries } = house.palantir
    const failed = (id: string, how: "pretended" | "broken") => {
      jobs.set(id, { id, queue: "mail", state: "failed", attempts: 1 })
      retries.set(id, how)
      // Each with a database of its own: they run side by side, and look for the effect as long as it might come.
      return house.apart("run", "retry-job", id, "-s", "palantir", "--command-id", id, "--database", `${id}.db`)
    }
    const [pretended, broken] = await Promise.all([failed("job-x", "pretended"), failed("job-y", "broken")])
    for (const id of ["job-x", "job-y"]) jobs.delete(id)
    expect(pretended).toMatchObject({ code: 1, signal: null })
    expect(pretended.stdout).toMatch(/^outcome +success\nverified +no$/m)
    expect(pretended.stderr).toContain("success, but looking again did not show it\n")
    expect(broken).toMatchObject({ code: 6, signal: null })
    expect(broken.stdout).toMatch(/^outcome +timeout\nverified +cannot be told$/m)
    expect(broken.stderr).toContain("timeout: whether it was applied is not known\n")
    expect(broken.stderr).toContain("  it answered with status 500\n")
  })

  it.each([["1"], ["-1s"], ["1 second"], ["999h"], ["never"]])("--wait %s is refused", async (text) => {
    const ended = await house.here("run", "retry-job", "job-0", "-s", "palantir", "--wait", text)
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain("--wait: expected a duration such as 500ms, 30s, 5m or 1h, or none")
  })
})

describe("--params", () => {
  it("@FILE reads them from a file, and quotes nothing of it", async () => {
    const file = join(house.directory, "params.json")
    const ask = () => house.here("run", "retry-job", "job-0", "-s", "palantir", "--dry-run", "--params", `@${file}`)
    expect((await ask()).stderr).toBe(`mithrandir: --params: ${file}: there is no such file\n`)
    await writeFile(file, '"5318008"')
    const refused = await ask()
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toBe(`mithrandir: --params: ${file}: expected a JSON object such as {"key": "value"}\n`)
    await writeFile(file, "{}")
    expect((await ask()).code).toBe(0)
  })
})

describe("through a server", () => {
  let url: string
  let server: Running
  beforeAll(async () => {
    server = house.start("serve")
    url = await urlOf(server)
    await server.line(/palantir: verified/)
  })

  alike()

  it("--wait none returns when it is accepted, and says how to look", async () => {
    const args = ["run", "delete-job", "job-3", "-s", "palantir", "--url", url, "--command-id", "left"]
    house.palantir.silent = true
    const accepted = await runInside([...args, "--wait", "none", "-o", "json"])
    expect(accepted).toMatchObject({ code: 0 })
    expect(json(accepted)).toMatchObject({ commandId: "left", service: "palantir", replayed: false })
    expect(accepted.stderr).toBe(`command left\nonce it has ended: mithrandir audit show left --url ${url}\n`)
    const late = await runInside([...args, "--wait", "300ms"])
    expect(late).toMatchObject({ code: 6, stdout: "" })
    expect(late.stderr).toContain("it has not ended within 300ms")
    house.palantir.silent = false
  })

  it("--wait none of what has ended already tells how it ended", async () => {
    const args = ["run", "retry-job", "job-6", "-s", "palantir", "--url", url, "--command-id", "over"]
    expect((await runInside(args)).code).toBe(1)
    const again = await runInside([...args, "--wait", "none"])
    expect(again.code).toBe(1)
    expect(again.stdout).toMatch(/^outcome +failure$/m)
  })

  it("watch says that the connection is lost, and goes on with the server that comes back", async () => {
    const watching = house.start("watch", "--url", url)
    await watching.line(/palantir: verified/)
    await server.stop()
    await watching.line(/^the connection is lost; trying again$/)
    server = house.start("serve", "--port", new URL(url).port)
    await watching.line(/^connected again$/)
    await house.here("run", "delete-job", "job-4", "-s", "palantir", "--command-id", "back")
    await watching.line(/command back: success, verified$/)
    const ended = await watching.stop("SIGINT")
    expect(ended.code).toBe(130)
    // Each phase once, over both connections.
    expect(ended.stdout.match(/command back: queued/g)).toHaveLength(1)
    expect(ended.stderr).toBe("the connection is lost; trying again\nconnected again\n")
  })
})

describe("what answers there", () => {
  it("could not ask the service either: a dry run says what it says alone, and exits 5", async () => {
    const detail = "no connection could be made"
    const problem = { type: "urn:mithrandir:problem:upstream-unreachable", code: "upstream-unreachable", status: 502 }
    const server = createServer((_, response) => {
      response.writeHead(502, { "content-type": "application/problem+json" })
      response.end(JSON.stringify({ ...problem, title: "The service could not be reached", detail }))
    })
    await once(server.listen(0, "127.0.0.1"), "listening")
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const ended = await runInside(["run", "retry-job", "x", "-s", "down", "--dry-run", "--url", url])
    server.close()
    expect(ended).toEqual({ code: 5, stdout: "", stderr: unseen("down", detail) })
  })

  it.each([[["audit", "list"]], [["reconcile"]], [["run", "retry-job", "x", "-s", "palantir"]]])(
    "is no server of ours: %j says so, and what to do",
    async (args) => {
      const page = createServer((_, response) => response.end("<html>"))
      await once(page.listen(0, "127.0.0.1"), "listening")
      const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
      const ended = await runInside([...args, "--url", url])
      page.close()
      expect(ended).toMatchObject({ code: 1, stdout: "" })
      expect(ended.stderr).toContain(
        `mithrandir: what answers at ${url} is not a Mithrandir server; ` +
          "give the url of one, with the prefix if its API is mounted under one\n"
      )
    }
  )
})

describe("a server that wants a token", () => {
  const token = "5318008-hush"
  let door: Awaited<ReturnType<typeof Doorkeeper.start>>
  beforeAll(async () => {
    const server = house.start("serve", "--database", "guarded.db")
    door = await Doorkeeper.start(await urlOf(server), token)
    await server.line(/palantir: verified/)
  })
  afterAll(() => door.close())

  it.each([
    [["audit", "list"]],
    [["reconcile"]],
    [["services"]],
    [["watch"]],
    [["run", "retry-job", "job-0", "-s", "palantir", "--dry-run"]]
  ])("lets %j not in without it: exit code 4, and what to do", async (args) => {
    const ended = await runInside([...args, "--url", door.url])
    expect(ended).toMatchObject({ code: 4, stdout: "" })
    expect(ended.stderr).toMatch(/MITHRANDIR_TOKEN\n$/)
    const wrong = await runInside([...args, "--url", door.url, "--token", "wrong-5318008"])
    expect(wrong.code).toBe(4)
    expect(wrong.stderr).not.toContain("5318008")
  })

  it("lets in whoever has it, by flag or environment", async () => {
    expect((await runInside(["reconcile", "--url", door.url, "--token", token])).code).toBe(0)
    const env = { MITHRANDIR_TOKEN: token, MITHRANDIR_URL: door.url }
    expect(await run(["audit", "list"], { cwd: house.directory, env })).toMatchObject({ code: 0 })
    expect(await run(["run", "delete-job", "job-8", "-s", "palantir"], { cwd: house.directory, env })).toMatchObject({
      code: 0
    })
  })

  it.each([["a b"], [""], ["ü"]])("%j is no token, and is not printed", async (text) => {
    const ended = await runInside(["audit", "list", "--url", door.url, `--token=${text}`])
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toMatch(/^mithrandir: --token: expected a token of visible ASCII characters/)
    if (text !== "") expect(ended.stderr.split("\n")[0]).not.toContain(` ${text}`)
  })

  it("in the environment that is no token names the variable", async () => {
    const env = { MITHRANDIR_TOKEN: "5318008 hush", MITHRANDIR_URL: door.url }
    const ended = await run(["audit", "list"], { env })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toMatch(/^mithrandir: environment: MITHRANDIR_TOKEN: expected visible ASCII/)
    expect(ended.stderr).not.toContain("5318008")
  })

  it.skipIf(process.platform !== "linux")("is not in the list of processes while the program runs", async () => {
    const watching = house.start("watch", "--url", door.url, "--token", token)
    await watching.line(/palantir: verified/)
    expect(readFileSync(`/proc/${watching.pid}/cmdline`, "utf8")).not.toContain("5318008")
    const ended = await watching.stop("SIGINT")
    expect(ended.stdout + ended.stderr).not.toContain("5318008")
  })
})
