/** What is typed wrongly: told on stderr, in a line that names it, with exit code 2. */
import { spawnSync } from "node:child_process"
import { closeSync, existsSync, openSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { run as runHere } from "./support/inside.ts"
import { bin, run } from "./support/process.ts"

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-cli-"))
})
afterAll(() => rm(directory, { recursive: true }))

describe("a usage error", () => {
  it.each([
    [["nonsense"], "Invalid subcommand for mithrandir"],
    [["reconcile", "--nonsense"], "there is no flag --nonsense"],
    [["audit", "list", "--nonsense"], "Received unknown argument: '--nonsense'"],
    [["run", "retry-job", "job-1"], "Expected to find option: '--service'"],
    [["run", "retry-job", "..", "-s", "palantir"], 'TARGET: expected something else than "." or ".."'],
    [["run", "retry-job", "job-1", "-s", "palantir", "--params", "[1]"], "--params: expected a JSON object"],
    [["run", "retry-job", "job-1", "-s", "palantir", "--command-id", "a b"], "--command-id: expected 1 to 64 of"],
    [["run", "retry-job", "job-1", "-s", "palantir", "--command-id", ".."], "--command-id: expected something else"],
    [["audit", "list", "--limit", "201"], "--limit: expected a number of entries, 1 to 200"],
    [["audit", "list", "--start-date", "yesterday"], "--start-date: expected a date (2026-01-31)"],
    [["audit", "list", "-o", "xml"], '--output: expected "table" or "json"'],
    [["serve", "--port", "65536"], "--port: expected a port, 0 to 65535"],
    [["serve"], "mithrandir: no services to reconcile: name a config with --config FILE, or try it with --sandbox"],
    [["reconcile"], "mithrandir: no services: name a config with --config FILE, or a running server with --url URL"]
  ])("%j exits 2 and says what is wrong", async (args, line) => {
    const ended = await runHere(args)
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain(line)
    expect(ended.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2)
  })

  it("of a config is one line that names the file and the place, and no secret", async () => {
    const service = { id: "a", type: "palantir", url: "http://u:5318008@h", token: "5318008" }
    await writeFile(join(directory, "broken.json"), JSON.stringify({ services: [service] }))
    for (const command of [["serve", "--port", "0"], ["reconcile"]]) {
      const ended = await run([...command, "--config", "broken.json"], { cwd: directory })
      expect(ended).toMatchObject({ code: 2, stdout: "" })
      expect(ended.stderr).toMatch(
        /^mithrandir: broken\.json: services\[0\]\.url: expected an http:\/\/ or https:\/\/ url.*\n$/
      )
      expect(ended.stderr).not.toContain("5318008")
    }
  })

  it("of a config without services says so of that config", async () => {
    const file = join(directory, "empty.json")
    await writeFile(file, JSON.stringify({ services: [] }))
    for (const [command, problem] of [
      ["serve", "no services to reconcile"],
      ["reconcile", "no services"]
    ] as const) {
      const ended = await runHere([command, "--config", file, "--database", join(directory, "none.db")])
      expect(ended).toMatchObject({ code: 2, stdout: "" })
      expect(ended.stderr).toMatch(
        new RegExp(`^mithrandir: ${problem}: ${file} has none; add one to its "services", or`)
      )
    }
  })

  it("names what to type for help on what was typed", async () => {
    expect((await runHere(["run"])).stderr).toMatch(/\ntry: mithrandir run --help\n$/)
    expect((await runHere(["nonsense"])).stderr).toMatch(/\ntry: mithrandir --help\n$/)
  })

  it("of the environment names the variable", async () => {
    const ended = await run(["reconcile"], { cwd: directory, env: { MITHRANDIR_PORT: "http" } })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toBe("mithrandir: environment: MITHRANDIR_PORT: expected a port, 0 to 65535\n")
  })

  it("of a config file that is not there says so", async () => {
    const ended = await run(["serve"], { cwd: directory, env: { MITHRANDIR_CONFIG: "none.json" } })
    expect(ended).toMatchObject({ code: 2, stderr: "mithrandir: none.json: there is no such file\n" })
  })
})

describe("a usage error of a process", () => {
  it("leaves stdout alone and exits 2", async () => {
    const ended = await run(["audit", "list", "-o", "xml"], { cwd: directory })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toBe('--output: expected "table" or "json"\ntry: mithrandir audit list --help\n')
  })
})

/** A device on which every write fails, as on a full disk. */
describe.skipIf(!existsSync("/dev/full"))("data that cannot be written", () => {
  it("is no success, and is said in a line", async () => {
    const full = openSync("/dev/full", "w")
    const ended = spawnSync(process.execPath, [bin, "run", "--help"], { stdio: ["ignore", full, "pipe"] })
    closeSync(full)
    expect([ended.status, String(ended.stderr)]).toEqual([
      1,
      "mithrandir: what should be printed could not be written (ENOSPC)\n"
    ])
  })

  it("is nothing to speak of where nobody reads on", async () => {
    const ended = spawnSync("sh", [
      "-c",
      `{ "$1" "$2" run --help; echo "$?" >&2; } | true`,
      "sh",
      process.execPath,
      bin
    ])
    expect(String(ended.stderr)).toBe("0\n")
  })
})

describe("help", () => {
  it.each([[["--help"]], [[]], [["run", "--help"]]])("of %j goes to stdout and exits 0", async (args) => {
    const ended = await runHere(args)
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout).toContain("mithrandir")
    expect(ended.stdout).not.toMatch(/(?!\n)\p{Cc}/u)
  })

  it("shows what has to be typed, whole", async () => {
    expect((await runHere(["audit", "list", "--help"])).stdout).toMatch(/^\$ mithrandir audit list \[--page N\]/m)
    expect((await runHere(["--help"])).stdout).toMatch(/^ {2}- run .*\n {6}Run a maintenance command/m)
  })

  it("the version is the package's", async () => {
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})
