/** The hand on the switch, over a real socket. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { JobSource, Palantir } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as fc from "fast-check"
import { type Faults, faultNames, names } from "../../src/sandbox/Faults.ts"
import * as Sandbox from "../../src/sandbox/Sandbox.ts"
import { read } from "../../src/sandbox/Switch.ts"
import { ask as askSwitch } from "./ask.ts"

const started = (faults: Faults = {}) =>
  Effect.gen(function* () {
    const running = yield* Layer.build(Sandbox.layer({ host: "127.0.0.1", port: 0, seed: 1, faults }))
    const { url } = Context.get(running, Sandbox.Sandbox)
    const source = yield* Layer.build(
      Layer.provide(Palantir.layer({ url, requestTimeout: "300 millis" }), NodeHttpClient.layer)
    )
    const ask = (method: string, body?: unknown, headers?: Readonly<Record<string, string>>) =>
      Effect.promise(() =>
        askSwitch(url, method, typeof body === "string" || body === undefined ? body : JSON.stringify(body), headers)
      )
    return { ask, url, source: Context.get(source, JobSource.JobSource) }
  })

describe("/faults", () => {
  it.scopedLive("tells what is set and what happens, and merges what it is given", () =>
    Effect.gen(function* () {
      const { ask } = yield* started({ vanish: Duration.minutes(2), down: Duration.minutes(3) })
      const before = yield* ask("GET")
      assert.strictEqual(before.status, 200)
      assert.strictEqual(before.type, "application/json")
      assert.deepStrictEqual(before.body, { set: { vanish: "2m", down: "3m" }, now: [] })
      const merged = yield* ask("POST", { vanish: "20s", down: "none", slowBy: "250ms" })
      assert.deepStrictEqual(merged.body, { set: { vanish: "20s", slowBy: "250ms" }, now: [] })
      const lying = yield* ask("POST", { now: "lie", for: "5s", slowBy: "none" })
      assert.deepStrictEqual(lying.body.set, { vanish: "20s" })
      assert.strictEqual(lying.body.done, "lies for 5s, its counts tell of 3 more failed jobs than it lists")
      const [now] = (yield* ask("GET")).body.now ?? []
      assert.strictEqual(now?.fault, "lie")
      assert.strictEqual(Date.parse(now?.until ?? "") - Date.parse(now?.since ?? ""), 5000)
    })
  )

  it.scopedLive("answers while everything else does not, and ends what it began", () =>
    Effect.gen(function* () {
      const { ask, source } = yield* started()
      for (const fault of ["down", "hang", "garbage"] as const) {
        assert.strictEqual((yield* ask("POST", { now: fault, for: "1h" })).status, 200)
        yield* Effect.flip(source.counts)
        assert.deepStrictEqual(
          (yield* ask("GET")).body.now?.map(({ fault }) => fault),
          [fault]
        )
        yield* ask("POST", { now: fault, for: "100ms" })
        yield* Effect.repeat(ask("GET"), { until: ({ body }) => body.now?.length === 0 })
        yield* Effect.retry(source.counts, { times: 20 })
      }
    })
  )

  it.scopedLive("a request that hangs is given up by the sandbox when the hanging ends, and never answered", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* started()
      yield* ask("POST", { now: "hang", for: "1h" })
      const hanging = yield* Effect.fork(
        Effect.tryPromise(() => fetch(`${url}/api/v1/jobs/counts`)).pipe(Effect.flip, Effect.timeout("10 seconds"))
      )
      yield* Effect.yieldNow()
      yield* ask("GET")
      yield* ask("POST", { now: "hang", for: "500ms" })
      assert.strictEqual((yield* hanging)._tag, "UnknownException")
    })
  )

  it.scopedLive("refuses what does not fit in a sentence, and changes nothing", () =>
    Effect.gen(function* () {
      const { ask } = yield* started()
      const cases: ReadonlyArray<readonly [body: unknown, says: RegExp]> = [
        ["", /^expected a JSON object/],
        ["{", /^expected a JSON object/],
        ["[]", /^expected a JSON object/],
        ["null", /^expected a JSON object/],
        [{ earthquake: "1s" }, /^"earthquake" is not known here; known: now, for, vanish, /],
        ['{"__proto__":"1s"}', /^"__proto__" is not known here/],
        [{ vanish: "1s", down: "soon" }, /^"down": expected a duration from 100ms to 24h.*, or "none"$/],
        [{ vanish: 20 }, /^"vanish": expected a duration/],
        [{ now: "earthquake" }, /^"now": expected one of vanish, /],
        [{ now: ["lie"] }, /^"now": expected one of/],
        [{ now: "lie", for: "none" }, /^"for": expected a duration/],
        [{ now: "lie", for: "25h" }, /^"for": expected a duration/],
        [{ for: "1s" }, /^"for" needs "now" beside it$/],
        [{ now: "revive", for: "1s" }, /^"for": revive happens in a moment, and does not last$/]
      ]
      for (const [body, says] of cases) {
        const answer = yield* ask("POST", body)
        assert.strictEqual(answer.status, 400, JSON.stringify(body))
        assert.match(answer.body.problem ?? "", says)
      }
      assert.strictEqual((yield* ask("DELETE")).status, 405)
      assert.strictEqual((yield* ask("POST", " ".repeat(20_000))).status, 413)
      assert.deepStrictEqual((yield* ask("GET")).body, { set: {}, now: [] })
    })
  )

  it.scopedLive("refuses what a web page of another origin could send, and other names for this machine", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* started()
      const down = { now: "down", for: "1h" }
      for (const [headers, status] of [
        [{ "content-type": "text/plain" }, 415],
        [{ "content-type": "application/x-www-form-urlencoded" }, 415],
        [{ origin: "http://evil.example" }, 403],
        [{ origin: "null" }, 403],
        [{ "sec-fetch-site": "cross-site" }, 403],
        [{ host: "evil.example" }, 421]
      ] as const) {
        assert.strictEqual((yield* ask("POST", down, headers)).status, status, JSON.stringify(headers))
      }
      assert.strictEqual((yield* ask("GET", undefined, { host: "evil.example" })).status, 421)
      assert.deepStrictEqual((yield* ask("GET")).body.now, [])
      // Its own pages, and other names that mean this very machine.
      assert.strictEqual((yield* ask("POST", {}, { origin: url })).status, 200)
      const { port } = new URL(url)
      assert.strictEqual((yield* ask("POST", {}, { host: `localhost:${port}` })).status, 200)
    })
  )
})

describe("read", () => {
  it("never throws, and takes every fault and every setting", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => Either.isEither(read(text))))
    for (const now of faultNames) assert.isTrue(Either.isRight(read(JSON.stringify({ now }))))
    const all = Object.fromEntries(names.map((name) => [name, "1s"]))
    assert.deepStrictEqual(
      Either.map(read(JSON.stringify(all)), ({ changes }) => Object.keys(changes)),
      Either.right([...names])
    )
  })
})
