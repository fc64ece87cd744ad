import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { type Job, Queue, Worker } from "bullmq"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeWithRedisServer, freePort, type OwnRedis, startRedis } from "../../packages/core/test/support/redis.ts"
import { programOf } from "./support/compile.ts"
import { looksLike, Page, root } from "./support/Page.ts"
import { type Background, Shell } from "./support/Shell.ts"

const page = new Page("README.md")
const tryIt = page.take("sh")
const firstMinute = page.take("text")
const terminal = page.take("sh")
const ownQueues = { config: page.take("json"), serve: page.take("sh"), commands: page.take("sh") }
const firstToken = page.take("sh")
const wholeConfig = page.take("json")
const configCheck = page.take("sh")
const embedded = page.take("ts")

it("README: no snippet is left over", () => page.end())

it("README: the commands to try it are there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const names = Array.from(tryIt.text.matchAll(/^npm (\w+)/gm), ([, name]) => name)
  expect(names).toEqual(["start", "test"])
  for (const name of names) expect(scripts).toHaveProperty(name ?? "")
})

describe("README: the first minute", () => {
  const shell = new Shell()
  afterAll(() => shell.close())

  it("shows what the page shows, and takes what the page suggests", { timeout: 180_000 }, async () => {
    // What `npm start` runs where it runs it, once it has built; on any port, and its troubles nearer together. But not so
    // near that the command, which comes after some 25 s, meets them on a slow machine.
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    const server = shell.start(
      `sh -c 'cd ${root} && ${scripts.start} "$@"' npm --port 0 --fault vanish=12s,down=40s,downFor=4s`
    )
    const [, url = ""] = await server.line(/listens on (\S+)$/)
    const [, job = ""] = await server.line(/job (\S+) has failed; have it tried again/)
    await server.line(/answers again/)
    expect(looksLike(server.output(), firstMinute.text)).toBeUndefined()
    const { code, output } = await shell.run(
      terminal.text.replaceAll("http://127.0.0.1:4410", url).replace("mail-000013", job)
    )
    expect(output).toMatch(/retry-job\s+\S+\s+success/)
    expect(code).toBe(0)
    expect((await server.stop()).code).toBe(130)
  })
})

describeWithRedisServer("README: on your own queues", () => {
  let redis: OwnRedis | undefined
  let shell: Shell
  let queue: Queue
  let server: Background

  beforeAll(async () => {
    redis = await startRedis(await freePort())
    const url = redis?.url ?? ""
    const port = String(await freePort())
    shell = new Shell({
      replace: [["redis://127.0.0.1:6379", url]],
      env: { MITHRANDIR_PORT: port }
    })
    queue = new Queue("mail", { connection: { url } })
  })
  afterAll(async () => {
    await queue.close()
    await shell.close()
    await redis?.stop()
  })

  it("the config and the commands do what they say", async () => {
    const fail = async ({ data }: Job) => {
      if (data.fails) throw new Error("no")
    }
    const worker = new Worker("mail", fail, { connection: { url: redis?.url ?? "" } })
    const failed = new Promise<string | undefined>((resolve) => worker.once("failed", (job) => resolve(job?.id)))
    await queue.addBulk(Array.from({ length: 42 }, (_, index) => ({ name: "letter", data: { fails: index === 41 } })))
    expect(await failed).toBe("42")
    await worker.close()

    shell.write("mithrandir.json", ownQueues.config.text)
    server = shell.start(ownQueues.serve.text)
    await server.line(/mail: verified/)
    const { code, output } = await shell.run(ownQueues.commands.text)
    expect(output).toMatch(/retry-job\s+mail:42\s+success/)
    expect(code).toBe(0)
    await server.stop()
  })
})

describe("README: who may come in", () => {
  const shell = new Shell()
  afterAll(() => shell.close())

  it("the first token is made as the page says", async () => {
    expect(await shell.run(firstToken.text)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mth_\S+\n$/) })
  })
})

describe("README: configuration", () => {
  const shell = new Shell({ env: { PALANTIR_TOKEN: "token", REDIS_PASSWORD: "password" } })
  afterAll(() => shell.close())

  it("the whole config is one that fits", async () => {
    shell.write("mithrandir.json", wholeConfig.text)
    // A service that is not in it is refused by name, and so nothing else can have been wrong.
    const { code, stderr } = await shell.run("npm run -s mithrandir -- reconcile nobody --config mithrandir.json")
    expect(stderr).toContain('no service "nobody" is registered; known: palantir, mail')
    expect(code).toBe(2)
  })

  it("is shown by config check, without its secrets", async () => {
    shell.write("mithrandir.json", wholeConfig.text)
    const { code, output } = await shell.run(configCheck.text)
    expect(code).toBe(0)
    expect(output).toMatch(/^services\[0\]\.token +\{"env":"PALANTIR_TOKEN","set":true\} +file$/m)
  })
})

describe("README: in your own program", () => {
  const shell = new Shell()
  afterAll(() => shell.close())

  it("the program reconciles", async () => {
    const port = await freePort()
    const sandbox = shell.start(`npm run -s mithrandir -- sandbox --port ${port}`)
    await sandbox.line(/listens|http:/)
    const program = readFileSync(programOf("README.md", 1), "utf8").replaceAll("127.0.0.1:4420", `127.0.0.1:${port}`)
    expect(embedded.text).toContain("127.0.0.1:4420")
    writeFileSync(join(shell.directory, "program.js"), program)
    const { code, stdout } = await shell.run("node program.js")
    expect(stdout).toMatch(/palantir verified/)
    expect(code).toBe(0)
    const db = new Sqlite(join(shell.directory, "mithrandir.db"), { readonly: true })
    expect(db.prepare("SELECT service FROM latest_update").all()).toEqual([{ service: "palantir" }])
    db.close()
  })
})
