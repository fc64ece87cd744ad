/** What goes wrong with the file while a server has it open: it says so, refuses what it cannot keep, and goes on after. */
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { chmod, chown, mkdir, open as openFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { describe, expect, it } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { type Options, type Running, start, stopAll } from "./support/process.ts"

const isRoot = process.getuid?.() === 0

/** Makes a file one that even root cannot write, nor whoever has it open already. */
const setFrozen = (file: string, isFrozen: boolean) =>
  execFileSync("chattr", [isFrozen ? "+i" : "-i", file], { stdio: "ignore" })

/** Not every filesystem can, and not every one does it to who has the file open. */
function canFreeze(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "mithrandir-frozen-"))
  const file = join(directory, "file")
  const open = openSync(file, "w")
  try {
    setFrozen(file, true)
    try {
      writeSync(open, "x")
      return false
    } catch {
      return true
    } finally {
      setFrozen(file, false)
    }
  } catch {
    return false
  } finally {
    closeSync(open)
    rmSync(directory, { recursive: true })
  }
}

let house: House
forEachTest((made) => {
  house = made
})

interface Door {
  readonly server: Running
  /** Sends a command, and waits for its end for so long. */
  readonly post: (commandId?: string, seconds?: number) => Promise<{ readonly status: number; readonly body: object }>
  readonly get: (path: string) => Promise<number>
  /** Until it answers so. */
  readonly becomes: (path: string, status: number) => Promise<void>
}

/** A server on a database, and what can be asked of it. */
const serve = async (database = house.database, options: Options = {}): Promise<Door> => {
  const server = start(["serve", "--database", database], { cwd: house.directory, ...options })
  const url = await urlOf(server)
  await server.line(/palantir: verified/)
  const get = async (path: string) => (await fetch(`${url}${path}`)).status
  return {
    server,
    get,
    post: async (commandId = randomUUID(), seconds = 15) => {
      const body = JSON.stringify({ commandId, service: "palantir", actionType: "delete-job", target: "not-there" })
      const headers = { "content-type": "application/json", prefer: `wait=${seconds}` }
      const answer = await fetch(`${url}/commands/run`, { method: "POST", headers, body })
      return { status: answer.status, body: (await answer.json()) as object }
    },
    becomes: (path, status) => expect.poll(() => get(path), { timeout: 20_000, interval: 100 }).toBe(status)
  }
}

/** Reads and streams go on, whatever cannot be written. */
const expectReadable = async ({ get }: Door) => {
  for (const path of ["/reconciliation/audit", "/reconciliation/status", "/commands/before", "/health/live"]) {
    expect(await get(path), path).toBe(200)
  }
}

const expectRefused = async ({ get, post }: Door, reason: string) => {
  expect(await post()).toMatchObject({ status: 503, body: { code: "store-unavailable", reason } })
  expect(await get("/health/ready")).toBe(503)
}

const expectWorking = async (door: Door) => {
  await door.becomes("/health/ready", 200)
  expect(await door.post()).toMatchObject({ status: 200, body: { outcome: "success" } })
}

/** Every command that was accepted has ended, on the record, and the file is sound. */
const expectWhole = (database: string) => {
  const db = new Sqlite(database, { readonly: true })
  try {
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok")
    expect(db.prepare("SELECT id FROM command WHERE id NOT IN (SELECT id FROM command_audit)").all()).toEqual([])
  } finally {
    db.close()
  }
}

describe("a database, while a server has it open", { timeout: 60_000 }, () => {
  it("whose safeguards are taken away: nothing is written until they are back", async () => {
    const door = await serve()
    await door.post("before")
    const db = new Sqlite(house.database)
    const name = "command_audit_append_only"
    const trigger = String(db.prepare("SELECT sql FROM sqlite_master WHERE name = ?").pluck().get(name))
    db.exec(`DROP TRIGGER ${name}`)
    // By its passes, though nobody asks.
    await door.server.line(/"message":.*was taken away; restore it from a backup/)
    await expectRefused(door, "tampered")
    await expectReadable(door)
    db.exec(trigger)
    db.close()
    await expectWorking(door)
    await door.server.stop()
    expectWhole(house.database)
  })

  it("that another process keeps locked for ten seconds: refused within five, and all is well after", async () => {
    const door = await serve()
    await door.post("before")
    const db = new Sqlite(house.database)
    db.exec("BEGIN IMMEDIATE")
    const since = Date.now()
    const first = door.post("first")
    await expectReadable(door)
    expect(await first).toMatchObject({ status: 503, body: { code: "store-unavailable" } })
    expect(Date.now() - since).toBeLessThan(10_000)
    await expectReadable(door)
    expect(await door.get("/health/ready")).toBe(503)
    db.exec("ROLLBACK")
    db.close()
    await expectWorking(door)
    // The same id again: nothing of it was kept.
    expect(await door.post("first")).toMatchObject({ status: 200, body: { replayed: false } })
    await door.server.stop()
    expectWhole(house.database)
  })

  it("that may grow no more: what was accepted is ended, and the rest is refused", async () => {
    const door = await serve(house.database, { limit: "-f 400" })
    await door.post("before")
    await fill(door, "unwritable")
    await expectReadable(door)
    expect(await door.server.stop()).toMatchObject({ code: 0 })
    const again = await serve()
    await expectWorking(again)
    await again.server.stop()
    expectWhole(house.database)
  })

  it.skipIf(!isRoot)("on a disk that is full (needs root): the same, and it goes on once there is room", async () => {
    const disk = join(house.directory, "disk")
    await mkdir(disk)
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "none", disk])
    try {
      const database = join(disk, "m.db")
      const door = await serve(database)
      await door.post("before")
      await writeFile(join(disk, "ballast"), Buffer.alloc(900_000))
      await fill(door, "full")
      await expectReadable(door)
      await rm(join(disk, "ballast"))
      await expectWorking(door)
      expect(await door.server.stop()).toMatchObject({ code: 0 })
      expectWhole(database)
    } finally {
      await stopAll()
      execFileSync("umount", [disk])
    }
  })

  it("of which a page is damaged: what has to be read from it is refused, and the process goes on", async () => {
    const door = await serve()
    for (let n = 0; n < 20; n++) await door.post()
    await door.post("before")
    const db = new Sqlite(house.database)
    db.pragma("wal_checkpoint(TRUNCATE)")
    const page = Number(db.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'command_audit'").pluck().get())
    db.close()
    const file = await openFile(house.database, "r+")
    await file.write(Buffer.alloc(4096, 0xee), 0, 4096, 4096 * (page - 1))
    await file.close()
    expect(await door.get("/reconciliation/audit?limit=200")).toBe(503)
    await door.server.line(/"message":"a read failed: .*it is damaged; restore it from a backup/)
    expect((await house.here("audit", "list")).code).toBe(1)
    expect(await door.get("/health/live")).toBe(200)
    expect(await door.get("/reconciliation/status")).toBe(200)
    expect(await door.server.stop()).toMatchObject({ code: 0 })
    const restarted = start(["serve", "--database", house.database], { cwd: house.directory })
    expect((await restarted.end()).stderr).toContain("it is damaged; restore it from a backup")
  })

  it.skipIf(!canFreeze())(
    "that turns read-only (needs root, and ext4 or the like): refused until it is not",
    async () => {
      const door = await serve()
      await door.post("before")
      const files = [house.database, `${house.database}-wal`]
      for (const file of files) setFrozen(file, true)
      try {
        await expectRefused(door, "unwritable")
        await expectReadable(door)
      } finally {
        for (const file of files) setFrozen(file, false)
      }
      await expectWorking(door)
      expect(await door.server.stop()).toMatchObject({ code: 0 })
      expectWhole(house.database)
    }
  )

  it.skipIf(!isRoot)("whose rights are taken away (needs root): what it has open it may go on with", async () => {
    const [uid, gid] = [65_534, 65_534]
    const own = join(house.directory, "own")
    await mkdir(own)
    await chown(own, uid, gid)
    await chmod(house.directory, 0o755)
    const database = join(own, "m.db")
    const door = await serve(database, { uid })
    await door.post("before")
    await chmod(database, 0o400)
    await chmod(own, 0o500)
    // A right that is had is not lost: nothing that is accepted gets lost either.
    expect((await door.post("after")).status).toBe(200)
    await expectReadable(door)
    await door.server.stop()
    const refused = start(["serve", "--database", database], { cwd: house.directory, uid })
    expect((await refused.end()).stderr).toContain("no permission to write it")
    expectWhole(database)
  })
})

/** Sends commands until one is refused for want of room. One whose end finds no room is running until it does. */
const fill = async ({ post }: Door, reason: string) => {
  for (let n = 0; n < 1_000; n++) {
    const { body, status } = await post(undefined, 2)
    if (status === 503) return expect(body).toMatchObject({ code: "store-unavailable", reason })
    expect([200, 202]).toContain(status)
  }
  expect.fail("it never was full")
}
