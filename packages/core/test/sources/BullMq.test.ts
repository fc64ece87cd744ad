import { assert, describe, it } from "@effect/vitest"
import { FlowProducer, Worker } from "bullmq"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as BullMq from "../../src/sources/BullMq.ts"
import * as BullMqPurge from "../../src/sources/BullMqPurge.ts"
import { JobSource, type Shape, SourceUnavailable } from "../../src/sources/JobSource.ts"
import { type TestQueue, testPrefix, testQueue } from "../support/bullmq.ts"
import { describeWithRedis } from "../support/redis.ts"
import { jobSourceSuite, listed } from "./JobSourceSuite.ts"

const sourceAt = (options: BullMq.Options) => Effect.map(Layer.build(BullMq.layer(options)), Context.get(JobSource))

const noAction = Effect.die("the source does not support it")

/** Which of the listed jobs leave by themselves, ids as BullMQ has them. */
const leaving = (source: Shape) =>
  Effect.map(listed(source), (jobs) =>
    jobs.flatMap(({ id, leaves }) => (leaves === true ? [id.slice(id.indexOf(":") + 1)] : [])).sort()
  )

describeWithRedis("BullMq", (url) => {
  const arranged = Effect.gen(function* () {
    const prefix = testPrefix()
    const mail = yield* testQueue(url, "mail", prefix)
    const media = yield* testQueue(url, "media", prefix)
    const source = yield* sourceAt({ url, prefix, queues: ["mail", "media"] })
    return { mail, media, prefix, source }
  })

  jobSourceSuite(
    Effect.map(arranged, ({ mail, media, source }) => ({
      source,
      queues: ["mail", "media"] as const,
      seed: (queue, state, name) =>
        Effect.map(
          Effect.promise(() =>
            (queue === "mail" ? mail : media).seed(state, name === undefined ? {} : { jobId: name })
          ),
          (id) => `${queue}:${id}`
        )
    }))
  )

  it.scopedLive("the same number in two queues is two jobs", () =>
    Effect.gen(function* () {
      const { mail, media, source } = yield* arranged
      assert.strictEqual(yield* Effect.promise(() => mail.seed("waiting")), "1")
      assert.strictEqual(yield* Effect.promise(() => media.seed("failed")), "1")
      assert.deepStrictEqual(
        (yield* listed(source)).map(({ id, queue, state }) => ({ id, queue, state })),
        [
          { id: "mail:1", queue: "mail", state: "waiting" },
          { id: "media:1", queue: "media", state: "failed" }
        ]
      )
      yield* source.actions.deleteJob?.("media:1", "k") ?? noAction
      assert.deepStrictEqual(yield* source.find("media:1"), Option.none())
      assert.isTrue(Option.isSome(yield* source.find("mail:1")))
      assert.deepStrictEqual(yield* source.find("other:1"), Option.none())
    })
  )

  it.scopedLive("a queue that nobody ever used does not exist, and looking for it leaves nothing behind", () =>
    Effect.gen(function* () {
      const prefix = testPrefix()
      const mail = yield* testQueue(url, "mail", prefix)
      const source = yield* sourceAt({ url, prefix, queues: ["mail", "mial"] })
      assert.isTrue(Option.isSome(yield* source.queue?.("mail") ?? noAction))
      assert.deepStrictEqual(yield* source.queue?.("mial") ?? noAction, Option.none())
      assert.deepStrictEqual(yield* listed(source), [])
      const left = yield* Effect.promise(() => mail.client.scan(0, { MATCH: `${prefix}:mial*`, COUNT: 1_000_000 }))
      assert.deepStrictEqual(left[1], [])
    })
  )

  it.scopedLive("prioritized, paused and waiting for children are ways of waiting", () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      const prioritized = yield* Effect.promise(() => mail.seed("waiting", { priority: 3 }))
      const parent = yield* Effect.promise(() => mail.seed("active"))
      yield* Effect.promise(async () => {
        const job = await mail.bull.getJob(parent)
        if (job?.id === undefined) throw new Error("no parent")
        await mail.bull.add("child", {}, { parent: { id: job.id, queue: mail.bull.qualifiedName } })
        await job.moveToWaitingChildren("mithrandir-test")
        await mail.bull.pause()
      })
      for (const id of [prioritized, parent]) {
        assert.strictEqual(Option.getOrThrow(yield* source.find(`mail:${id}`)).state, "waiting")
      }
      assert.strictEqual((yield* source.counts).waiting, 3)
      assert.deepStrictEqual(
        (yield* listed(source)).map((job) => job.state),
        ["waiting", "waiting", "waiting"]
      )
      // The parent goes on as its last child is purged.
      assert.strictEqual(yield* source.actions.purgeQueue?.("mail", "k") ?? noAction, 2)
      assert.isTrue(yield* Effect.promise(() => mail.bull.isPaused()))
    })
  )

  it.scopedLive("a retried job has more attempts as soon as it has failed again", () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      const id = yield* Effect.promise(() => mail.seed("failed"))
      const attempts = Effect.map(source.find(`mail:${id}`), (job) => Option.getOrThrow(job).attempts)
      assert.strictEqual(yield* attempts, 1)
      yield* source.actions.retryJob?.(`mail:${id}`, "k") ?? noAction
      assert.strictEqual(yield* attempts, 1)
      yield* Effect.promise(async () => {
        await mail.take()
        await mail.fail(id)
      })
      assert.strictEqual(yield* attempts, 2)
    })
  )

  it.scopedLive("a purge leaves a scheduler's next job, and removes what lies around it", () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      const next = yield* Effect.promise(async () => {
        const job = await mail.bull.upsertJobScheduler("hourly", { every: 3_600_000 })
        // Due at once: it waits, at the head of the list that a drain would cut by number.
        await job?.promote().catch(() => {})
        await mail.seed("waiting")
        await mail.seed("waiting")
        await mail.seed("delayed")
        return job?.id ?? ""
      })
      assert.strictEqual(yield* source.actions.purgeQueue?.("mail", "k") ?? noAction, 3)
      assert.deepStrictEqual(
        (yield* listed(source)).map((job) => job.id),
        [`mail:${next}`]
      )
      const refused = yield* Effect.flip(source.actions.deleteJob?.(`mail:${next}`, "k2") ?? noAction)
      assert.strictEqual(refused._tag, "ActionRejected")
    })
  )

  it.scopedLive("a purge removes what is not listed as spared: a scheduler's job is, and parents that stay", () =>
    Effect.gen(function* () {
      const { mail, media, source } = yield* arranged
      /** A parent in `mail` that waits for one child in each of these queues. */
      const parentOf = async (...queues: ReadonlyArray<TestQueue>) => {
        const id = await mail.seed("active")
        for (const { bull } of queues) {
          await bull.add("child", {}, { delay: 3_600_000, parent: { id, queue: mail.bull.qualifiedName } })
        }
        await (await mail.bull.getJob(id))?.moveToWaitingChildren("mithrandir-test")
        return id
      }
      const { next, stays, goes } = yield* Effect.promise(async () => {
        const job = await mail.bull.upsertJobScheduler("hourly", { every: 3_600_000 })
        const stays = [await parentOf(media), await parentOf(mail, media)]
        const goes = await parentOf(mail)
        await mail.seed("waiting")
        await mail.seed("waiting", { priority: 2 })
        return { next: job?.id ?? "", stays, goes }
      })
      const before = yield* listed(source)
      const spared = before.flatMap(({ id, spared }) => (spared === true ? [id] : []))
      assert.sameMembers(
        spared,
        [next, ...stays].map((id) => `mail:${id}`)
      )
      const waiting = before.filter(({ queue, state }) => queue === "mail" && /waiting|delayed/.test(state))
      const removed = waiting.filter((job) => job.spared !== true)
      assert.include(
        removed.map(({ id }) => id),
        `mail:${goes}`
      )
      // Of the parent that goes with its only child BullMQ says nothing.
      assert.strictEqual(yield* source.actions.purgeQueue?.("mail", "k") ?? noAction, removed.length - 1)
      const after = new Set((yield* listed(source)).map(({ id }) => id))
      assert.deepStrictEqual(
        before.filter(({ id }) => !after.has(id)),
        removed
      )
    })
  )

  it.scopedLive("a parent's parent goes as well when the last child is purged", () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      yield* Effect.promise(async () => {
        const queueName = "mail"
        const flow = new FlowProducer({ connection: { url }, prefix: mail.bull.opts.prefix ?? "" })
        const child = { name: "child", queueName }
        await flow.add({ name: "top", queueName, children: [{ name: "middle", queueName, children: [child] }] })
        await flow.close()
      })
      assert.deepStrictEqual(
        (yield* listed(source)).map(({ spared, state }) => [state, spared] as const),
        Array.from({ length: 3 }, () => ["waiting", undefined] as const)
      )
      assert.strictEqual(yield* source.actions.purgeQueue?.("mail", "k") ?? noAction, 1)
      assert.deepStrictEqual(yield* listed(source), [])
    })
  )

  it.scopedLive("a purge gets past more schedulers than one step removes jobs", () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      yield* Effect.promise(async () => {
        await Promise.all(
          Array.from({ length: 1005 }, (_, i) => mail.bull.upsertJobScheduler(`s${i}`, { every: 3_600_000 }))
        )
        await mail.bull.add("late", {}, { delay: 100 * 3_600_000 })
      })
      assert.strictEqual((yield* listed(source)).filter(({ spared }) => spared === true).length, 1005)
      assert.strictEqual(yield* source.actions.purgeQueue?.("mail", "k") ?? noAction, 1)
    })
  )

  for (const reason of ["connect", "address", "denied", "readonly"] as const) {
    it.scopedLive(`a purge that ends in "${reason}" says so only while nothing is removed`, () =>
      Effect.gen(function* () {
        const { mail } = yield* arranged
        yield* Effect.promise(() => mail.bull.addBulk(Array.from({ length: 1500 }, () => ({ name: "job", data: {} }))))
        /** Purges, and after so many calls nothing goes any more. */
        const after = (calls: number) => {
          let made = 0
          const purge = BullMqPurge.purge((use) =>
            made++ < calls ? Effect.promise(() => use(mail.bull)) : new SourceUnavailable({ reason })
          )
          return Effect.flip(purge)
        }
        // The first call only asks how many schedulers there are.
        for (const calls of [0, 1]) assert.deepInclude(yield* after(calls), { reason })
        assert.strictEqual(yield* Effect.promise(() => mail.bull.getWaitingCount()), 1500)
        assert.deepInclude(yield* after(2), { reason: "reset" })
        assert.strictEqual(yield* Effect.promise(() => mail.bull.getWaitingCount()), 500)
      })
    )
  }

  it.scopedLive("its listing is one moment, and covers the queues it was told of", () =>
    Effect.gen(function* () {
      const { source } = yield* arranged
      assert.isTrue(source.isAtomic)
      assert.deepStrictEqual(
        ["mail", "media", "other"].map((queue) => source.covers?.(queue)),
        [true, true, false]
      )
    })
  )

  it.scopedLive("a purge takes more jobs than one step, and those of a clock ahead of ours", () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      yield* Effect.promise(() =>
        mail.bull.addBulk(
          Array.from({ length: 2500 }, () => ({ name: "job", data: {}, opts: { timestamp: Date.now() + 86_400_000 } }))
        )
      )
      assert.strictEqual(yield* source.actions.purgeQueue?.("mail", "k") ?? noAction, 2500)
      assert.strictEqual((yield* source.counts).waiting, 0)
    })
  )

  it.scopedLive("a job that a worker holds is not deleted, though it lies in wait", () =>
    Effect.gen(function* () {
      const { mail, prefix, source } = yield* arranged
      const id = yield* Effect.promise(() => mail.seed("waiting"))
      yield* Effect.promise(() => mail.client.set(`${prefix}:mail:${id}:lock`, "somebody"))
      const refused = yield* Effect.flip(source.actions.deleteJob?.(`mail:${id}`, "k") ?? noAction)
      assert.deepInclude(refused, { _tag: "ActionRejected", problem: "a worker holds the job" })
    })
  )

  it.scopedLive("deleting a parent leaves its children", () =>
    Effect.gen(function* () {
      const { mail, media, source } = yield* arranged
      const parent = yield* Effect.promise(() => mail.seed("waiting"))
      yield* Effect.promise(() => media.seed("waiting", { parent: { id: parent, queue: mail.bull.qualifiedName } }))
      yield* source.actions.deleteJob?.(`mail:${parent}`, "k") ?? noAction
      assert.deepStrictEqual(
        (yield* listed(source)).map((job) => job.id),
        ["media:1"]
      )
    })
  )

  it.scopedLive("reading writes nothing", () =>
    Effect.gen(function* () {
      const prefix = testPrefix()
      const bystander = yield* testQueue(url, "bystander", testPrefix())
      const source = yield* sourceAt({ url, prefix, queues: ["mail"] })
      yield* source.ping
      yield* source.counts
      yield* listed(source)
      yield* source.find("mail:1")
      const [, keys] = yield* Effect.promise(() => bystander.client.scan(0, { MATCH: `${prefix}*`, COUNT: 1_000_000 }))
      assert.deepStrictEqual(keys, [])
    })
  )

  describe("jobs that leave by themselves", () => {
    const cases: ReadonlyArray<readonly [name: string, options: Parameters<TestQueue["seed"]>[1], leaves: boolean]> = [
      ["no options", {}, false],
      ["removeOnComplete: false", { removeOnComplete: false, removeOnFail: false }, false],
      ["removeOnComplete: true", { removeOnComplete: true }, true],
      ["removeOnFail: true", { removeOnFail: true }, true],
      ["removeOnComplete: 0", { removeOnComplete: 0 }, true],
      ["removeOnComplete: -1", { removeOnComplete: -1 }, false],
      ["an age as long as finished jobs are kept", { removeOnComplete: { age: 600 } }, false],
      ["deduplicated", { delay: 3_600_000, deduplication: { id: "one" } }, true]
    ]
    for (const [name, options, leaves] of cases) {
      it.scopedLive(`${name}: ${leaves ? "leaves" : "stays"}, and says nothing of others`, () =>
        Effect.gen(function* () {
          const { mail, media, source } = yield* arranged
          const id = yield* Effect.promise(() => mail.seed("waiting", options))
          yield* Effect.promise(() => mail.seed("waiting"))
          yield* Effect.promise(() => media.seed("waiting"))
          assert.deepStrictEqual(yield* leaving(source), leaves ? [id] : [])
          assert.deepStrictEqual(yield* leaving(source), leaves ? [id] : [])
        })
      )
    }

    for (const [name, options] of [
      ["a number", { removeOnComplete: 3 }],
      ["a count", { removeOnFail: { count: 3 } }],
      ["an age shorter than finished jobs are kept", { removeOnComplete: { age: 599 } }],
      ["an age and a count", { removeOnComplete: { age: 86_400, count: 1000 } }]
    ] as const) {
      for (const state of ["waiting", "completed"] as const) {
        it.scopedLive(`${name}, seen in a ${state} job: every job of the queue may leave as long as it is there`, () =>
          Effect.gen(function* () {
            const { mail, media, source } = yield* arranged
            yield* Effect.promise(() => mail.seed("delayed"))
            yield* Effect.promise(() => media.seed("waiting"))
            assert.deepStrictEqual(yield* leaving(source), [])
            const id = yield* Effect.promise(() => mail.seed(state, options))
            assert.deepStrictEqual(yield* leaving(source), ["1", id])
            assert.deepStrictEqual(yield* leaving(source), ["1", id])
            yield* source.actions.deleteJob?.(`mail:${id}`, "k") ?? noAction
            assert.deepStrictEqual(yield* leaving(source), [])
          })
        )
      }
    }

    it.scopedLive("a job with a count that is gone, and was not removed, is believed for one listing more", () =>
      Effect.gen(function* () {
        const { mail, prefix, source } = yield* arranged
        const id = yield* Effect.promise(() => mail.seed("completed", { removeOnComplete: 3 }))
        yield* Effect.promise(() => mail.seed("delayed"))
        assert.deepStrictEqual(yield* leaving(source), [id, "2"])
        yield* Effect.promise(async () => {
          await mail.client.del(`${prefix}:mail:completed`, `${prefix}:mail:${id}`)
        })
        assert.deepStrictEqual(yield* leaving(source), ["2"])
        assert.deepStrictEqual(yield* leaving(source), [])
      })
    )

    it.scopedLive("one job that was over before we looked, and is gone, is no habit; two are", () =>
      Effect.gen(function* () {
        const { mail, prefix, source } = yield* arranged
        const [first, second] = yield* Effect.promise(async () => [
          await mail.seed("completed"),
          await mail.seed("failed")
        ])
        const waiting = yield* Effect.promise(() => mail.seed("waiting"))
        assert.deepStrictEqual(yield* leaving(source), [])
        yield* Effect.promise(() => mail.client.del(`${prefix}:mail:completed`, `${prefix}:mail:${first}`))
        assert.deepStrictEqual(yield* leaving(source), [])
        assert.deepStrictEqual(yield* leaving(source), [])
        yield* Effect.promise(() => mail.client.del(`${prefix}:mail:failed`, `${prefix}:mail:${second}`))
        assert.deepStrictEqual(yield* leaving(source), [waiting])
      })
    )

    it.scopedLive("one job that finished and left between two listings is a habit, until it is long ago", () =>
      Effect.gen(function* () {
        const prefix = testPrefix()
        const mail = yield* testQueue(url, "mail", prefix)
        const patient = yield* sourceAt({ url, prefix, queues: ["mail"] })
        const hasty = yield* sourceAt({ url, prefix, queues: ["mail"], finishedKept: "1 second" })
        const id = yield* Effect.promise(() => mail.seed("waiting"))
        const other = yield* Effect.promise(() => mail.seed("delayed"))
        for (const source of [hasty, patient]) assert.deepStrictEqual(yield* leaving(source), [])
        yield* Effect.promise(async () => {
          await mail.take()
          await mail.complete(id)
          await mail.client.del(`${prefix}:mail:completed`, `${prefix}:mail:${id}`)
        })
        assert.deepStrictEqual(yield* leaving(hasty), [other])
        yield* Effect.repeat(leaving(hasty), { until: (ids) => ids.length === 0 })
        for (const _ of ["now", "and later"]) assert.deepStrictEqual(yield* leaving(patient), [other])
      })
    )

    it.scopedLive("what finished and left is found for as long as we watch, however many events came after it", () =>
      Effect.gen(function* () {
        const { mail, prefix, source } = yield* arranged
        const [gone, lost] = yield* Effect.promise(async () => [await mail.seed("waiting"), await mail.seed("delayed")])
        yield* listed(source)
        yield* Effect.promise(async () => {
          await mail.take()
          await mail.complete(gone ?? "")
          await mail.client.del(`${prefix}:mail:completed`, `${prefix}:mail:${gone}`)
          await mail.bull.addBulk(Array.from({ length: 1500 }, () => ({ name: "job", data: {} })))
        })
        yield* listed(source)
        const found = yield* source.find(`mail:${gone}`)
        assert.strictEqual(Option.getOrThrow(found).state, "completed")
        // One that nothing was heard of is still missed.
        yield* Effect.promise(() => mail.client.del(`${prefix}:mail:delayed`, `${prefix}:mail:${lost}`))
        yield* listed(source)
        assert.deepStrictEqual(yield* source.find(`mail:${lost}`), Option.none())
      })
    )

    it.scopedLive("a producer that adds a job again while it is kept does not hide that it finished", () =>
      Effect.gen(function* () {
        const { mail, prefix, source } = yield* arranged
        yield* Effect.promise(async () => {
          await mail.seed("completed", { jobId: "one" })
          await mail.bull.add("job", {}, { jobId: "one" })
          await mail.client.del(`${prefix}:mail:completed`, `${prefix}:mail:one`)
        })
        assert.strictEqual(Option.getOrThrow(yield* source.find("mail:one")).state, "completed")
      })
    )

    it.scopedLive("one job's count removes other jobs as it finishes: why it speaks for all of them", () =>
      Effect.gen(function* () {
        const { mail, source } = yield* arranged
        yield* Effect.promise(async () => {
          await mail.seed("completed")
          await mail.seed("completed")
          await mail.seed("completed", { removeOnComplete: 1 })
        })
        assert.deepStrictEqual(
          (yield* listed(source)).map((job) => job.id),
          ["mail:3"]
        )
      })
    )

    for (const [name, options] of [
      ["removes all", { removeOnComplete: { count: 0 } }],
      ["keeps a number", { removeOnComplete: { count: 1 } }]
    ] as const) {
      it.scopedLive(`a worker of its own that ${name}: seen by what is missing, and every job may leave`, () =>
        Effect.gen(function* () {
          const { mail, prefix, source } = yield* arranged
          const worker = yield* Effect.acquireRelease(
            Effect.sync(() => new Worker("mail", null, { connection: { url }, prefix, autorun: false, ...options })),
            (worker) => Effect.promise(() => worker.close(true))
          )
          const [first, second, third] = yield* Effect.promise(() =>
            Promise.all([mail.seed("waiting"), mail.seed("waiting"), mail.seed("waiting")])
          )
          assert.deepStrictEqual(yield* leaving(source), [])
          for (const _ of [first, second]) {
            yield* Effect.promise(async () => {
              const job = await worker.getNextJob("t", { block: false })
              await job?.moveToCompleted("done", "t", false)
            })
          }
          // The first is gone, and yet it did not vanish.
          assert.notInclude(
            (yield* listed(source)).map((job) => job.id),
            `mail:${first}`
          )
          assert.strictEqual(Option.getOrThrow(yield* source.find(`mail:${first}`)).state, "completed")
          assert.include(yield* leaving(source), third)
          // Unless somebody wanted it to be gone.
          yield* Effect.exit(source.actions.deleteJob?.(`mail:${first}`, "k") ?? noAction)
          assert.deepStrictEqual(yield* source.find(`mail:${first}`), Option.none())
        })
      )
    }

    it.scopedLive("finished jobs that people removed are no sign of anything", () =>
      Effect.gen(function* () {
        const { mail, media, source } = yield* arranged
        yield* Effect.promise(async () => {
          await mail.bull.remove(await mail.seed("completed"))
          await mail.bull.remove(await mail.seed("failed"))
          await media.seed("completed")
          await media.bull.clean(0, 0, "completed")
          await mail.seed("waiting")
          await media.seed("waiting")
        })
        assert.deepStrictEqual(yield* leaving(source), [])
        assert.deepStrictEqual(yield* source.find("mail:1"), Option.none())
      })
    )

    it.scopedLive("an unfinished job that was removed is not found", () =>
      Effect.gen(function* () {
        const { mail, prefix, source } = yield* arranged
        const [removed, lost] = yield* Effect.promise(async () => [
          await mail.seed("waiting"),
          await mail.seed("delayed")
        ])
        yield* Effect.promise(async () => {
          await mail.bull.remove(removed ?? "")
          await mail.client.del(`${prefix}:mail:delayed`, `${prefix}:mail:${lost}`)
        })
        for (const id of [removed, lost]) assert.deepStrictEqual(yield* source.find(`mail:${id}`), Option.none())
        yield* Effect.promise(() => mail.seed("waiting"))
        assert.deepStrictEqual(yield* leaving(source), [])
      })
    )

    it.scopedLive("a scheduler's job leaves", () =>
      Effect.gen(function* () {
        const { mail, source } = yield* arranged
        const job = yield* Effect.promise(() => mail.bull.upsertJobScheduler("hourly", { every: 3_600_000 }))
        assert.deepStrictEqual(yield* leaving(source), [job?.id ?? ""])
      })
    )

    it.scopedLive("a job whose options can't be read any more leaves", () =>
      Effect.gen(function* () {
        const { mail, prefix, source } = yield* arranged
        const id = yield* Effect.promise(() => mail.seed("waiting"))
        // What a reading sees of a job that is removed between being listed and being asked.
        yield* Effect.promise(() => mail.client.del(`${prefix}:mail:${id}`))
        assert.deepStrictEqual(yield* leaving(source), [id])
      })
    )
  })

  /** In ten portions. */
  const many = process.env["MITHRANDIR_TEST_LONG"] ? 50_000 : 10_000

  it.scopedLive(`lists ${many} jobs`, () =>
    Effect.gen(function* () {
      const { mail, source } = yield* arranged
      yield* Effect.promise(async () => {
        for (let i = 0; i < 10; i += 1) {
          await mail.bull.addBulk(Array.from({ length: many / 10 }, () => ({ name: "job", data: {} })))
        }
      })
      // Once with every job's options to be read, and once with all of them known.
      for (const _ of ["unseen", "seen"]) assert.strictEqual((yield* listed(source)).length, many)
    })
  )
})
