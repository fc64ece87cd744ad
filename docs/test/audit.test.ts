import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { words } from "../../packages/cli/src/output/AuditFindings.ts"
import { freePort } from "../../packages/core/test/support/redis.ts"
import { looksLike, Page, root } from "./support/Page.ts"
import { Shell } from "./support/Shell.ts"

const page = new Page("docs/audit.md")
const checkpoint = page.take("text")
const keep = page.take("sh")
const verify = { type: page.take("sh"), found: page.take("text"), byKept: page.take("sh") }
const prove = page.take("sh")
const check = { type: page.take("sh"), found: page.take("text") }

it("audit: no snippet is left over", () => page.end())

describe("audit: of a record with three entries", () => {
  const shell = new Shell()
  const elsewhere = new Shell()
  afterAll(() => Promise.all([shell.close(), elsewhere.close()]))

  beforeAll(async () => {
    const port = await freePort()
    const sandbox = shell.start(`mithrandir sandbox --port ${port} --fault none`)
    await sandbox.line(/listens/)
    const service = { id: "palantir", type: "palantir", url: `http://127.0.0.1:${port}` }
    shell.write("mithrandir.json", JSON.stringify({ port: 0, services: [service] }))
    const server = shell.start("mithrandir serve")
    await server.line(/"checkpoint of the record"/)
    await server.line(/palantir: verified/)
    for (const [id, worker] of Object.entries({ first: "encoder", "inc-7-0": "mailer", third: "reporter" })) {
      const ran = await shell.run(
        `mithrandir run restart-service ${worker} --service palantir --command-id ${id} --reason INC-7`
      )
      expect(ran.code, ran.output).toBe(0)
    }
    await server.stop()
  }, 60_000)

  const succeeds = async (at: Shell, script: string) => {
    const ended = await at.run(script)
    expect([ended.code, ended.stderr.replace(/^written: .*\n$/, "")], script).toEqual([0, ""])
    return ended.stdout
  }

  it("its files are where the page says, and look so", () => {
    expect(existsSync(join(shell.directory, "mithrandir.db.audit-key"))).toBe(true)
    const notes = readFileSync(join(shell.directory, "mithrandir.db.checkpoints"), "utf8")
    expect(looksLike(notes, checkpoint.text)).toBeUndefined()
  })

  it("it is whole, by what is there and by what was kept", async () => {
    expect(looksLike(await succeeds(shell, verify.type.text), verify.found.text)).toBeUndefined()
    expect(await succeeds(shell, keep.text)).toBe("")
    expect(readFileSync(join(shell.directory, "kept.key"), "utf8")).toMatch(/^mithrandir\.audit\/\S+\n$/)
    expect(await succeeds(shell, verify.byKept.text)).toMatch(/^record +whole$/m)
  })

  it("one of them is proven to whoever has the proof and the public key", async () => {
    await succeeds(shell, prove.text)
    for (const name of ["inc-7-0.tlog-proof", "kept.key"])
      elsewhere.write(name, readFileSync(join(shell.directory, name), "utf8").replace(/\n$/, ""))
    expect(looksLike(await succeeds(elsewhere, check.type.text), check.found.text)).toBeUndefined()
  })

  it("a backup that was restored, and a key that is lost, are mended as the page says", async () => {
    await succeeds(shell, "cp kept.txt signed.txt; cp mithrandir.db whole.db")
    // What a backup from before has: the newest entry is not in it.
    const db = new Sqlite(join(shell.directory, "mithrandir.db"))
    const triggers = db.prepare<[], { sql: string; name: string }>("SELECT * FROM sqlite_master WHERE type = 'trigger'")
    const all = triggers.all()
    for (const { name } of all) db.exec(`DROP TRIGGER ${name}`)
    db.exec(`
      DELETE FROM command_audit WHERE id = 'third'; DELETE FROM audit_position WHERE seq = 3;
      DELETE FROM audit_node WHERE level = 0 AND number = 2`)
    for (const { sql } of all) db.exec(sql)
    db.close()
    const restored = shell.start("mithrandir serve")
    await restored.line(/the record is not what was signed of it before: nothing is signed/)
    await restored.stop()
    const found = await shell.run("mithrandir audit verify")
    expect([found.code, found.stdout]).toEqual([1, expect.stringMatching(/3 entries were signed, and there are 2/)])

    const again = async () => {
      await succeeds(shell, "rm mithrandir.db.checkpoints")
      const server = shell.start("mithrandir serve")
      const [, key = ""] = await server.line(/"publicKey":"([^"]+)"/)
      await server.stop()
      expect(await succeeds(shell, "mithrandir audit verify")).toMatch(/^record +whole$/m)
      return key
    }
    const key = await again()
    expect(`${key}\n`).toBe(readFileSync(join(shell.directory, "kept.key"), "utf8"))
    await succeeds(shell, "rm mithrandir.db.audit-key")
    expect(await again()).not.toBe(key)
    await succeeds(
      shell,
      `mithrandir audit verify --database whole.db --checkpoint signed.txt --public-key "$(cat kept.key)"`
    )
  })
})

it("audit: every finding is on the page, in the words in which it is told", () => {
  const text = readFileSync(join(root, "docs/audit.md"), "utf8")
  const listed = Array.from(text.matchAll(/^\| `([^`]+)` \|/gm), ([, said = ""]) => said)
  const told = [
    words({ _tag: "RowsChanged", first: 2, id: "inc-7-0", count: 1 }),
    words({ _tag: "RowMissing", position: 2 }),
    words({ _tag: "RowsUnplaced", id: "inc-7-0", count: 1 }),
    words({ _tag: "SafeguardsMissing", names: ["command_audit_no_update"] }),
    words({ _tag: "TreeChanged", position: 2 }),
    words({ _tag: "HistoryChanged", size: 2 }),
    words({ _tag: "TailMissing", size: 2, signed: 3 }),
    words({ _tag: "CheckpointForeign", origin: "mithrandir.audit/other", size: 2 })
  ]
  const isTold = (said: string) => {
    const pattern = new RegExp(`^${said.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*")}`)
    return told.findIndex((words) => pattern.test(words))
  }
  expect(listed.slice(0, told.length).map(isTold)).toEqual(told.map((_, index) => index))
})
