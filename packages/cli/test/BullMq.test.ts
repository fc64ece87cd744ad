/** The main job on real input: real queues on a real Redis, real workers, the server's own process. */
import { randomUUID } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Queue, Worker } from "bullmq"
import { Redis } from "ioredis"
import { afterAll, beforeAll, expect, it } from "vitest"
import { describeWithRedis } from "../../core/test/support/redis.ts"
import { fetch } from "../../http/test/support/fetch.ts"
import { type Heard, json, type Listener, listen, updates } from "./support/listen.ts"
import { type Running, run, start, stopAll } from "./support/process.ts"

/** How long workers run normally. */
const normalMs = process.env.MITHRANDIR_TEST_LONG ? 120_000 : 8_000

/** Jobs a second, added in small bursts. */
const rate = 300
const burstMs = 100

describeWithRedis("a BullMQ queue under real workers", (redis) => {
  const name = `mail-${randomUUID()}`
  const { hostname, port } = new URL(redis)
  const connection = { host: hostname, port: Number(port || 6379) }
  let directory: string
  let queue: Queue
  let worker: Worker
  let server: Running
  let listener: Listener
  let url: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "mithrandir-bullmq-"))
    queue = new Queue(name, { connection })
    worker = new Worker(
      name,
      async (job) => {
        // The job's work, so that passes find some of them active, and never the same ones.
        await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 40))
        if (job.data.fails || (job.data.failsOnce && job.attemptsMade === 0)) throw new Error("as told")
      },
      { connection, concurrency: 20 }
    )
    worker.on("error", () => undefined)
    const service = { id: "mail", type: "bullmq", url: redis, queues: [name], pollInterval: "1 seconds" }
    await writeFile(join(directory, "mithrandir.json"), JSON.stringify({ services: [service], port: 0 }))
  })

  afterAll(async () => {
    listener?.close()
    await stopAll()
    await worker?.close(true)
    await queue?.obliterate({ force: true })
    await queue?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const query = <A>(sql: string): ReadonlyArray<A> => {
    const db = new Sqlite(join(directory, "mithrandir.db"), { readonly: true })
    try {
      return db.prepare<[], A>(sql).all()
    } finally {
      db.close()
    }
  }

  const mithrandir = (...args: ReadonlyArray<string>) => run([...args, "-o", "json"], { cwd: directory })
  const isUpdate = ({ data, event }: Heard) => event === "reconciliation.update" && data.service === "mail"
  const auditOf = async (id: string) => {
    const { data } = await json(await fetch(`${url}/reconciliation/audit?limit=200`))
    return data.find((entry: { id: string }) => entry.id === id)
  }

  it("is verified while they work, and every lie about it is found, told and set right", {
    timeout: normalMs + 120_000
  }, async () => {
    server = start(["serve"], { cwd: directory })
    url = (await server.line(/listens on (\S+)$/))[1] ?? ""
    listener = listen(url, { query: "?service=mail" })
    await listener.wait("the first pass", isUpdate)

    // For as long as workers run normally, no pass says discrepancy.
    const until = Date.now() + normalMs
    let added = 0
    while (Date.now() < until) {
      const burst = Array.from({ length: (rate * burstMs) / 1000 }, () => {
        const n = added++
        return {
          name: "send",
          data: { fails: n % 50 === 0, failsOnce: n % 17 === 0 },
          opts: {
            ...(n % 17 === 0 ? { attempts: 3, backoff: { type: "fixed", delay: 200 } } : {}),
            ...(n % 11 === 0 ? { delay: 500 } : {}),
            ...(n % 13 === 0 ? { priority: 5 } : {})
          }
        }
      })
      await queue.addBulk(burst)
      // The rate is what is tried, not how fast a queue can be filled.
      await new Promise((resolve) => setTimeout(resolve, burstMs))
    }
    const normal = updates(listener, "mail")
    expect(new Set(normal.map(({ data }) => data.status))).toEqual(new Set(["verified"]))
    // Passes of a busy machine may take longer than a second, but not this long.
    expect(normal.length).toBeGreaterThan(normalMs / 3_000)
    expect(normal.at(-1)?.data.counts.completed).toBeGreaterThan(normalMs / 100)
    expect(normal.filter(({ data }) => data.rebaselined)).toHaveLength(1)
    expect(query("SELECT * FROM discrepancy_event")).toEqual([])

    // Nobody works for a moment: what waits now, waits.
    await worker.pause()
    const jobs = await queue.addBulk(Array.from({ length: 40 }, () => ({ name: "send", data: {}, opts: {} })))
    const waiting = jobs.map(({ id }) => id ?? "")
    const from = listener.heard.length
    const heardAll = (fits: (heard: Heard) => boolean) => (heard: Heard) =>
      listener.heard.indexOf(heard) >= from && isUpdate(heard) && fits(heard)
    await listener.wait(
      "a pass that saw them",
      heardAll(({ data }) => data.counts.waiting >= 40)
    )

    // Removed behind everybody's back, with plain Redis commands.
    const lost = waiting.slice(0, 7)
    const client = new Redis(redis)
    for (const id of lost) {
      expect(await client.lrem(queue.toKey("wait"), 1, id)).toBe(1)
      expect(await client.del(queue.toKey(id))).toBe(1)
    }
    client.disconnect()
    const ids = lost.map((id) => `${name}:${id}`).sort()
    const { data } = await listener.wait(
      "the discrepancy",
      heardAll(({ data }) => data.status === "discrepancy")
    )
    expect(data.discrepancyDetails.missingJobIds).toEqual(ids)
    expect(data.discrepancyDetails.missingJobCount).toBe(7)
    const [row] = query<{ discrepancy_details_json: string }>(
      "SELECT * FROM discrepancy_event WHERE status = 'discrepancy'"
    )
    expect(JSON.parse(row?.discrepancy_details_json ?? "").missingJobIds).toEqual(ids)

    // It keeps saying so, in one row, until it is accepted.
    const found = listener.heard.findIndex(heardAll(({ data }) => data.status === "discrepancy"))
    await listener.wait("three passes more", (heard) => isUpdate(heard) && listener.heard.indexOf(heard) >= found + 3)
    expect(
      new Set(
        listener.heard
          .slice(found)
          .filter(isUpdate)
          .map(({ data }) => data.status)
      )
    ).toEqual(new Set(["discrepancy"]))
    expect(query("SELECT * FROM discrepancy_event")).toHaveLength(1)
    expect((await mithrandir("reconcile", "mail", "--exit-code")).code).toBe(3)
    expect((await mithrandir("reconcile", "mail", "--accept")).code).toBe(0)
    expect((await mithrandir("reconcile", "mail", "--exit-code")).code).toBe(0)
    expect(query("SELECT status FROM discrepancy_event ORDER BY timestamp, id")).toEqual([
      { status: "discrepancy" },
      { status: "verified" }
    ])

    // A failed job is retried, a waiting one deleted, the queue purged: each verified, each on the record.
    const [failed] = await queue.getFailed(0, 0)
    const retry = ["run", "retry-job", `${name}:${failed?.id}`, "--service", "mail", "--command-id", "retry-one"]
    const retried = await mithrandir(...retry)
    expect([retried.code, retried.stderr]).toEqual([0, expect.any(String)])
    expect(await auditOf("retry-one")).toMatchObject({
      outcome: "success",
      beforeState: { state: "failed" },
      afterState: { state: "waiting" }
    })
    const target = `${name}:${waiting[20]}`
    expect(
      (await mithrandir("run", "delete-job", target, "--service", "mail", "--command-id", "delete-one")).code
    ).toBe(0)
    expect(await queue.getJob(waiting[20] ?? "")).toBeUndefined()
    expect(await auditOf("delete-one")).toMatchObject({
      outcome: "success",
      beforeState: { id: target, state: "waiting" },
      afterState: null
    })
    expect((await mithrandir("run", "purge-queue", name, "--service", "mail", "--command-id", "purge-one")).code).toBe(
      0
    )
    const purged = await auditOf("purge-one")
    expect(purged.outcome).toBe("success")
    expect(purged.beforeState.total).toBeGreaterThanOrEqual(32)
    expect(purged.afterState).toMatchObject({ jobIds: [], total: 0 })
    expect(await queue.getWaitingCount()).toBe(0)
    for (const id of ["retry-one", "delete-one", "purge-one"]) {
      const state = await json(await fetch(`${url}/commands/${id}`))
      expect([id, state.phase, state.verified]).toEqual([id, "success", true])
    }
    expect((await mithrandir("reconcile", "mail", "--exit-code")).code).toBe(0)

    // The same commandId again: nothing is sent, although the job could be retried once more.
    const stillFailed = await queue.getFailed(0, 0)
    expect(stillFailed[0]).toBeDefined()
    const revived = await queue.getJob(failed?.id ?? "")
    expect(revived).toBeUndefined()
    const again = await mithrandir(...retry)
    expect(again.code).toBe(0)
    expect(again.stderr).toMatch(/retry-one/)
    expect(query("SELECT id FROM command_audit WHERE id = 'retry-one'")).toHaveLength(1)
    const taken = await mithrandir("run", "delete-job", target, "--service", "mail", "--command-id", "retry-one")
    expect(taken.code).not.toBe(0)
    expect((await server.stop()).code).toBe(0)
  })
})
