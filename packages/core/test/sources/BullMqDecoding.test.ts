/** Whatever stands in a Redis under the keys of a queue: a value that fits, or a typed failure, in time. */
import { assert, it } from "@effect/vitest"
import { RedisConnection } from "bullmq"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { isJob, JobDetail } from "../../src/model/Job.ts"
import { JobCounts } from "../../src/model/JobView.ts"
import * as BullMq from "../../src/sources/BullMq.ts"
import { JobSource, Queue } from "../../src/sources/JobSource.ts"
import { notSupported } from "../support/calls.ts"
import { type Call, errorOf, holds, isLong } from "../support/properties.ts"
import { describeWithRedisServer, freePort, ownRedis } from "../support/redis.ts"
import { listed } from "./JobSourceSuite.ts"

/** Commands of Redis that put something under a key. */
type Write = readonly [command: string, key: string, ...rest: ReadonlyArray<string | Buffer>]

const isNothing = (value: unknown) => value === undefined

const calls: ReadonlyArray<Call> = [
  { name: "counts", call: ({ counts }) => counts, fits: Schema.is(JobCounts) },
  { name: "jobs", call: listed, fits: (value) => Array.isArray(value) && value.every(isJob) },
  {
    name: "find",
    call: ({ find }) => find("mail:1"),
    fits: (value) => Option.isOption(value) && (Option.isNone(value) || value.value instanceof JobDetail)
  },
  {
    name: "queue",
    call: ({ queue }) => queue?.("mail") ?? notSupported,
    fits: (value) => Option.isOption(value) && (Option.isNone(value) || value.value instanceof Queue)
  },
  { name: "retry", call: ({ actions }) => actions.retryJob?.("mail:1", "k") ?? notSupported, fits: isNothing },
  { name: "delete", call: ({ actions }) => actions.deleteJob?.("mail:2", "k") ?? notSupported, fits: isNothing },
  {
    name: "purge",
    call: ({ actions }) => actions.purgeQueue?.("mail", "k") ?? notSupported,
    fits: Schema.is(Schema.NonNegativeInt)
  }
]

const sets = ["wait", "paused", "active", "delayed", "prioritized", "waiting-children", "completed", "failed"]
const jobIds = ["1", "2", "repeat:x:1", "0:1"]
const others = ["meta", "id", "repeat", "events", "marker", "pc", "stalled", "1:dependencies", "1:lock", "repeat:x"]

/** What is where BullMQ has ids, numbers, names and JSON. */
const text: fc.Arbitrary<string | Buffer> = fc.oneof(
  { arbitrary: fc.constantFrom(...jobIds), weight: 4 },
  fc.constantFrom("", "0", "-1", "1.5", "1e300", "NaN", "9007199254740993", "x".repeat(600), "bull:mail:1", "mail:1"),
  fc.constantFrom(
    "{}",
    "[]",
    "null",
    '"x"',
    "{",
    '{"removeOnComplete":true}',
    '{"removeOnFail":{"count":-1,"age":"x"}}'
  ),
  fc.constantFrom("completed", "failed", "cleaned", "removed", "waiting"),
  fc.json(),
  fc.string({ unit: "binary" }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
)

const some = { minLength: 1, maxLength: 6 }
const field = fc.oneof(
  fc.constantFrom(
    "opts",
    "rjk",
    "deid",
    "atm",
    "ats",
    "attemptsMade",
    "data",
    "name",
    "timestamp",
    "parentKey",
    "parent"
  ),
  fc.constantFrom(
    "returnvalue",
    "failedReason",
    "stacktrace",
    "progress",
    "delay",
    "priority",
    "finishedOn",
    "event",
    "jobId"
  ),
  text
)
const pairs = fc.array(fc.tuple(field, text), some).map((all) => all.flat())
const score = fc.oneof(fc.integer().map(String), fc.constantFrom("inf", "-inf", "1.5", "0"))

const list = (key: string) => fc.array(text, some).map((items): Write => ["RPUSH", key, ...items])
const sorted = (key: string) =>
  fc.array(fc.tuple(score, text), some).map((items): Write => ["ZADD", key, ...items.flat()])
const hash = (key: string) => pairs.map((fields): Write => ["HSET", key, ...fields])
const stream = (key: string) => pairs.map((fields): Write => ["XADD", key, "*", ...fields])
const plain = (key: string) => text.map((value): Write => ["SET", key, value])
const unsorted = (key: string) => fc.array(text, some).map((items): Write => ["SADD", key, ...items])

/** What BullMQ has there, mostly; and anything else. */
const written = (key: string): fc.Arbitrary<Write> => {
  const usual =
    key === "events"
      ? stream
      : jobIds.includes(key) || key === "meta"
        ? hash
        : ["wait", "paused", "active"].includes(key)
          ? list
          : key === "id"
            ? plain
            : key.endsWith(":dependencies")
              ? unsorted
              : sorted
  return fc.oneof(
    { arbitrary: usual(key), weight: 100 },
    ...[list, sorted, hash, stream, plain, unsorted].map((kind) => kind(key))
  )
}

const writes = fc.array(fc.constantFrom(...sets, ...sets, ...jobIds, ...jobIds, "events", ...others).chain(written), {
  minLength: 1,
  maxLength: 12
})

describeWithRedisServer("whatever stands in Redis", () => {
  /** A source, and what puts things where it looks. */
  const arranged = Effect.gen(function* () {
    const { url } = yield* ownRedis(yield* Effect.promise(freePort))
    const redis = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const connection = new RedisConnection({ url }, { blocking: false })
        const client = await connection.client
        client.defineCommand("put", { numberOfKeys: 0, lua: "return redis.pcall(unpack(ARGV))" })
        return { connection, client }
      }),
      ({ connection }) => Effect.promise(() => connection.close())
    )
    const put = async (writes: ReadonlyArray<Write>) => {
      await redis.client.runCommand("put", ["FLUSHALL"])
      for (const [command, key, ...rest] of writes) {
        // One after the other may not fit to what is there already.
        await redis.client.runCommand("put", [command, `bull:mail:${key}`, ...rest]).catch(() => {})
      }
    }
    const layer = BullMq.layer({ url, queues: ["mail"], requestTimeout: "1 second" })
    return { put, source: Context.get(yield* Layer.build(layer), JobSource) }
  })

  it.scopedLive("every call gives a value that fits or a typed failure, and none hangs", () =>
    Effect.gen(function* () {
      const { put, source } = yield* arranged
      const succeeded = new Set<string>()
      const order = fc.shuffledSubarray([...calls], { minLength: calls.length })
      yield* holds(isLong ? 5_000 : 200, fc.tuple(writes, order), ([all, calls]) =>
        Effect.gen(function* () {
          yield* Effect.promise(() => put(all))
          for (const call of calls) {
            const error = yield* errorOf(source, call)
            if (error === undefined) succeeded.add(call.name)
            if (error?._tag === "SourceUnavailable") assert.strictEqual(error.reason, "status")
          }
        })
      )
      // They do not all fail before they get anywhere.
      for (const name of ["counts", "jobs", "find", "queue", "purge"]) assert.include([...succeeded], name)
    })
  )

  it.scopedLive("a job whose attempts are no number has none that are known", () =>
    Effect.gen(function* () {
      const { put, source } = yield* arranged
      for (const attempts of ["x", "-1", "1.5", "1e300", "NaN"]) {
        yield* Effect.promise(() =>
          put([
            ["RPUSH", "wait", "1"],
            ["HSET", "1", "atm", attempts]
          ])
        )
        assert.deepStrictEqual(
          { ...Option.getOrThrow(yield* source.find("mail:1")) },
          { id: "mail:1", queue: "mail", state: "waiting" }
        )
      }
    })
  )

  it.scopedLive("a job that BullMQ cannot read is not retried, for certain", () =>
    Effect.gen(function* () {
      const { put, source } = yield* arranged
      for (const field of ["opts", "data"]) {
        yield* Effect.promise(() =>
          put([
            ["ZADD", "failed", "1", "1"],
            ["HSET", "1", field, "{"]
          ])
        )
        assert.deepInclude(yield* Effect.flip(source.actions.retryJob?.("mail:1", "k") ?? notSupported), {
          _tag: "ActionRejected",
          problem: "BullMQ cannot read the job"
        })
      }
    })
  )
})
