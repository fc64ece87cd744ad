/** That an entry is in the record: proven beside a server and after it, checked where there is nothing but the proof. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { forEachTest, type House } from "./support/house.ts"
import { run as inside } from "./support/inside.ts"
import { run } from "./support/process.ts"
import { jobs, recordOnce, serving } from "./support/recorded.ts"

let house: House
forEachTest((made) => {
  house = made
})

/** Where there is neither a database nor a config. */
let elsewhere: string
beforeEach(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), "mithrandir-elsewhere-"))
})
afterEach(() => rm(elsewhere, { recursive: true, force: true }))

const record = recordOnce()
const recorded = () => record(house)

const prove = (...args: ReadonlyArray<string>) => house.here("audit", "prove", ...args)
const publicKey = async () => JSON.parse((await house.here("audit", "verify", "-o", "json")).stdout).publicKey
const check = (...args: ReadonlyArray<string>) => inside(["audit", "check-proof", ...args])
const checkpoints = () => `${house.database}.checkpoints`

const change = (sql: string) => {
  const db = new Sqlite(house.database)
  db.exec(sql)
  db.close()
}

describe("audit prove", () => {
  it("proves every entry, to whoever has nothing but the text and the public key", async () => {
    await recorded()
    const key = await publicKey()
    for (const [index, job] of jobs.entries()) {
      const file = join(elsewhere, `${job}.tlog-proof`)
      expect(await prove(job, "--file", file)).toEqual({ code: 0, stdout: "", stderr: `written: ${file}\n` })
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await prove(job)).stdout).toBe(await readFile(file, "utf8"))
      const checked = await run(["audit", "check-proof", file, "--public-key", key], { cwd: elsewhere })
      expect(checked).toMatchObject({ code: 0, stderr: "" })
      expect(checked.stdout).toMatch(/^proof +proven$/m)
      expect(checked.stdout).toMatch(new RegExp(`^position +${index + 1} of 3$`, "m"))
      // What is on the record of it, line for line.
      for (const line of (await house.here("audit", "show", job)).stdout.trim().split("\n"))
        expect(checked.stdout.replace(/ +/g, " ")).toContain(line.replace(/ +/g, " "))
      const asJson = JSON.parse((await check(file, "--public-key", key, "-o", "json")).stdout)
      const { origin, root } = JSON.parse((await house.here("audit", "verify", "-o", "json")).stdout)
      expect(asJson).toEqual({
        proven: true,
        entry: JSON.parse((await house.here("audit", "show", job, "-o", "json")).stdout),
        position: index + 1,
        checkpoint: { origin, size: 3, root }
      })
    }
  })

  it("needs no key, and takes the newest checkpoint that there is", async () => {
    await recorded()
    const key = await publicKey()
    await rm(`${house.database}.audit-key`)
    const proof = join(elsewhere, "proof")
    await writeFile(proof, (await prove("job-0")).stdout)
    expect(JSON.parse((await check(proof, "--public-key", key, "-o", "json")).stdout).checkpoint.size).toBe(3)
  })

  it("says what to do where nothing was signed, or not yet of this entry, or there is none", async () => {
    const server = await serving(house, jobs.slice(0, 2))
    // What it signed as it started is older; it has the database.
    const early = await prove("job-1")
    expect(early).toMatchObject({ code: 1, stdout: "" })
    expect(early.stderr).toMatch(
      /"job-1" is newer than every checkpoint in \S+\.checkpoints, .* a server signs within a minute/
    )
    const before = await readFile(checkpoints(), "utf8")
    expect(await server.stop()).toMatchObject({ code: 0 })
    expect(await prove("job-1")).toMatchObject({ code: 0, stderr: "" })

    const kept = join(elsewhere, "kept.txt")
    await writeFile(kept, before)
    expect(await prove("job-1", "--checkpoint", kept)).toMatchObject({ code: 1, stderr: expect.stringContaining(kept) })
    expect(await prove("job-9")).toEqual(await house.here("audit", "show", "job-9"))
    expect(await prove("job-9")).toMatchObject({ code: 1, stderr: expect.stringMatching(/audit list/) })
    expect(await prove("job-1", "--checkpoint", join(elsewhere, "nothing"))).toMatchObject({ code: 2 })

    await rm(checkpoints())
    expect(await prove("job-1")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /no checkpoint of this record in \S+\.checkpoints; a server signs .* mithrandir serve/
      )
    })
  })

  it("takes no checkpoint of another record, and says where this one is not what was signed", async () => {
    await recorded()
    const signed = await readFile(checkpoints(), "utf8")
    const [, origin = ""] = /^(mithrandir\.audit\/\S+)$/m.exec(signed) ?? []
    await writeFile(checkpoints(), signed.replaceAll(origin, `${origin}x`))
    expect(await prove("job-1")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no checkpoint of this record/)
    })

    await writeFile(checkpoints(), signed.replaceAll("\n3\n", "\n4\n"))
    const shorter = await prove("job-1")
    expect(shorter).toMatchObject({ code: 1, stdout: "" })
    expect(shorter.stderr).toMatch(/not what it was when its first 4 entries were signed; run: mithrandir audit verify/)

    await writeFile(checkpoints(), signed)
    change("DROP TRIGGER command_audit_no_update; UPDATE command_audit SET actor = 'nobody' WHERE id = 'job-1'")
    expect(await prove("job-1")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/audit verify/) })
    // Its neighbours are what they were.
    expect(await prove("job-2")).toMatchObject({ code: 0 })

    change("DELETE FROM audit_node WHERE level = 1 AND number = 0")
    expect(await prove("job-2")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/audit verify/) })
  })
})

describe("audit check-proof", () => {
  it("says what is wrong with a proof that proves nothing, and leaves with 1", async () => {
    await recorded()
    const key = await publicKey()
    const { stdout: proof } = await prove("job-1")
    const other = (await prove("job-2")).stdout
    const file = join(elsewhere, "proof")
    const checked = async (text: string) => {
      await writeFile(file, text)
      return check(file, "--public-key", key)
    }
    expect(await checked(proof)).toMatchObject({ code: 0 })
    const leaf = (text: string) => /^extra \S+$/m.exec(text)?.[0] ?? ""
    const flaws: ReadonlyArray<readonly [text: string, flaw: RegExp]> = [
      ["", /: malformed: /],
      [proof.slice(0, -1), /: malformed: /],
      [proof.replace(/^index 1$/m, "index one"), /: malformed: /],
      [proof.replace(leaf(proof), "extra AQ=="), /: malformed: /],
      [proof.replace(/^3$/m, "4"), /: not signed: /],
      [proof.replace(/^index 1$/m, "index 0"), /: not included: /],
      [proof.replace(leaf(proof), leaf(other)), /: not included: /]
    ]
    for (const [text, flaw] of flaws) {
      expect(text).not.toBe(proof)
      const found = await checked(text)
      expect([found.code, found.stdout, found.stderr]).toEqual([1, "", expect.stringMatching(flaw)])
    }
  })

  it("believes nobody but whom it is told to", async () => {
    await recorded()
    const file = join(elsewhere, "proof")
    await writeFile(file, (await prove("job-1")).stdout)
    const key = await publicKey()
    // Another key of the same name.
    await rm(`${house.database}.audit-key`)
    await rm(checkpoints())
    expect(await (await serving(house, [])).stop()).toMatchObject({ code: 0 })
    const stranger = await publicKey()
    expect(stranger).not.toBe(key)
    expect(await check(file, "--public-key", stranger)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/: not signed: /)
    })
    expect(await check(file)).toMatchObject({ code: 2, stderr: expect.stringMatching(/--public-key KEY is missing/) })
    expect(await check(file, "--public-key", "nonsense")).toMatchObject({ code: 2 })
    expect(await check(join(elsewhere, "nothing"), "--public-key", key)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no such file/)
    })
    expect(await check("--public-key", key)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/argument 'FILE'/)
    })
  })
})
