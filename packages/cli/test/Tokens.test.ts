/** Who may come in, by the program itself: tokens at the terminal, and a server that wants one. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { run as runHere } from "./support/inside.ts"
import * as Palantir from "./support/palantir.ts"
import { type Running, run, start, stopAll } from "./support/process.ts"

let directory: string
let palantir: Palantir.FakePalantir

beforeAll(async () => {
  palantir = await Palantir.start()
})
afterAll(async () => {
  await stopAll()
  await palantir.close()
})

const fresh = () => {
  directory = mkdtempSync(join(tmpdir(), "mithrandir-tokens-"))
  const services = [{ id: "palantir", type: "palantir", url: palantir.url }]
  writeFileSync(join(directory, "mithrandir.json"), JSON.stringify({ port: 0, services }))
}
afterEach(async () => {
  await stopAll()
  rmSync(directory, { recursive: true, force: true })
})

const mithrandir = (args: ReadonlyArray<string>, token?: string) =>
  run(args, { cwd: directory, env: { MITHRANDIR_TOKEN: token } })

const create = async (role: string, ...more: ReadonlyArray<string>) => {
  const at = ["--config", join(directory, "mithrandir.json"), "--database", join(directory, "mithrandir.db")]
  const { code, stdout, stderr } = await runHere([
    ...["token", "create", "--actor", `the-${role}`, "--role", role],
    ...more,
    ...at
  ])
  expect([code, stderr]).toEqual([0, expect.stringContaining("it is not shown again")])
  expect(stdout).toMatch(/^mth_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n$/)
  return stdout.trim()
}

const serve = async (...args: ReadonlyArray<string>) => {
  const server = start(["serve", ...args], { cwd: directory })
  const [, url = ""] = await server.line(/listens on (\S+)/)
  return { server, url }
}

const startOf = ({ output }: Running) => output().stderr

describe("tokens at the terminal", () => {
  it("let in whom they are for, and nobody else, through a server that says so at its start", async () => {
    fresh()
    await mithrandir(["reconcile"])
    const admin = await create("admin")
    const operator = await create("operator", "--expires", "90d")
    const { server, url } = await serve()
    await server.line(/stop with Ctrl-C/)
    expect(startOf(server)).toContain("tokens: 2 good; whoever has none is not let in")

    const refused = await mithrandir(["services", "--url", url])
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("give it one in MITHRANDIR_TOKEN")])
    expect((await mithrandir(["services", "--url", url], operator)).code).toBe(0)

    // The server has the database: it makes the token, for an admin alone.
    const denied = await mithrandir(["token", "create", "--actor", "x", "--role", "admin"], operator)
    expect([denied.code, denied.stderr]).toEqual([4, expect.stringContaining("that takes the role admin")])
    const made = await mithrandir(["token", "create", "--actor", "dash", "--role", "viewer", "-o", "json"], admin)
    expect(JSON.parse(made.stdout)).toMatchObject({ actor: "dash", role: "viewer", createdBy: "the-admin" })

    const list = await mithrandir(["token", "list", "-o", "json"], admin)
    const tokens: ReadonlyArray<{ id: string; actor: string; createdBy: string }> = JSON.parse(list.stdout).data
    expect(tokens.map(({ actor }) => actor)).toEqual(["the-admin", "the-operator", "dash"])
    expect(tokens[0]?.createdBy).toMatch(/^cli:/)
    const revoked = await mithrandir(["token", "revoke", tokens[1]?.id ?? ""], admin)
    expect([revoked.code, revoked.stderr]).toEqual([0, expect.stringMatching(/of the-operator is revoked since /)])
    const gone = await mithrandir(["services", "--url", url], operator)
    expect([gone.code, gone.stderr]).toEqual([4, expect.stringContaining("was revoked")])

    const lines = async () =>
      (await mithrandir(["security", "events", "--url", url, "-o", "ndjson"], admin)).stdout.split("\n").slice(0, -1)
    await expect
      .poll(async () => (await lines()).map((line) => JSON.parse(line).kind), { timeout: 15_000 })
      .toEqual(expect.arrayContaining(["unauthenticated", "forbidden", "token-created", "token-revoked"]))
    // What is stored lets nobody in.
    for (const file of ["mithrandir.db", "mithrandir.db-wal"].map((name) => join(directory, name)).filter(existsSync)) {
      for (const secret of [admin, operator]) expect(readFileSync(file).includes(secret.slice(21))).toBe(false)
    }
  }, 60_000)

  it("end the streams they opened, within a minute of being revoked, and nobody else's", async () => {
    fresh()
    const admin = await create("admin")
    const viewer = await create("viewer")
    const { url } = await serve()
    const follow = async (token: string) => {
      const answer = await fetch(`${url}/reconciliation/stream`, { headers: { authorization: `Bearer ${token}` } })
      expect(answer.status).toBe(200)
      let isOpen = true
      const ended = answer.text().then(
        (text) => {
          isOpen = false
          return text
        },
        () => "stopped"
      )
      return { ended, isOpen: () => isOpen }
    }
    const [kept, lost] = [await follow(admin), await follow(viewer)]
    const list = await mithrandir(["token", "list", "-o", "json"], admin)
    const { id } = JSON.parse(list.stdout).data.find(({ actor }: { actor: string }) => actor === "the-viewer")
    const since = Date.now()
    expect((await mithrandir(["token", "revoke", id], admin)).code).toBe(0)
    expect(await lost.ended).toContain("event: stream.ready")
    expect(Date.now() - since).toBeLessThan(60_000)
    expect(kept.isOpen()).toBe(true)
  }, 90_000)

  it("can be in a file, which is its owner's alone or refused", async () => {
    fresh()
    await mithrandir(["reconcile"])
    const file = join(directory, "ops.token")
    const made = await mithrandir(["token", "create", "--actor", "ops", "--role", "admin", "--file", file])
    expect([made.code, made.stdout]).toEqual([0, ""])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const again = await mithrandir(["token", "create", "--actor", "ops", "--role", "admin", "--file", file])
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("it is there already")])
    const { url } = await serve()
    const ask = (more: ReadonlyArray<string>, env = {}) =>
      run(["services", "--url", url, ...more], { cwd: directory, env })
    expect((await ask(["--token-file", file])).code).toBe(0)
    expect((await ask([], { MITHRANDIR_TOKEN_FILE: file })).code).toBe(0)
    chmodSync(file, 0o644)
    const exposed = await ask(["--token-file", file])
    expect([exposed.code, exposed.stderr]).toEqual([2, expect.stringContaining(`run: chmod 600 '${file}'`)])
  })

  it("are wanted before the server listens elsewhere than on loopback, and names with them", async () => {
    fresh()
    const without = await mithrandir(["serve", "--host", "0.0.0.0"])
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("without tokens only loopback is safe")])
    await create("viewer")
    const unnamed = await mithrandir(["serve", "--host", "0.0.0.0"])
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining("give them as hosts")])
    const { server, url } = await serve("--host", "0.0.0.0", "--hosts", '["ops.example"]')
    const { port } = new URL(url)
    const status = (host: string) =>
      fetch(`http://127.0.0.1:${port}/health/live`, { headers: { host } }).then((answer) => answer.status)
    expect(await status(`127.0.0.1:${port}`)).toBe(200)
    expect((await server.stop()).code).toBe(0)
  })

  it("do not exist at first, and the server says whom it lets in then", async () => {
    fresh()
    const { server } = await serve("--limits", '{"streams":1}')
    await server.line(/stop with Ctrl-C/)
    expect(startOf(server)).toContain("no tokens: whoever is on this machine may do everything, as local")
    const list = await mithrandir(["token", "list"])
    expect([list.code, list.stderr]).toEqual([0, expect.stringContaining("no tokens")])
  })
})
