/** Whatever a Palantir says, on a real socket: a value that fits, or a typed failure, in time. */
import { createServer, type ServerResponse } from "node:http"
import { type AddressInfo, createServer as createRawServer } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { isJob, type Job, JobDetail, type JobState, jobStates } from "../../src/model/Job.ts"
import { JobCounts, tally } from "../../src/model/JobView.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import * as Foreign from "../../src/sources/Foreign.ts"
import { JobSource, Queue, Worker } from "../../src/sources/JobSource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import { notSupported } from "../support/calls.ts"
import { layerHouse, makeFile } from "../support/house.ts"
import { type Call, errorOf, holds, isLong } from "../support/properties.ts"
import { listed } from "./JobSourceSuite.ts"

const numRuns = isLong ? 5_000 : 200

const requestTimeout = "1 second"

const counts = { waiting: 1, active: 0, delayed: 0, completed: 2, failed: 0 }
const job = { id: "job", queue: "mail", state: "failed", attempts: 2, updatedAt: "2025-01-01T00:00:00Z" }

/** A call, and an answer that fits it. */
interface Answered extends Call {
  readonly status: number
  readonly body?: unknown
}

const isCount = Schema.is(Schema.NonNegativeInt)
const optional =
  (fits: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Option.isOption(value) && (Option.isNone(value) || fits(value.value))
const isNothing = (value: unknown) => value === undefined || typeof value === "object"

const calls: ReadonlyArray<Answered> = [
  { name: "counts", call: ({ counts }) => counts, status: 200, body: { counts }, fits: Schema.is(JobCounts) },
  {
    name: "jobs",
    call: listed,
    status: 200,
    body: { data: [job, { ...job, id: "other", state: "waiting" }], nextCursor: null },
    fits: (value) => Array.isArray(value) && value.every(isJob)
  },
  {
    name: "job",
    call: ({ find }) => find("job"),
    status: 200,
    body: job,
    fits: optional((found) => found instanceof JobDetail && found.id === "job" && isJob(found))
  },
  {
    name: "queue",
    call: ({ queue }) => queue?.("mail") ?? notSupported,
    status: 200,
    body: { name: "mail", counts },
    fits: optional((found) => found instanceof Queue && Schema.is(JobCounts)(found.counts))
  },
  {
    name: "service",
    call: ({ worker }) => worker?.("mailer") ?? notSupported,
    status: 200,
    body: { name: "mailer", instanceId: "mailer-1", startedAt: 0 },
    fits: optional((found) => found instanceof Worker && found.instanceId.length > 0)
  },
  { name: "health", call: ({ ping }) => ping, status: 200, body: { status: "ok" }, fits: isNothing },
  {
    name: "stuck",
    call: ({ stuck }) => stuck?.("") ?? notSupported,
    status: 200,
    body: { data: [] },
    fits: (value) => typeof value === "object" && value !== null && "body" in value && value.body instanceof Uint8Array
  },
  {
    name: "retry",
    call: ({ actions }) => actions.retryJob?.("job", "key") ?? notSupported,
    status: 200,
    body: job,
    fits: isNothing
  },
  {
    name: "delete",
    call: ({ actions }) => actions.deleteJob?.("job", "key") ?? notSupported,
    status: 204,
    fits: isNothing
  },
  {
    name: "purge",
    call: ({ actions }) => actions.purgeQueue?.("mail", "key") ?? notSupported,
    status: 200,
    body: { purged: 3 },
    fits: isCount
  },
  {
    name: "restart",
    call: ({ actions }) => actions.restartService?.("mailer", "key") ?? notSupported,
    status: 202,
    body: { name: "mailer", instanceId: "mailer-2" },
    fits: isNothing
  }
]

/** What was answered, and to which call. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What programs choke on. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", 0, -0, -1, 1.5, 1e300, 2 ** 53, [], {}, "\0", "\ud800", "__proto__", "NaN"),
  fc.constantFrom<unknown>("x".repeat(513), "x".repeat(100_000), Array(2_000).fill(0), { toString: null }),
  fc.string({ unit: "binary" }),
  fc.jsonValue({ maxDepth: 3 })
)

/** The same with something of it changed, taken away, added, or there twice. */
const mutated = (valid: unknown): fc.Arbitrary<unknown> => {
  if (typeof valid !== "object" || valid === null) return odd
  const entries = Object.entries(valid)
  const rebuilt = (changed: ReadonlyArray<readonly [string, unknown]>): unknown =>
    Array.isArray(valid) ? changed.map(([, value]) => value) : Object.fromEntries(changed)
  const key = entries.length === 0 ? [] : [fc.constantFrom(...entries.keys())]
  const withOne = key.flatMap((at) => [
    at.chain((i) =>
      mutated(entries[i]?.[1]).map((value) => rebuilt(entries.map(([k, v], j) => [k, i === j ? value : v])))
    ),
    at.map((i) => rebuilt(entries.filter((_, j) => i !== j))),
    at.map((i) => rebuilt([...entries, ...entries.slice(i, i + 1)]))
  ])
  const added = fc
    .tuple(fc.oneof(fc.constantFrom("__proto__", "id", "data", ""), fc.string()), odd)
    .map((entry) => rebuilt([...entries, entry]))
  return fc.oneof(odd, added, ...withOne)
}

/** JSON as it should be, but for some bytes of it. */
const scratched = (valid: string): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.tuple(fc.nat({ max: valid.length }), fc.constantFrom("cut", "put", "turn"), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4
    })
    .map((scratches) => {
      let bytes = Buffer.from(valid)
      for (const [at, how, byte] of scratches) {
        if (how === "cut") bytes = bytes.subarray(0, at)
        else if (how === "put") bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)])
        else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + 1)])
      }
      return bytes
    })

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value) ?? "")

const bodyFor = ({ body }: Answered): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    { arbitrary: mutated(body).map(bytesOf), weight: 4 },
    scratched(JSON.stringify(body) ?? "")
  )

const answerTo = (call: Answered): fc.Arbitrary<Answer> =>
  fc.record({
    status: fc.oneof(
      { arbitrary: fc.constant(call.status), weight: 6 },
      fc.constantFrom(200, 202, 204, 404, 409, 429),
      fc.integer({ min: 200, max: 999 })
    ),
    headers: fc.oneof(
      { arbitrary: fc.constant({ "content-type": "application/json" }), weight: 3 },
      fc.dictionary(
        fc.constantFrom("content-type", "content-encoding", "retry-after", "location", "set-cookie", "x-y"),
        fc.oneof(
          fc.string({ unit: "grapheme-ascii" }),
          fc.constantFrom("gzip", "text/html", "application/json; charset=utf-16")
        )
      )
    ),
    body: bodyFor(call)
  })

const callAndAnswer: fc.Arbitrary<readonly [Answered, Answer]> = fc
  .constantFrom(...calls)
  .chain((call) => answerTo(call).map((answer) => [call, answer] as const))

const listening = (server: ReturnType<typeof createRawServer>) =>
  Effect.gen(function* () {
    yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
    yield* Effect.addFinalizer(() => Effect.sync(() => void server.close()))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

const sourceAt = (url: string) =>
  Effect.map(
    Layer.build(Layer.provide(Palantir.layer({ url, requestTimeout, maxPages: 3 }), NodeHttpClient.layer)),
    Context.get(JobSource)
  )

const decisive = [400, 401, 403, 404, 409, 422, 429]

describe("whatever a Palantir answers", () => {
  it("fits, where nothing is wrong with it", () =>
    Effect.gen(function* () {
      let of: Answered | undefined
      const server = createServer((_, response) => {
        response.writeHead(of?.status ?? 500).end(of?.body === undefined ? "" : JSON.stringify(of.body))
      })
      const source = yield* sourceAt(yield* listening(server))
      for (const call of calls) {
        of = call
        assert.isUndefined(yield* errorOf(source, call), call.name)
      }
    }).pipe(Effect.scoped, Effect.runPromise))

  it.scopedLive("it is a value that fits or a typed failure, and an action is refused by a decisive status alone", () =>
    Effect.gen(function* () {
      let answer: Answer | undefined
      const server = createServer((_, response) => give(response, answer))
      const source = yield* sourceAt(yield* listening(server))
      yield* holds(numRuns, callAndAnswer, ([call, next]) =>
        Effect.gen(function* () {
          answer = next
          const error = yield* errorOf(source, call)
          if (error?._tag === "TargetNotFound" || error?._tag === "ActionRejected") {
            assert.include(decisive, next.status)
          }
        })
      )
    })
  )

  it.scopedLive("it is a typed failure where it is hardly HTTP, and nothing is said to be certain that is not", () =>
    Effect.gen(function* () {
      let bytes: Uint8Array = Buffer.of()
      const server = createRawServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.end(bytes))
      })
      const source = yield* sourceAt(yield* listening(server))
      const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"purged": 1}'
      const onTheWire = fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        scratched(head),
        scratched(head.replace("content-length: 13", "transfer-encoding: chunked"))
      )
      yield* holds(numRuns, fc.tuple(fc.constantFrom(...calls), onTheWire), ([call, next]) =>
        Effect.gen(function* () {
          bytes = next
          const error = yield* errorOf(source, call)
          // It was heard.
          if (error?._tag === "SourceUnavailable") assert.notInclude(["connect", "address"], error.reason)
        })
      )
    })
  )
})

const give = (response: ServerResponse, answer: Answer | undefined) => {
  if (answer === undefined) return void response.end()
  try {
    response.writeHead(answer.status, answer.headers)
  } catch {
    response.writeHead(answer.status)
  }
  response.end(answer.body)
}

describe("whatever a Palantir lists", () => {
  /** A house over what is listed at the time, and the answer to its passes. */
  const listing = Effect.gen(function* () {
    let jobs: ReadonlyArray<Job> = []
    const server = createServer(({ url = "" }, response) => {
      const body = url.includes("/counts") ? { counts: tally(jobs) } : { data: jobs, nextCursor: null }
      response.end(JSON.stringify(body))
    })
    const source = Layer.orDie(Palantir.layer({ url: yield* listening(server), requestTimeout: "10 seconds" }))
    const definition = {
      id: "palantir",
      type: "palantir",
      source: Layer.provide(source, NodeHttpClient.layer),
      settle: 0
    }
    const list = (now: ReadonlyArray<Job>) => {
      jobs = now
    }
    return { list, house: (file: string) => Layer.fresh(layerHouse(file, [definition])) }
  })
  const oddIds = [
    "\ud800",
    "\udfff",
    "\ufffd",
    "a\0b",
    "a\0c",
    "__proto__",
    "constructor",
    "e\u0301",
    "\u00e9",
    "'",
    " ",
    "\u2028"
  ]

  it.scopedLive("passes end as they should, and a second one finds the same", () =>
    Effect.gen(function* () {
      const { house, list } = yield* listing
      const reconciler = Context.get(yield* Layer.build(house(yield* makeFile)), Reconciler)
      const text = (maxLength: number) =>
        fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength }), fc.constantFrom(...oddIds))
      const jobs = fc.uniqueArray(
        fc.record({ id: text(512), queue: text(256), state: fc.constantFrom<JobState>(...jobStates) }),
        { selector: ({ id }) => id, maxLength: 20 }
      )
      yield* holds(isLong ? 1_000 : 15, jobs, (next) =>
        Effect.gen(function* () {
          list(next)
          const [first] = yield* reconciler.run({ acceptAs: "tester" })
          const [second] = yield* reconciler.run({})
          for (const update of [first, second]) assert.notInclude(update?.message ?? "", Foreign.thrown)
          assert.strictEqual(second?.status, first?.status === "stale" ? "stale" : "verified")
        }).pipe(Effect.orDie)
      )
    })
  )

  it.scopedLive("it is known again after a restart", () =>
    Effect.gen(function* () {
      const { house, list } = yield* listing
      const file = yield* makeFile
      list(oddIds.filter((id) => !/\p{Surrogate}/u.test(id)).map((id) => ({ id, queue: id, state: "waiting" })))
      const pass = Effect.flatMap(Reconciler, (reconciler) => reconciler.run({})).pipe(
        Effect.provide(house(file)),
        Effect.scoped
      )
      for (let time = 0; time < 2; time += 1) assert.strictEqual((yield* pass)[0]?.status, "verified")
      assert.isUndefined((yield* pass)[0]?.rebaselined)
    })
  )
})
