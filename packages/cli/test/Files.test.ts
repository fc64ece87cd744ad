/** Whom the program's files let in: the real process, under the umask that lets everybody in. */
import { existsSync, readdirSync, statSync } from "node:fs"
import { chmod, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { type Options, run, start } from "./support/process.ts"

const open = { umask: "000" } satisfies Options

let house: House
forEachTest((made) => {
  house = made
})

const rights = () => {
  const files = readdirSync(house.directory).filter((name) => name.startsWith("mithrandir.db"))
  return Object.fromEntries(
    files.map((name) => [name, (statSync(join(house.directory, name)).mode & 0o777).toString(8)])
  )
}

const apart = (...args: ReadonlyArray<string>) => run(args, { cwd: house.directory, ...open })

describe.skipIf(process.platform === "win32")("the files of a database", () => {
  it("are their owner's alone, whatever the umask, while a server runs and after", async () => {
    const server = start(["serve"], { cwd: house.directory, ...open })
    await urlOf(server)
    await server.line(/palantir: verified/)
    await server.line(/checkpoint of the record/)
    expect(rights()).toEqual({
      "mithrandir.db": "600",
      "mithrandir.db.audit-key": "600",
      "mithrandir.db.checkpoints": "600",
      "mithrandir.db-wal": "600",
      "mithrandir.db-shm": "600",
      "mithrandir.db.lock": "600",
      "mithrandir.db.lock-journal": "600",
      "mithrandir.db.server.json": "600"
    })
    await server.stop("SIGKILL")
    // What one that was killed left there is taken over as it is.
    expect(await apart("run", "retry-job", "job-0", "--service", "palantir")).toMatchObject({ code: 0 })
    expect(await apart("audit", "list")).toMatchObject({ code: 0 })
    expect(new Set(Object.values(rights()))).toEqual(new Set(["600"]))
  })

  it("are so for a one-off run that makes them, and for what it writes out", async () => {
    expect(await apart("reconcile")).toMatchObject({ code: 0 })
    expect(rights()).toEqual({ "mithrandir.db": "600", "mithrandir.db.lock": "600" })
    const exported = join(house.directory, "audit.ndjson")
    await writeFile(exported, "what was there before", { mode: 0o666 })
    await chmod(exported, 0o666)
    expect(await apart("audit", "export", "--file", exported)).toMatchObject({ code: 0 })
    // What is there keeps the mode that somebody gave it; what is made is its owner's alone.
    expect((await stat(exported)).mode & 0o777).toBe(0o666)
    await rm(exported)
    expect(await house.here("audit", "export", "--file", exported)).toMatchObject({ code: 0 })
    expect((await stat(exported)).mode & 0o777).toBe(0o600)
  })

  it("lie in a directory of nobody else's where the sandbox makes one", async () => {
    const temporary = join(house.directory, "tmp")
    await mkdir(temporary)
    const args = ["serve", "--sandbox", "--port", "0", "--fault", "none"]
    const server = start(args, { cwd: house.directory, ...open, env: { TMPDIR: temporary } })
    await urlOf(server)
    const [name = ""] = await readdir(temporary)
    expect((await stat(join(temporary, name))).mode & 0o777).toBe(0o700)
    expect(await server.stop()).toMatchObject({ code: 0 })
    expect(await readdir(temporary)).toEqual([])
  })
})

describe.skipIf(process.platform === "win32")("a file that everybody may get at", () => {
  it("is refused by every command that would open it, in one line that mends it", async () => {
    expect(await house.here("reconcile")).toMatchObject({ code: 0 })
    const file = house.database
    await chmod(file, 0o644)
    await chmod(`${file}.lock`, 0o666)
    for (const args of [
      ["serve"],
      ["reconcile"],
      ["run", "retry-job", "job-0", "--service", "palantir"],
      ["run", "retry-job", "job-0", "--service", "palantir", "--dry-run"],
      ["services"],
      ["discrepancies"],
      ["audit", "list"],
      ["audit", "export"]
    ]) {
      const ended = await house.here(...args)
      expect(ended, args.join(" ")).toMatchObject({ code: 1, stdout: "" })
      // `run` says first what its command is called.
      expect(ended.stderr.replace(/^command \S+\n/, "")).toBe(
        `mithrandir: ${file}: everybody on this machine may get at it (mithrandir.db 0644, mithrandir.db.lock 0666); if it is the right file, run: chmod o= '${file}' '${file}.lock' (if that changes nothing, its file system keeps no modes: name a file elsewhere)\n`
      )
    }
    expect(rights()).toEqual({ "mithrandir.db": "644", "mithrandir.db.lock": "666" })
    expect(house.palantir.mutations).toEqual([])
    // As it was told.
    for (const each of [file, `${file}.lock`]) await chmod(each, (await stat(each)).mode & 0o770)
    expect(await house.here("audit", "list")).toMatchObject({ code: 0 })
  })

  it("is not believed where it says where a server is", async () => {
    expect(await house.here("reconcile")).toMatchObject({ code: 0 })
    const word = `${house.database}.server.json`
    await writeFile(word, JSON.stringify({ pid: process.pid, url: house.palantir.url }))
    await chmod(word, 0o606)
    const ended = await house.here("watch", "--token", "t0ken")
    expect(ended).toMatchObject({ code: 5, stdout: "" })
    expect(ended.stderr).toContain("no server has")
    await rm(word)
  })

  it("is no reason for a server that has it open to stop, and mends nothing by itself", async () => {
    const server = house.start("serve")
    const url = await urlOf(server)
    await server.line(/palantir: verified/)
    await chmod(`${house.database}-wal`, 0o644)
    expect((await house.here("audit", "export")).stderr).toContain("(mithrandir.db-wal 0644)")
    expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    expect(rights()["mithrandir.db-wal"]).toBe("644")
    // The terminal is closed.
    expect(await server.stop("SIGHUP")).toMatchObject({ code: 0 })
    expect(existsSync(`${house.database}-wal`)).toBe(false)
  })
})
