/** Whether the record is whole: a server that signs, a file that somebody changed, and what is said of it. */
import { copyFile, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { describe, expect, it } from "vitest"
import { forEachTest, type House, urlOf } from "./support/house.ts"
import { start } from "./support/process.ts"

let house: House
forEachTest((made) => {
  house = made
})

/** A server that ran three commands, and has ended. */
const recorded = async () => {
  const server = start(["serve"], { cwd: house.directory })
  const url = await urlOf(server)
  for (const job of ["job-0", "job-1", "job-2"]) {
    expect(await house.here("run", "delete-job", job, "--service", "palantir", "--url", url)).toMatchObject({ code: 0 })
  }
  expect(await server.stop()).toMatchObject({ code: 0 })
}

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
})
