/** Whether the record is whole: a server that signs, a file that somebody changed, and what is said of it. */
import { spawnSync } from "node:child_process"
import { copyFile, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { describe, expect, it, vi } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { bin, start } from "./support/process.ts"
import { recordOnce } from "./support/recorded.ts"

let house: House
forEachTest((made) => {
  house = made
})

const record = recordOnce()
const recorded = () => record(house)

const json = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout)
const verify = (...args: ReadonlyArray<string>) => house.here("audit", "verify", ...args)

/** What somebody does who has the file, and puts the safeguard back. */
const change = (sql: string) => {
  const db = new Sqlite(house.database)
  const trigger = db
    .prepare<[], { sql: string }>("SELECT sql FROM sqlite_master WHERE name = 'command_audit_no_update'")
    .get()
  db.exec(`DROP TRIGGER command_audit_no_update; ${sql}; ${trigger?.sql}`)
  db.close()
}

describe("audit verify", () => {
  it("finds a record whole that a server has signed, to its last entry", async () => {
    await recorded()
    const whole = await verify("-o", "json")
    expect(whole).toMatchObject({ code: 0, stderr: "" })
    expect(json(whole)).toMatchObject({ whole: true, entries: 3, findings: [] })
    expect(json(whole).checkpoints).toBeGreaterThan(0)
    const notes = await readFile(`${house.database}.checkpoints`, "utf8")
    expect(notes).toContain(`\n3\n${json(whole).root}\n`)
    const text = await verify()
    expect(text.stdout).toMatch(/^record +whole$/m)
    expect(text.stdout).toMatch(/^entries +3$/m)
  })

  it("goes by what a server gives to whoever keeps it", async () => {
    await recorded()
    const server = start(["serve"], { cwd: house.directory })
    const url = await urlOf(server)
    const note = await vi.waitFor(async () => {
      const answer = await fetch(`${url}/reconciliation/audit/checkpoint`)
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"])
      return answer.text()
    })
    const kept = join(house.directory, "kept.txt")
    await writeFile(kept, note)
    const { publicKey, root } = json(await verify("-o", "json"))
    expect(note).toContain(`\n3\n${root}\n`)
    await server.stop()
    await rm(`${house.database}.checkpoints`)
    const byIt = await verify("--checkpoint", kept, "--public-key", publicKey, "-o", "json")
    expect(json(byIt)).toMatchObject({ whole: true, checkpoints: 1 })
    change("UPDATE command_audit SET actor = 'nobody' WHERE target = 'job-2'")
    const found = await verify("--checkpoint", kept, "--public-key", publicKey)
    expect(found.stdout).toMatch(/when its first 3 entries were signed, they were others/)
  })

  it.skipIf(spawnSync("script", ["-qfec", "true", "/dev/null"]).status !== 0)(
    "shows how far it is to whoever sits at a terminal, and nothing of it anywhere else",
    async () => {
      await recorded()
      const command = `${process.execPath} ${bin} audit verify > out.txt`
      const env = { PATH: process.env["PATH"], TERM: "xterm", SHELL: "/bin/sh" }
      const typed = spawnSync("script", ["-qfec", command, "/dev/null"], {
        cwd: house.directory,
        env,
        encoding: "utf8"
      })
      expect(typed.stdout).toMatch(/verifying █+ 100 % \(3 of 3\)/)
      expect(await readFile(join(house.directory, "out.txt"), "utf8")).toMatch(/^record +whole$/m)
    }
  )

  it("names the first entry that was changed, and leaves with 1", async () => {
    await recorded()
    change("UPDATE command_audit SET actor = 'nobody' WHERE target = 'job-1'")
    const found = await verify()
    expect(found.code).toBe(1)
    expect(found.stdout).toMatch(/^record +NOT WHOLE$/m)
    expect(found.stdout).toMatch(/an entry was changed: /)
    expect(found.stdout).toMatch(/at position 2/)
  })

  it("goes by what somebody else has kept, where the key and the file beside the database are gone", async () => {
    await recorded()
    const kept = join(house.directory, "kept.txt")
    await copyFile(`${house.database}.checkpoints`, kept)
    const { publicKey } = json(await verify("-o", "json"))
    await rm(`${house.database}.checkpoints`)
    await rm(`${house.database}.audit-key`)
    const alone = await verify("-o", "json")
    expect(alone).toMatchObject({ code: 0 })
    expect(alone.stderr).toMatch(/no checkpoint to hold it against/)
    expect(await verify("--checkpoint", kept)).toMatchObject({ code: 2, stderr: expect.stringMatching(/--public-key/) })
    expect(await verify("--checkpoint", kept, "--public-key", publicKey)).toMatchObject({ code: 0 })

    const strange = (await readFile(kept, "utf8")).replace("\n3\n", "\n4\n")
    await writeFile(kept, strange)
    expect(await verify("--checkpoint", kept, "--public-key", publicKey)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/size 4 is not signed/)
    })
    expect(await verify("--checkpoint", join(house.directory, "nothing"), "--public-key", publicKey)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot be read/)
    })
    expect(await verify("--public-key", "nonsense")).toMatchObject({ code: 2 })
  })

  it("passes over a last checkpoint that was cut short, says so, and takes one that was changed for what it is", async () => {
    await recorded()
    const file = `${house.database}.checkpoints`
    const whole = await readFile(file)
    const { checkpoints } = json(await verify("-o", "json"))
    // Each place of two notes is gone through where they are written; here, one of each part of the last.
    const dash = whole.lastIndexOf("— ")
    const last = whole.lastIndexOf("mithrandir.audit/", dash)
    for (const cut of [
      last + 1,
      last + 30,
      dash - 2,
      dash - 1,
      dash,
      dash + 1,
      dash + 9,
      whole.length - 9,
      whole.length - 2
    ]) {
      await writeFile(file, whole.subarray(0, cut))
      const found = await verify("-o", "json")
      expect([cut, found.code, found.stderr]).toEqual([cut, 0, expect.stringContaining(`${file} ends in the middle`)])
      expect([cut, json(found).checkpoints]).toEqual([cut, checkpoints - 1])
    }
    await writeFile(file, whole.subarray(0, -1))
    expect(await verify("-o", "json")).toMatchObject({ code: 0, stderr: "" })
    await writeFile(file, whole.toString().replace(/\n3\n/, "\n4\n"))
    expect(await verify()).toMatchObject({ code: 1, stderr: expect.stringMatching(/size 4 is not signed/) })

    // Somebody has kept it on purpose, and nobody else's accident cut it.
    const kept = join(house.directory, "kept.txt")
    await writeFile(file, whole)
    await writeFile(kept, whole.subarray(0, -2))
    expect(await verify("--checkpoint", kept)).toMatchObject({ code: 0, stderr: "" })
    await writeFile(kept, whole.subarray(0, -9))
    expect(await verify("--checkpoint", kept)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not signed/)
    })
  })

  it("has a server go on behind a checkpoint that was cut short, so that neither harms the other", async () => {
    await recorded()
    const file = `${house.database}.checkpoints`
    const whole = await readFile(file)
    for (const cut of [9, 60]) {
      await writeFile(file, whole.subarray(0, -cut))
      await recorded()
      const found = await verify("-o", "json")
      expect(found).toMatchObject({ code: 0, stderr: "" })
      expect(json(found)).toMatchObject({ whole: true })
      expect(await readFile(file, "utf8")).toContain(`\n${json(found).entries}\n${json(found).root}\n`)
    }
  })
})
