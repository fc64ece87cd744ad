/** `mithrandir watch` on a terminal, a real one: a table that keeps itself up to date. */
import { spawn, spawnSync } from "node:child_process"
import { afterEach, describe, expect, it, vi } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { bin } from "./support/process.ts"

let house: House
forEachTest((made) => {
  house = made
})

const leave: Array<() => void> = []
afterEach(() => {
  for (const one of leave.splice(0)) one()
})

/** Types a command line of the program into a terminal of its own, of 140 columns and 30 rows. */
const type = (line: string, rows = 30) => {
  const command = `stty cols 140 rows ${rows} && exec ${process.execPath} ${bin} ${line}`
  const env = { PATH: process.env["PATH"], TERM: "xterm", SHELL: "/bin/sh" }
  const terminal = spawn("script", ["-qfec", command, "/dev/null"], { cwd: house.directory, env })
  leave.push(() => terminal.kill("SIGKILL"))
  let output = ""
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
  })
  const ended = new Promise<number | null>((resolve) => terminal.once("close", resolve))
  return {
    output: () => output,
    shows: (pattern: RegExp) => vi.waitFor(() => expect(output).toMatch(pattern), { timeout: 20_000 }),
    ctrlC: () => terminal.stdin.write("\u0003"),
    ended
  }
}

const hasTerminal = spawnSync("script", ["-qfec", "stty size", "/dev/null"]).status === 0

describe.skipIf(!hasTerminal)("watch on a terminal (needs script, of util-linux)", { timeout: 60_000 }, () => {
  it("has a row for each service and each command that runs, says when it is lost, and ends with Ctrl-C", async () => {
    const server = house.start("serve")
    const url = await urlOf(server)
    const watching = type(`watch --url ${url}`)
    await watching.shows(/palantir +\S*verified\S* +\d+ /)
    await watching.shows(new RegExp(`${url}, as it happens; Ctrl-C ends`))

    house.palantir.silent = true
    const body = JSON.stringify({ commandId: "seen", service: "palantir", actionType: "retry-job", target: "job-0" })
    const headers = { "content-type": "application/json" }
    await fetch(`${url}/commands/run`, { method: "POST", headers, body })
    await watching.shows(/seen +palantir +running +\d+ s/)
    house.palantir.silent = false
    await server.stop("SIGKILL")
    await watching.shows(/the connection is lost; trying again/)
    house.start("serve", "--port", new URL(url).port)
    await watching.shows(/connected again/)
    await watching.shows(/seen +palantir +success, verified/)

    watching.ctrlC()
    expect(await watching.ended).toBe(130)
    // The cursor is there again.
    expect(watching.output().lastIndexOf("\u001b[?25h")).toBeGreaterThan(watching.output().lastIndexOf("\u001b[?25l"))
  })

  it("draws no more than fits, and nothing where lines were asked for", async () => {
    const url = await urlOf(house.start("serve"))
    const small = type(`watch --url ${url}`, 3)
    await small.shows(/as it happens/)
    const lines = type(`watch -o lines --url ${url}`)
    await lines.shows(/Z palantir: verified/)
    expect(lines.output()).not.toContain("\u001b[?25l")
    for (const one of [small, lines]) one.ctrlC()
    expect(await Promise.all([small.ended, lines.ended])).toEqual([130, 130])
    expect(small.output()).not.toContain("SERVICE")
  })
})
