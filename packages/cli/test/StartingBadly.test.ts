/**
 * What a server makes of a bad start: one line that says what is wrong and what to do, and no file that is worse than
 * before.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { chmod, chown, copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { fetch } from "../../http/test/support/fetch.ts"
import { run as runInside } from "./support/inside.ts"
import { json } from "./support/listen.ts"
import * as Palantir from "./support/palantir.ts"
import { bin, type Ended, type Options, type Running, start, stopAll } from "./support/process.ts"

// Others run beside us, and what they wait for must come.
vi.setConfig({ maxConcurrency: 2 })

const isLong = process.env["MITHRANDIR_TEST_LONG"] !== undefined

let root: string
let palantir: Palantir.FakePalantir
/** A database as a first run leaves it. */
let pristine: string

const config = (url: string) => ({
  services: [{ id: "palantir", type: "palantir", url, pollInterval: "200 millis", settle: "20 millis" }],
  port: 0
})

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mithrandir-bad-"))
  // For those who run as somebody else.
  await chmod(root, 0o755)
  palantir = await Palantir.start()
  await writeFile(join(root, "mithrandir.json"), JSON.stringify(config(palantir.url)))
  pristine = join(root, "pristine.db")
  expect(await finish(pristine)).toMatchObject({ code: 0 })
})

afterAll(async () => {
  await stopAll()
  await palantir.close()
  await rm(root, { recursive: true, force: true })
})

/** A directory for one test. */
const place = async (mode = 0o755) => {
  const directory = await mkdtemp(join(root, "t-"))
  await chmod(directory, mode)
  return directory
}

const serve = (args: ReadonlyArray<string>, options: Options = {}): Running =>
  start(["serve", "--config", join(root, "mithrandir.json"), ...args], { cwd: root, ...options })

const url = async (server: Running) => (await server.line(/^mithrandir \S+ listens on (\S+)$/, 60_000))[1] ?? ""

/** Inside this process: the same program, and where only the file matters as good as another process. */
const inside = (command: string, ...args: ReadonlyArray<string>) =>
  runInside([command, "--config", join(root, "mithrandir.json"), ...args])

const finish = (database: string) => inside("reconcile", "--database", database)

/** Refused: by its exit code and in one line, without a trace of a stack. */
const expectRefused = (ended: Omit<Ended, "signal">, line: string | RegExp, code = 1) => {
  expect(ended.stderr).toMatch(/^mithrandir: [^\n]+\n$/)
  if (typeof line === "string") expect(ended.stderr).toBe(`mithrandir: ${line}\n`)
  else expect(ended.stderr).toMatch(line)
  expect(ended).toMatchObject({ code, stdout: "" })
}

/** By a process of its own. */
const refused = async (args: ReadonlyArray<string>, line: string | RegExp, options: Options = {}) =>
  expectRefused(await serve(args, options).end(60_000), line)

/** By the same program, where nothing depends on its process; in short, for a process takes half a second to start. */
const refusedInside = async (args: ReadonlyArray<string>, line: string | RegExp) =>
  isLong ? refused(args, line) : expectRefused(await inside("serve", ...args), line)

const tables = (file: string): ReadonlyArray<string> => {
  const db = new Sqlite(file)
  try {
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok")
    return db.prepare("SELECT name FROM sqlite_master ORDER BY name").pluck().all() as ReadonlyArray<string>
  } finally {
    db.close()
  }
}

describe.concurrent("a database that cannot be used", { timeout: 90_000 }, () => {
  it("is no database: refused, and left as it is", async () => {
    const file = join(await place(), "m.db")
    const text = "Dear diary, this was never meant to be a database.\n".repeat(100)
    await writeFile(file, text, { mode: 0o600 })
    await refused(
      ["--database", file],
      `${file}: it is not a SQLite database; name another file, or move this one away`
    )
    expect(await readFile(file, "utf8")).toBe(text)
  })

  it("is a directory", async () => {
    const directory = await place()
    await refusedInside(["--database", directory], `${directory}: it is a directory; name a file in it`)
  })

  it("would be in a directory that is not there", async () => {
    const file = join(await place(), "nowhere", "m.db")
    await refusedInside(["--database", file], `${file}: its directory does not exist; create it first`)
    expect(existsSync(dirname(file))).toBe(false)
  })

  it("is another program's: refused, and left as it is", async () => {
    const file = join(await place(), "m.db")
    await writeFile(file, "", { mode: 0o600 })
    const db = new Sqlite(file)
    db.exec("CREATE TABLE places (url TEXT); INSERT INTO places VALUES ('http://127.0.0.1')")
    db.close()
    const before = await readFile(file)
    await refusedInside(["--database", file], `${file}: it is the database of another program; name another file`)
    expect(before.equals(await readFile(file))).toBe(true)
  })

  it("is of a newer version: refused, naming both, and left as it is", async () => {
    const file = join(await place(), "m.db")
    await copyFile(pristine, file)
    const db = new Sqlite(file)
    const known = db.prepare("SELECT MAX(migration_id) FROM mithrandir_migration").pluck().get()
    db.exec("INSERT INTO mithrandir_migration (migration_id, name) VALUES (99, 'from the future')")
    db.close()
    const before = await readFile(file)
    await refusedInside(
      ["--database", file],
      `${file}: it was written by a newer version of this program (form 99, this one knows ${known}); upgrade`
    )
    expect(before.equals(await readFile(file))).toBe(true)
  })

  for (const where of ["its first page", "a page far behind"]) {
    it(`is damaged in ${where}: found at the start, and left as it is`, async () => {
      const file = join(await place(), "m.db")
      const bytes = await readFile(pristine)
      const at = where === "its first page" ? 100 : 4096 * (rootOf("ledger_job") - 1)
      await writeFile(file, bytes.fill(0xee, at, at + 3000), { mode: 0o600 })
      await refusedInside(
        ["--database", file],
        `${file}: it is damaged; restore it from a backup, and keep this file for an inquiry`
      )
      expect(bytes.equals(await readFile(file))).toBe(true)
    })
  }

  it("is too large for the disk, or for this user: refused, and whole as soon as there is room", async () => {
    const file = join(await place(), "m.db")
    await refused(
      ["--database", file],
      `${file}: the system refuses to write to the database file: the disk is full or fails, the file may not grow, or it has become read-only; free some space, raise the limit on file sizes, or see the system's log`,
      { limit: "-f 64" }
    )
    expect(await finish(file)).toMatchObject({ code: 0 })
    expect(tables(file)).toEqual(tables(pristine))
  })
})

const rootOf = (table: string): number => {
  const db = new Sqlite(pristine)
  try {
    return Number(db.prepare("SELECT rootpage FROM sqlite_master WHERE name = ?").pluck().get(table))
  } finally {
    db.close()
  }
}

/** Nobody in particular. Only root can be somebody else; who is not root is nobody in particular already. */
const nobody: { readonly uid?: number } = process.getuid?.() === 0 ? { uid: 65_534 } : {}

/** Whether everybody may go where the program is; somebody else could not even start it otherwise. */
const canBeRead = (path: string): boolean =>
  path === dirname(path) || ((statSync(path).mode & 0o005) === 0o005 && canBeRead(dirname(path)))

describe.concurrent("a place that this user may not use (needs another user, or root to become one)", {
  timeout: 90_000,
  skip: process.getuid === undefined || !(canBeRead(bin.replace(/bin\.js$/, "")) && canBeRead(tmpdir()))
}, () => {
  // All of them open it in the same way.
  const reads = [[["audit", "list"]], ...(isLong ? [[["discrepancies"]], [["services"]]] : [])]
  const problem = "no permission to write it; give this user access to the file and its directory"

  /** A database that belongs to whoever is refused. */
  const own = async (file: string, mode: number) => {
    await copyFile(pristine, file)
    if (nobody.uid !== undefined) await chown(file, nobody.uid, nobody.uid)
    await chmod(file, mode)
  }

  it("a directory that may only be read", async () => {
    const directory = await place()
    const file = join(directory, "m.db")
    await own(file, 0o600)
    await chmod(directory, 0o555)
    const before = await readFile(file)
    await refused(["--database", file], new RegExp(`^mithrandir: ${file}(\\.lock)?: ${problem}\n$`), nobody)
    expect(before.equals(await readFile(file))).toBe(true)
    await chmod(directory, 0o755)
  })

  it("a file that may only be read", async () => {
    const file = join(await place(0o1777), "m.db")
    await own(file, 0o400)
    const before = await readFile(file)
    await refused(["--database", file], `${file}: ${problem}`, nobody)
    expect(before.equals(await readFile(file))).toBe(true)
  })

  it.each(reads)("a place that may only be read: %j says what reading needs, and reads a copy", async (args) => {
    const directory = await place()
    const file = join(directory, "m.db")
    await own(file, 0o400)
    await chmod(directory, 0o555)
    const options = { cwd: root, ...nobody }
    const config = ["--config", join(root, "mithrandir.json")]
    const ended = await start([...args, ...config, "--database", file], options).end(60_000)
    expectRefused(
      ended,
      `${file}: even to read it SQLite has to write beside it, where this user may not; read a copy of it (and of its -wal, where there is one), or ask the server that has it`
    )
    await chmod(directory, 0o755)
    if (!isLong) return
    const copy = join(await place(0o1777), "m.db")
    await own(copy, 0o400)
    expect(await start([...args, ...config, "--database", copy], options).end(60_000)).toMatchObject({ code: 0 })
  })

  it.skipIf(unprivilegedFrom() <= 1)("a port for the system's own services (needs such ports)", async () => {
    const file = join(await place(0o1777), "m.db")
    await refused(
      ["--database", file, "--port", "1"],
      "cannot listen on 127.0.0.1:1 (EACCES): this user may not listen there; choose a port above 1023",
      nobody
    )
  })
})

/** The first port that everybody may listen on. */
function unprivilegedFrom(): number {
  const setting = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
  return existsSync(setting) ? Number(readFileSync(setting, "utf8")) : 1024
}

describe.concurrent("an address that cannot be had", { timeout: 90_000 }, () => {
  it("a port that something else listens on", async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
    const { port } = other.address() as AddressInfo
    const file = join(await place(), "m.db")
    await refusedInside(
      ["--database", file, "--port", String(port)],
      `127.0.0.1:${port} is in use by another program; stop it, or choose another port`
    )
    other.close()
    expect(existsSync(`${file}.server.json`)).toBe(false)
  })

  it("a loopback address that this machine does not have", async () => {
    await refusedInside(
      ["--database", join(await place(), "m.db"), "--host", "127.0.0.256"],
      /^mithrandir: cannot listen on 127\.0\.0\.256:0 \((ENOTFOUND|EADDRNOTAVAIL|EAI_AGAIN)\).*\n$/
    )
  })
})

describe.concurrent("a start that looks bad and is not", { timeout: 90_000 }, () => {
  it("takes an empty file, by a name that means something elsewhere, without a home", async () => {
    const directory = await place()
    const file = join(directory, "file:my ü%20db?mode=memory#1.db")
    await writeFile(file, "", { mode: 0o600 })
    const server = serve(["--database", file], {
      env: { HOME: undefined, XDG_CONFIG_HOME: undefined, USER: undefined }
    })
    expect((await server.line(/^database: (.*)$/, 60_000))[1]).toBe(file)
    await server.line(/palantir: verified/)
    expect(await server.stop()).toMatchObject({ code: 0 })
    expect(tables(file)).toEqual(tables(pristine))
  })

  it("follows a link to where the file is, and locks that", async () => {
    const directory = await place()
    const file = join(directory, "m.db")
    const link = join(directory, "link.db")
    await symlink(file, link)
    const server = serve(["--database", link])
    const at = await url(server)
    await refused(["--database", file], `${file} is in use by process ${server.pid} (${at})`)
    expect(existsSync(`${file}.lock`)).toBe(true)
    expect(existsSync(`${link}.lock`)).toBe(false)
    expect(await server.stop()).toMatchObject({ code: 0 })
  })

  it("takes over what was killed, and finishes its commands", async () => {
    const own = await Palantir.start()
    const directory = await place()
    const file = join(directory, "m.db")
    await writeFile(join(directory, "own.json"), JSON.stringify(config(own.url)))
    const args = ["--config", join(directory, "own.json"), "--database", file]
    const first = start(["serve", ...args], { cwd: directory })
    const at = await url(first)
    await first.line(/verified/)
    own.silent = true
    const body = { commandId: "left", service: "palantir", actionType: "retry-job", target: "job-0" }
    const headers = { "content-type": "application/json" }
    await fetch(`${at}/commands/run`, { method: "POST", headers, body: JSON.stringify(body) })
    await first.line(/command left: running$/)
    await vi.waitFor(() => expect(own.mutations.length).toBe(1))
    await first.stop("SIGKILL")
    expect(existsSync(`${file}.server.json`)).toBe(true)
    own.silent = false

    const second = start(["serve", ...args], { cwd: directory })
    const then = await url(second)
    await second.line(/command left: success, verified$/)
    expect(await json(await fetch(`${then}/commands/left`))).toMatchObject({ phase: "success", outcome: "success" })
    expect(second.output().stderr).not.toMatch(/"level":"(ERROR|FATAL)"/)
    await second.stop()
    await own.close()
  })
})

describe.concurrent("what a server depends on and loses while it runs", { timeout: 90_000 }, () => {
  it("the lock's file, and then the database: whoever came last is the writer, and writes into no file that is gone", async () => {
    const file = join(await place(), "m.db")
    const first = serve(["--database", file])
    const at = await url(first)
    await first.line(/verified/)
    await rm(`${file}.lock`)
    const second = serve(["--database", file])
    const then = await url(second)
    await second.line(/palantir: /)
    await first.line(
      /^\{.*"level":"ERROR","message":"a commit failed: another process has become the writer of this database; stop this one"/
    )
    expect((await fetch(`${at}/health/ready`)).status).toBe(503)
    expect((await fetch(`${then}/health/ready`)).status).toBe(200)
    expect(await first.stop()).toMatchObject({ code: 0 })
    // What it says of itself goes with it, and not what the other one says.
    expect(JSON.parse(await readFile(`${file}.server.json`, "utf8"))).toEqual({ pid: second.pid, url: then })

    await rm(file)
    await second.line(
      /^\{.*"level":"ERROR","message":"a commit was refused: the database file was moved or removed while it was open/
    )
    const refusal = await fetch(`${then}/health/ready`)
    expect(refusal.status).toBe(503)
    expect(await refusal.text()).toContain("was moved or removed")
    expect(await second.stop()).toMatchObject({ code: 0 })
  })
})

describe("a program that may open too few files", { timeout: isLong ? 300_000 : 90_000 }, () => {
  const limits = isLong ? Array.from({ length: 20 }, (_, n) => 18 + n) : [20, 24]

  it.skipIf(spawnSync("bash", ["-c", "ulimit -n 20"]).status !== 0)(
    "says so in a line, wherever it finds out",
    async () => {
      let told = 0
      for (const limit of limits) {
        const server = serve(["--database", join(await place(), "m.db")], { limit: `-n ${limit}` })
        const ended = await Promise.race([server.end(60_000), url(server).catch(() => server.end())])
        await server.stop("SIGKILL")
        // With enough it listens; with far too few Node itself does not get as far as to us.
        if (typeof ended === "string" || !ended.stderr.startsWith("mithrandir: ")) continue
        expectRefused(ended, /open|EMFILE/)
        told += 1
      }
      expect(told).toBeGreaterThan(0)
    }
  )
})

describe("two that start at once", { timeout: isLong ? 600_000 : 90_000 }, () => {
  const rounds = isLong ? 20 : 2

  for (const what of ["a new file", "a file that is there"]) {
    it(`on ${what}: one serves, and the other is refused, naming it`, async () => {
      for (let round = 0; round < rounds; round += 1) {
        const file = join(await place(), "m.db")
        if (what === "a file that is there") await copyFile(pristine, file)
        const both = [serve(["--database", file]), serve(["--database", file])]
        const loser = await Promise.race(both.map(async (one) => ({ one, ended: await one.end(60_000) })))
        const winner = both.find((one) => one !== loser.one)
        if (winner === undefined) throw new Error("there were two of them")
        expectRefused(loser.ended, `${file} is in use by process ${winner.pid} (${await url(winner)})`)
        await winner.line(/palantir: verified/)
        expect(await winner.stop()).toMatchObject({ code: 0 })
        expect(tables(file)).toEqual(tables(pristine))
      }
    })
  }
})
