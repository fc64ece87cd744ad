/** The sandbox through its door: over HTTP, with the source that reconciles it in life. */
import { createServer } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { JobSource, JobView, Palantir } from "@mithrandir/core"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Faults } from "../../src/sandbox/Faults.ts"
import * as Sandbox from "../../src/sandbox/Sandbox.ts"

const started = (faults: Faults = {}) =>
  Effect.gen(function* () {
    const said = yield* Queue.unbounded<string>()
    const running = Layer.build(
      Sandbox.layer({ host: "127.0.0.1", port: 0, seed: 1, faults, say: (line) => Queue.offer(said, line) })
    )
    const { jobs, url } = Context.get(yield* running, Sandbox.Sandbox)
    const context = yield* Layer.build(Layer.provide(Palantir.layer({ url }), NodeHttpClient.layer))
    return { jobs, url, said, source: Context.get(context, JobSource.JobSource) }
  })

const noAction = Effect.die("the source does not support it")
const listed = (source: JobSource.Shape) =>
  Effect.map(Stream.runCollect(source.jobs ?? Stream.die("it lists nothing")), Chunk.toReadonlyArray)

/** Tells what was said when a line fits. */
const hears = (said: Queue.Queue<string>, part: string): Effect.Effect<string> =>
  Effect.repeat(Queue.take(said), { until: (line) => line.includes(part) })

describe("Sandbox", () => {
  it.scopedLive("is a Palantir as its source knows it", () =>
    Effect.gen(function* () {
      const { jobs, source } = yield* started()
      yield* source.ping
      const listing = yield* listed(source)
      assert.isAbove(listing.length, 40)
      assert.sameMembers([...new Set(listing.map((job) => job.queue))], ["mail", "media", "reports"])
      // The one may count a moment before a job moves, and the other a moment after.
      yield* Effect.retry(
        Effect.gen(function* () {
          const before = yield* source.counts
          const tally = JobView.tally(yield* listed(source))
          if (!JobView.sameCounts(before, tally)) return yield* Effect.fail("it moved meanwhile")
        }),
        { times: 20 }
      )
      const [some] = yield* jobs.jobs
      const found = Option.getOrThrow(yield* source.find(some?.id ?? ""))
      assert.strictEqual(found.id, some?.id)
      assert.deepStrictEqual(yield* source.find("mail-999999"), Option.none())
      assert.strictEqual(Option.getOrThrow(yield* source.queue?.("media") ?? noAction).name, "media")
      assert.deepStrictEqual(yield* source.queue?.("nowhere") ?? noAction, Option.none())
    })
  )

  it.scopedLive("pages without losing or repeating a job", () =>
    Effect.gen(function* () {
      const { jobs, url } = yield* started()
      const before = (yield* jobs.jobs).map((job) => job.id)
      const seen: Array<string> = []
      let cursor: string | null = ""
      while (cursor !== null) {
        const query = `limit=7${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`
        const page: { data: ReadonlyArray<{ id: string }>; nextCursor: string | null } = yield* Effect.promise(() =>
          fetch(`${url}/api/v1/jobs?${query}`).then((response) => response.json() as Promise<typeof page>)
        )
        assert.isAtMost(page.data.length, 7)
        seen.push(...page.data.map((job) => job.id))
        cursor = page.nextCursor
      }
      assert.deepStrictEqual(seen, [...new Set(seen)].sort())
      // None of them is old enough to leave.
      assert.includeMembers(seen, before)
    })
  )

  it.scopedLive("commands do what they say, once per key, and are told", () =>
    Effect.gen(function* () {
      const { jobs, said, source } = yield* started()
      const failed = (yield* jobs.jobs).filter((job) => job.state === "failed").map((job) => job.id)
      const [first = "", second = ""] = failed
      const { deleteJob, purgeQueue, restartService, retryJob } = source.actions
      yield* retryJob?.(first, "k1") ?? noAction
      // It has not failed any more: only the first answer can say this.
      yield* retryJob?.(first, "k1") ?? noAction
      assert.strictEqual((yield* Effect.flip(retryJob?.(first, "k2") ?? noAction))._tag, "ActionRejected")
      yield* deleteJob?.(second, "k3") ?? noAction
      yield* deleteJob?.(second, "k3") ?? noAction
      assert.strictEqual((yield* Effect.flip(deleteJob?.(second, "k4") ?? noAction))._tag, "TargetNotFound")
      const purged = yield* purgeQueue?.("reports", "k5") ?? noAction
      assert.isAbove(purged, 0)
      assert.strictEqual(yield* purgeQueue?.("reports", "k5") ?? noAction, purged)
      const instance = Effect.map(
        source.worker?.("mailer") ?? noAction,
        (worker) => Option.getOrThrow(worker).instanceId
      )
      const before = yield* instance
      yield* restartService?.("mailer", "k6") ?? noAction
      yield* restartService?.("mailer", "k6") ?? noAction
      assert.strictEqual(before, "mailer-1")
      assert.strictEqual(yield* instance, "mailer-2")
      assert.strictEqual((yield* Effect.flip(restartService?.("nobody", "k7") ?? noAction))._tag, "TargetNotFound")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Queue.takeAll(said)), [
        `sandbox: job ${first} is retried`,
        `sandbox: job ${second} is deleted`,
        `sandbox: queue reports is purged of ${purged} jobs`,
        "sandbox: service mailer restarts as mailer-2"
      ])
    })
  )

  it.scopedLive("lists its stuck jobs, of one queue where asked", () =>
    Effect.gen(function* () {
      const { source } = yield* started()
      const ask = (query: string) =>
        Effect.map(source.stuck?.(query) ?? noAction, ({ body, status }) => ({
          status,
          ...(JSON.parse(Buffer.from(body).toString()) as { readonly data: ReadonlyArray<{ readonly queue: string }> })
        }))
      const all = yield* ask("")
      assert.strictEqual(all.status, 200)
      assert.isAtLeast(all.data.length, 2)
      assert.deepStrictEqual((yield* ask("queue=mail")).data, [])
      assert.strictEqual((yield* ask("queue=media")).data.length, all.data.length)
    })
  )

  it.scopedLive("loses a job without a trace, and says which", () =>
    Effect.gen(function* () {
      const { said, source } = yield* started({ vanish: Duration.millis(300) })
      const line = yield* hears(said, "lost job")
      const [, id = ""] = /^sandbox: lost job (\S+) \((?:waiting|delayed) in \S+\) without a trace$/.exec(line) ?? []
      assert.notStrictEqual(id, "")
      assert.deepStrictEqual(yield* source.find(id), Option.none())
    })
  )

  it.scopedLive("goes down for a while, breaking every connection, and comes back", () =>
    Effect.gen(function* () {
      const { said, source } = yield* started({ down: Duration.millis(500), downFor: Duration.millis(1500) })
      yield* Effect.retry(source.ping, { times: 10_000 })
      assert.strictEqual(yield* hears(said, "down"), "sandbox: down for 1.5s, every connection breaks")
      const broken = yield* Effect.flip(Effect.forever(source.counts))
      assert.deepInclude(broken, { _tag: "SourceUnavailable", reason: "reset" })
      yield* hears(said, "up again")
      yield* Effect.retry(source.ping, { times: 10_000 })
    })
  )

  it.scopedLive("a port that is taken is an error of its own", () =>
    Effect.gen(function* () {
      const port = yield* Effect.acquireRelease(
        Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
          const server = createServer()
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            const port = typeof address === "object" ? (address?.port ?? 0) : 0
            resume(Effect.succeed({ port, close: () => server.close() }))
          })
        }),
        ({ close }) => Effect.sync(close)
      )
      const error = yield* Effect.flip(Layer.build(Sandbox.layer({ host: "127.0.0.1", port: port.port, faults: {} })))
      assert.strictEqual(error._tag, "ServeError")
    })
  )
})
