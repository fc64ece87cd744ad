/** What is typed wrongly: told on stderr, in a line that names it, with exit code 2. */
import { spawnSync } from "node:child_process"
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Brief from "../src/Brief.ts"
import { root } from "../src/Cli.ts"
import * as Help from "../src/line/Help.ts"
import { run as runHere } from "./support/inside.ts"
import { bin, run } from "./support/process.ts"

/** Gives a program a terminal of its own. */
const hasPty = String(spawnSync("script", ["--version"]).stdout).includes("util-linux")

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-cli-"))
})
afterAll(() => rm(directory, { recursive: true }))

describe("a usage error", () => {
  it.each([
    [["nonsense"], "mithrandir: unknown command 'nonsense'"],
    [["reconcle"], "mithrandir: unknown command 'reconcle' (Did you mean reconcile?)"],
    [["audit", "lst"], "mithrandir: unknown command 'lst' (Did you mean list?)"],
    [["nonsense", "--help"], "mithrandir: unknown command 'nonsense'"],
    [["help", "nonsense"], "mithrandir: unknown command 'nonsense'"],
    [["help", "constructor"], "mithrandir: unknown command 'constructor'"],
    [["reconcile", "--nonsense"], "mithrandir: unknown flag '--nonsense'"],
    [["audit", "list", "--limt", "3"], "mithrandir: unknown flag '--limt' (Did you mean --limit?)"],
    [["audit", "list", "--limit", "3", "--limit", "4"], "mithrandir: --limit is there twice"],
    [["audit", "list", "--limit"], "mithrandir: flag '--limit <N>' argument missing"],
    [["audit", "list", "more"], "mithrandir: too many arguments for 'list'. Expected 0 arguments but got 1."],
    [["run", "retry-job"], "mithrandir: missing required argument 'TARGET'"],
    [["run", "retry-job", "job-1"], "mithrandir: --service SERVICE is missing: which service has the target"],
    [["run", "retry-job", "job-1", "-s", "palantir", "--params", "-V"], "--params: expected a JSON object"],
    [["run", "retry-job", "..", "-s", "palantir"], 'TARGET: expected something else than "." or ".."'],
    [["run", "retry-job", "job-1", "-s", "palantir", "--params", "[1]"], "--params: expected a JSON object"],
    [["run", "retry-job", "job-1", "-s", "palantir", "--command-id", "a b"], "--command-id: expected 1 to 64 of"],
    [["run", "retry-job", "job-1", "-s", "palantir", "--command-id", ".."], "--command-id: expected something else"],
    [["audit", "list", "--limit", "201"], "--limit: expected a number of entries, 1 to 200"],
    [["audit", "list", "--start-date", "yesterday"], "--start-date: expected a date (2026-01-31)"],
    [["audit", "list", "--start-date", "2026-02-31"], "--start-date: expected a day that there is"],
    [["run", "retry-job", "", "-s", "palantir"], "TARGET: expected a text of 1 to 256 characters"],
    [["run", "", "job-1", "-s", "palantir"], "ACTION: expected a text of 1 to 64 characters"],
    [["discrepancies", "--status", "x"], '--status: expected "verified", "stale" or "discrepancy"'],
    [
      ["watch", "--event", "x"],
      '--event: expected "reconciliation.update" or "command.status", or several with commas'
    ],
    [["sandbox", "--fault", ""], 'mithrandir: --fault: "": expected none, or one of vanish,'],
    [["run", "retry-job", "job-1", "-s", "palantir"], "mithrandir: no services: "],
    [["audit", "list", "-o", "xml"], '--output: expected "table", "json", "ndjson" or "csv"'],
    [["run", "retry-job", "x", "-s", "p", "-o", "csv"], '--output: expected "table" or "json"'],
    [["serve", "--port", "65536"], "--port: expected a port, 0 to 65535"],
    [["serve", "--services", "[]"], "no services to reconcile: --services lists none; add one to it, or"],
    [["serve"], "mithrandir: no services to reconcile: name a config with --config FILE, or try it with --sandbox"],
    [
      ["reconcile"],
      "mithrandir: no services: name a config with --config FILE, or name a running server with --url URL"
    ]
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
    expect(ended.stderr).toBe(
      'mithrandir: --output: expected "table", "json", "ndjson" or "csv"\ntry: mithrandir audit list --help\n'
    )
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

  it("makes no success of what is none", () => {
    const service = { id: "a", type: "palantir", url: "http://127.0.0.1:1", token: { env: "NOT_SET_ANYWHERE" } }
    const args = ["config", "check", "--services", JSON.stringify([service])]
    const ended = spawnSync("sh", ["-c", '{ "$0" "$@"; echo "$?" >&2; } | true', process.execPath, bin, ...args], {
      cwd: directory,
      encoding: "utf8"
    })
    expect(ended.stderr).toMatch(/NOT_SET_ANYWHERE is not set\n2\n$/)
  })
})

describe("help", () => {
  it.each([[["--help"]], [["-h"]], [[]], [["help"]], [["run", "--help"]], [["help", "run"]], [["audit"]]])(
    "of %j goes to stdout and exits 0",
    async (args) => {
      const ended = await runHere(args)
      expect(ended).toMatchObject({ code: 0, stderr: "" })
      expect(ended.stdout).toMatch(/^Usage\n {2}mithrandir /m)
      expect(ended.stdout).not.toMatch(/(?!\n)\p{Cc}/u)
    }
  )

  it.each([
    [["-h", "reconcile", "palantir"], "reconcile"],
    [["--help", "services"], "services"],
    [["audit", "--help", "list"], "audit list"],
    [["--help", "audit"], "audit"],
    [["-h", "audit", "list", "--limit", "3"], "audit list"]
  ])("before a command is help on it, and runs nothing: %j", async (args, command) => {
    const ended = await runHere(args)
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout).toBe((await runHere([...command.split(" "), "--help"])).stdout)
  })

  it.each([[["--help", "nonsense"]], [["audit", "-h", "nonsense"]]])("on no command is none: %j", async (args) => {
    expect(await runHere(args)).toMatchObject({ code: 2, stdout: "" })
  })

  it("shows what has to be typed, whole", async () => {
    expect((await runHere(["audit", "list", "--help"])).stdout).toMatch(/^ {2}mithrandir audit list \[FLAGS\]$/m)
    expect((await runHere(["help", "run"])).stdout).toMatch(
      /^ {2}mithrandir run ACTION TARGET --service SERVICE \[FLAGS\]$/m
    )
    expect((await runHere(["--help"])).stdout).toMatch(/^ {2}run +Run a maintenance command/m)
  })

  it("of every command fits a terminal of 80 columns, but for the lines to copy", () => {
    for (const text of Object.values(Help.all(root))) {
      for (const line of stripVTControlCharacters(text).split("\n")) {
        expect(line.startsWith("    mithrandir ") ? "" : line).toMatch(/^.{0,80}$/u)
      }
    }
  })

  it("that was written by the build is what the program itself prints", async () => {
    const commands = Object.keys(Help.all(root))
    expect(commands).toContain("audit list")
    for (const command of commands) {
      const words = command === "" ? [] : command.split(" ")
      const brief = Brief.answer([...words, "--help"], new URL("../dist/", import.meta.url))
      expect(brief).toBe((await runHere([...words, "--help"])).stdout)
      expect(Brief.answer(["help", ...words], new URL("../dist/", import.meta.url))).toBe(brief)
    }
  })

  it("of what is no command is none, whatever objects have by themselves", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      expect(Brief.answer([name, "--help"], new URL("../dist/", import.meta.url))).toBeUndefined()
    }
  })

  it.skipIf(!hasPty)("is bold at its heads on a terminal, and plain with NO_COLOR (needs script of util-linux)", () => {
    const { NO_COLOR: _, ...inherited } = process.env
    const onTerminal = (variables: Readonly<Record<string, string>>) => {
      const line = `'${process.execPath}' '${bin}' run --help`
      const env = { ...inherited, TERM: "xterm-256color", ...variables }
      const { status, stdout } = spawnSync("script", ["-qec", line, "/dev/null"], { encoding: "utf8", env })
      expect(status).toBe(0)
      return stdout.replaceAll("\r\n", "\n")
    }
    const help = Help.of(root, ["run"])
    expect(help).toContain("\u001b[1mUsage\u001b[22m\n")
    expect(onTerminal({})).toBe(help)
    expect(onTerminal({ NO_COLOR: "1" })).toBe(stripVTControlCharacters(help))
  })
})

describe("the version", () => {
  it.each([["--version"], ["-V"]])("with %s is the package's", async (flag) => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    expect(await run([flag])).toMatchObject({ code: 0, stdout: `${version}\n` })
    expect(await runHere([flag])).toMatchObject({ code: 0, stdout: `${version}\n` })
  })
})

describe("the bundle", () => {
  it("has the licenses of everything that is in it", () => {
    const licenses = readFileSync(new URL("../dist/LICENSES.txt", import.meta.url), "utf8")
    for (const name of ["commander", "effect", "@effect/platform", "csv-stringify", "cli-table3"]) {
      expect(licenses).toMatch(new RegExp(`^${name}@\\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, "m"))
    }
    expect(licenses).not.toMatch(/\(none\)|^better-sqlite3@/m)
  })
})

describe("a secret", () => {
  it("that was typed after a misspelled flag is not printed", async () => {
    const ended = await runHere(["audit", "list", "--tokn=5318008"])
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain("unknown flag '--tokn'")
    expect(ended.stderr).not.toContain("5318008")
  })
})

describe("a program that cannot load all of itself", () => {
  /** What Node does with a native module that was compiled for another version of it. */
  const broken = `const open = process.dlopen
process.dlopen = (module, file, ...rest) => {
  if (!file.includes("better_sqlite3")) return open.call(process, module, file, ...rest)
  throw Object.assign(new Error("was compiled against a different Node.js version"), { code: "ERR_DLOPEN_FAILED" })
}
`

  it("says in a line what to do where the native module is of another Node", async () => {
    await writeFile(join(directory, "broken.cjs"), broken)
    await writeFile(join(directory, "some.db"), "", { mode: 0o600 })
    const env = { NODE_OPTIONS: `--require ${join(directory, "broken.cjs")}` }
    const ended = await run(["audit", "list", "--database", "some.db"], { cwd: directory, env })
    expect(ended).toMatchObject({ code: 1, stdout: "" })
    expect(ended.stderr).toMatch(/^mithrandir: .*some\.db: it could not be opened: .*npm rebuild better-sqlite3\n$/)
  })

  it("says in a line that it cannot start where half of it is gone", async () => {
    const half = join(directory, "half")
    await mkdir(half)
    const dist = fileURLToPath(new URL("../dist/", import.meta.url))
    for (const name of readdirSync(dist).filter((name) => /^(bin|chunk-.*)\.js$/.test(name))) {
      await copyFile(join(dist, name), join(half, name))
    }
    await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module", version: "0.0.0" }))
    const ended = spawnSync(process.execPath, [join(half, "bin.js"), "reconcile"])
    expect(ended.status).toBe(1)
    expect(String(ended.stderr)).toMatch(/^mithrandir: it cannot start: .*Main\.js.*; install it again\n$/)
  })

  it("loads nothing of Redis without a service that needs it, and says what to install where one does", async () => {
    const whole = join(directory, "whole")
    const here = fileURLToPath(new URL("../", import.meta.url))
    await cp(join(here, "dist"), join(whole, "dist"), { recursive: true })
    await copyFile(join(here, "package.json"), join(whole, "package.json"))
    await mkdir(join(whole, "node_modules"))
    await symlink(join(here, "node_modules/better-sqlite3"), join(whole, "node_modules/better-sqlite3"))
    const reconcile = (service: object) => {
      const file = join(whole, "mithrandir.json")
      writeFileSync(file, JSON.stringify({ services: [service] }))
      const args = ["reconcile", "--config", file, "--database", join(whole, "some.db")]
      const { status, stderr } = spawnSync(process.execPath, [join(whole, "dist/bin.js"), ...args], {
        encoding: "utf8"
      })
      return { status, stderr }
    }
    const palantir = { id: "down", type: "palantir", url: "http://127.0.0.1:1" }
    expect(reconcile(palantir)).toEqual({ status: 5, stderr: "" })
    const bullmq = { id: "mail", type: "bullmq", url: "redis://127.0.0.1:1", queues: ["mail"] }
    expect(reconcile(bullmq)).toEqual({
      status: 1,
      stderr: 'mithrandir: a service of type "bullmq" needs the package bullmq: npm install bullmq\n'
    })
  })
})
