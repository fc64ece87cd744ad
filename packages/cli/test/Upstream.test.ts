/** What the config says of a service holds upstream: secrets that are wanted there, names, times, and what explains. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer as createHttpServer, type ServerResponse } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { JobSource } from "@mithrandir/core"
import { Queue } from "bullmq"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { describeWithRedisServer, freePort, type OwnRedis, startRedis } from "../../core/test/support/redis.ts"
import * as Services from "../src/config/Services.ts"
import { drivers } from "../src/Main.ts"
import { run } from "./support/inside.ts"
import * as Palantir from "./support/palantir.ts"

const secret = "5318008-hush"

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-upstream-"))
})
afterAll(() => rm(directory, { recursive: true, force: true }))
afterEach(() => {
  vi.unstubAllEnvs()
})

/** A pass over one service; its database is that of the name. */
const reconcile = async (name: string, service: object) => {
  const config = join(directory, `${name}.json`)
  await writeFile(config, JSON.stringify({ services: [{ id: "it", settle: "20 millis", ...service }] }))
  const database = join(directory, `${name}.db`)
  const ended = await run(["reconcile", "--exit-code", "-o", "json", "--config", config, "--database", database])
  expect(ended.stdout + ended.stderr).not.toContain(secret)
  return { code: ended.code, update: JSON.parse(ended.stdout).data[0] }
}

describe("a Palantir that wants a token", () => {
  let palantir: Palantir.FakePalantir
  beforeAll(async () => {
    palantir = await Palantir.start()
    palantir.token = secret
  })
  afterAll(() => palantir.close())

  it.each([
    ["as it stands", secret],
    ["from the environment", { env: "THE_TOKEN" }]
  ])("gets the one of the config, %s", async (how, token) => {
    vi.stubEnv("THE_TOKEN", secret)
    const { code, update } = await reconcile(`token ${how}`, { type: "palantir", url: palantir.url, token })
    expect([code, update.status, update.counts.failed]).toEqual([0, "verified", 2])
  })

  it("does not let in who has another", async () => {
    const { code, update } = await reconcile("wrong", { type: "palantir", url: palantir.url, token: "wrong" })
    expect([code, update.status, update.message]).toEqual([5, "stale", "it refused our credentials"])
  })
})

describe("a Palantir that gives no usable answer", () => {
  it.each([
    ["talks nonsense", (response: ServerResponse) => response.end("nonsense")],
    ["breaks every connection", (response: ServerResponse) => response.destroy()]
  ])("and %s has every command exit 5", async (how, answer) => {
    const broken = createHttpServer((_, response) => answer(response))
    await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
    const config = join(directory, "broken.json")
    await writeFile(config, JSON.stringify({ services: [{ id: "it", type: "palantir", url }] }))
    const where = ["--config", config, "--database", join(directory, `${how}.db`)]
    const command = ["run", "retry-job", "x", "--service", "it"]
    for (const args of [["reconcile"], command, [...command, "--dry-run"]]) {
      expect(await run([...args, ...where]), args.join(" ")).toMatchObject({ code: 5 })
    }
    broken.close()
    const recorded = await run(["discrepancies", "--status", "stale", ...where])
    if (recorded.stdout !== "") expect(recorded.stdout).toMatch(/stale +it gave no usable answer/)
  })
})

describe("what explains a difference", () => {
  it.each([
    ["lifecycle", 0, "verified"],
    ["strict", 3, "discrepancy"]
  ])("with %s: a job that waited has failed", async (expectation, code, status) => {
    const palantir = await Palantir.start()
    const service = { type: "palantir", url: palantir.url, expectation }
    expect(await reconcile(expectation, service)).toMatchObject({ code: 0, update: { rebaselined: true } })
    const job = palantir.jobs.get("job-5")
    if (job !== undefined) job.state = "failed"
    const { update, ...ended } = await reconcile(expectation, service)
    await palantir.close()
    expect([ended.code, update.status]).toEqual([code, status])
    if (code === 3) {
      expect(update.discrepancyDetails.changedJobs).toEqual([{ id: "job-5", expected: "waiting", actual: "failed" }])
    }
  })
})

describeWithRedisServer("a Redis that wants a password", () => {
  const prefix = "post"
  let redis: OwnRedis | undefined
  let queue: Queue
  beforeAll(async () => {
    redis = await startRedis(await freePort(), ["--requirepass", secret])
    queue = new Queue("mail", { connection: { port: redis?.port ?? 0, password: secret }, prefix })
    await queue.add("letter", {}, { jobId: "letter" })
  })
  afterAll(async () => {
    await queue?.close()
    await redis?.stop()
  })

  const service = () => ({ type: "bullmq", url: redis?.url ?? "", queues: ["mail"], prefix })

  it.each([
    ["as it stands", secret],
    ["from the environment", { env: "THE_PASSWORD" }]
  ])("gets the one of the config, %s, and is read under the prefix", async (how, password) => {
    vi.stubEnv("THE_PASSWORD", secret)
    const { code, update } = await reconcile(`password ${how}`, { ...service(), password })
    expect([code, update.status, update.counts.waiting]).toEqual([0, "verified", 1])
  })

  it("does not let in who has none, or another", async () => {
    for (const [how, given] of Object.entries({ none: {}, another: { password: "wrong" } })) {
      const { code, update } = await reconcile(how, { ...service(), ...given })
      expect([code, update.status, update.message]).toEqual([5, "stale", "it refused our credentials"])
    }
  })

  it("is asked as long as the config says, of jobs that are kept as long as it says", async () => {
    // It takes connections, and says nothing.
    const silent = createServer()
    const port = await new Promise<number>((resolve) =>
      silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { readonly port: number }).port))
    )
    const { source } = Services.define({
      id: "it",
      type: "bullmq",
      url: `redis://127.0.0.1:${port}`,
      queues: ["mail"],
      password: Redacted.make(secret),
      requestTimeout: Duration.millis(200),
      finishedKept: Duration.minutes(20)
    })
    const looked = Effect.gen(function* () {
      const { counts, finishedKept } = Context.get(yield* Layer.build(source), JobSource.JobSource)
      const [took, error] = yield* Effect.timed(Effect.flip(counts))
      return { error, finishedKept, took }
    })
    const { error, finishedKept, took } = await Effect.runPromise(Effect.provide(Effect.scoped(looked), drivers))
    silent.close()
    expect(error).toMatchObject({ _tag: "SourceUnavailable" })
    // Three seconds unless told otherwise.
    expect(Duration.toMillis(took)).toBeLessThan(2_000)
    expect(finishedKept).toEqual(Duration.minutes(20))
  })
})
