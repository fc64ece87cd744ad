import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Queue } from "bullmq"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeWithRedisServer, freePort, type OwnRedis, startRedis } from "../../packages/core/test/support/redis.ts"
import { looksLike, Page, root } from "./support/Page.ts"
import { Shell } from "./support/Shell.ts"

const page = new Page("docs/tutorial.md")
const build = page.take("sh")
const watched = {
  serve: page.take("sh"),
  started: page.take("text"),
  lose: page.take("sh"),
  told: page.take("text"),
  accept: page.take("sh")
}
const queue = {
  program: page.take("js"),
  add: page.take("sh"),
  config: page.take("json"),
  check: page.take("sh"),
  found: page.take("text"),
  serve: page.take("sh"),
  work: page.take("sh"),
  reconcile: page.take("sh")
}
const command = {
  preview: page.take("sh"),
  previewed: page.take("text"),
  work: page.take("sh"),
  run: page.take("sh"),
  ran: page.take("text"),
  repeat: page.take("sh"),
  show: page.take("sh"),
  shown: page.take("text")
}
const lost = { lose: page.take("sh"), told: page.take("text"), accept: page.take("sh") }

it("tutorial: no snippet is left over", () => page.end())

/** The line that gets BullMQ, which a test does not run. */
const [install = ""] = queue.add.text.split("\n")

it("tutorial: what it installs is what is tested here", () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "docs/package.json"), "utf8"))
  const [, major] = /^\^(\d+)\./.exec(devDependencies.bullmq) ?? []
  // Without a version npm takes the latest, of whatever major.
  expect(install).toBe(`npm install bullmq@${major}`)
})

const succeeds = async (shell: Shell, script: string) => {
  const ended = await shell.run(script)
  expect(ended.output.length, ended.output).toBeGreaterThan(0)
  expect(ended.code, ended.output).toBe(0)
  return ended.output
}

describe("tutorial: building, and a sandbox that lies", () => {
  let shell: Shell

  beforeAll(async () => {
    shell = new Shell({ env: { MITHRANDIR_PORT: "0" } })
  })
  afterAll(() => shell.close())

  it("the program is there", async () => {
    // What it builds was built before the tests; the alias is the program.
    expect(build.text).toContain('alias mithrandir="node $PWD/packages/cli/dist/bin.js"')
    expect(await succeeds(shell, "mithrandir --version")).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it("a job that is lost is told, accepted, and on the record", { timeout: 90_000 }, async () => {
    const server = shell.start(watched.serve.text)
    const [, url = ""] = await server.line(/listens on (\S+)$/)
    const [, sandbox = ""] = await server.line(/palantir at (\S+),/)
    await server.line(/palantir: verified/)
    expect(looksLike(server.output(), watched.started.text)).toBeUndefined()
    const here = (script: string) => script.replaceAll("http://127.0.0.1:4410", url)
    const lose = watched.lose.text.replace("http://127.0.0.1:4420", sandbox)
    // It answers 409 as long as no job has been there for long enough.
    let answer = ""
    while (!answer.includes('"done"')) answer = await succeeds(shell, `${lose}; sleep 0.5`)
    await server.line(/DISCREPANCY/)
    expect(looksLike(server.output(), watched.told.text)).toBeUndefined()
    const accepted = await succeeds(shell, here(watched.accept.text))
    expect(accepted).toMatch(/accepted by local; missing: media-\d+/)
    expect(accepted).toMatch(/palantir\s+discrepancy/)
    expect((await server.stop()).code).toBe(130)
  })
})

describeWithRedisServer("tutorial: a queue of one's own", () => {
  let redis: OwnRedis | undefined
  let shell: Shell
  let letters: Queue

  beforeAll(async () => {
    redis = await startRedis(await freePort())
    const port = String(redis?.port)
    shell = new Shell({
      replace: [
        ["redis://127.0.0.1:6379", `redis://127.0.0.1:${port}`],
        ["port: 6379", `port: ${port}`],
        // It is there: a test installs nothing.
        [install, "true"]
      ],
      env: { MITHRANDIR_PORT: String(await freePort()) }
    })
    letters = new Queue("letters", { connection: { url: redis?.url ?? "" } })
  })
  afterAll(async () => {
    await letters.close()
    await shell.close()
    await redis?.stop()
  })

  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  it("is looked at, mended by a command that is verified, and robbed", { timeout: 180_000 }, async () => {
    shell.write(queue.program.title, queue.program.text)
    await shell.run(queue.add.text)
    shell.write(queue.config.title, queue.config.text)
    expect(looksLike(await succeeds(shell, queue.check.text), queue.found.text)).toBeUndefined()

    const server = shell.start(queue.serve.text)
    await server.line(/mail: verified/)
    const worker = shell.start(queue.work.text)
    await worker.line(/^letter 13 could not be sent$/)
    await until(async () => (await letters.getWaitingCount()) + (await letters.getActiveCount()) === 0)
    expect(await succeeds(shell, queue.reconcile.text)).toMatch(/verified .* 29 completed, 1 failed/)
    await worker.stop()

    expect(looksLike(await succeeds(shell, command.preview.text), command.previewed.text)).toBeUndefined()
    const mended = shell.start(command.work.text)
    expect(looksLike(await succeeds(shell, command.run.text), command.ran.text)).toBeUndefined()
    expect(await succeeds(shell, command.repeat.text)).toContain("it had ended already; nothing was run")
    expect(looksLike(await succeeds(shell, command.show.text), command.shown.text)).toBeUndefined()
    await until(async () => (await letters.getCompletedCount()) === 30)
    await mended.stop()

    const robbed = await shell.run(lost.lose.text)
    expect(looksLike(robbed.output, lost.told.text)).toBeUndefined()
    expect(robbed.code).toBe(3)
    expect(await succeeds(shell, lost.accept.text)).toContain("accepted by local; missing: letters:42")
    await server.stop()
  })
})
