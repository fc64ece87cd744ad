/** What the Palantir source makes of an upstream that misbehaves, on a real socket. `PalantirMatrix` has the rest. */
import type { RequestListener, ServerResponse } from "node:http"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { JobSource, type ReadError } from "../../src/sources/JobSource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import { actions, notSupported, reads, told } from "../support/calls.ts"
import { listener } from "../support/listener.ts"
import { freePort } from "../support/redis.ts"
import { listed } from "./JobSourceSuite.ts"

const sourceAt = (options: Palantir.Options) =>
  Effect.map(Layer.build(Layer.provide(Palantir.layer(options), NodeHttpClient.layer)), Context.get(JobSource))

const json =
  (body: unknown, status = 200): RequestListener =>
  (_, response) =>
    send(response, typeof body === "string" ? body : JSON.stringify(body), status)

const send = (response: ServerResponse, body: string, status = 200) => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(body)
}

/** A wrong body, and what is wrong with it. */
const counts = (change: object) => ({
  counts: { waiting: 1, active: 0, delayed: 0, completed: 0, failed: 0, ...change }
})
const line = (id: string, change: object = {}) => ({ id, queue: "mail", state: "waiting", ...change })

describe("Palantir, misbehaving", () => {
  it.scopedLive("a host that does not exist, or none of whose addresses anybody is at: no connection", () =>
    Effect.gen(function* () {
      for (const host of ["palantir.invalid", `localhost:${yield* Effect.promise(freePort)}`]) {
        const source = yield* sourceAt({ url: `http://${host}` })
        for (const call of [...reads(source), ...actions(source)]) {
          assert.deepStrictEqual(yield* told(call), { tag: "SourceUnavailable", reason: "connect" })
        }
      }
    })
  )

  it.scopedLive("a server that speaks no TLS, and one that breaks off its greeting, may have heard us", () =>
    Effect.gen(function* () {
      const plain = yield* listener(json("{}"))
      const short = yield* listener(() => {})
      short.server.on("connection", (socket) => socket.once("data", () => socket.destroy()))
      for (const { url } of [plain, short]) {
        const source = yield* sourceAt({ url: url.replace("http:", "https:") })
        for (const call of [...reads(source), ...actions(source)]) {
          assert.deepStrictEqual(yield* told(call), { tag: "SourceUnavailable", reason: "reset" })
        }
      }
    })
  )

  it.scopedLive("status 404: nothing to be found, no target to act on", () =>
    Effect.gen(function* () {
      const { url } = yield* listener(json("", 404))
      const source = yield* sourceAt({ url })
      assert.deepStrictEqual(yield* source.find("job"), Option.none())
      assert.deepStrictEqual(yield* source.queue?.("mail") ?? notSupported, Option.none())
      assert.deepStrictEqual(yield* source.worker?.("mailer") ?? notSupported, Option.none())
      for (const call of actions(source)) assert.deepStrictEqual(yield* told(call), { tag: "TargetNotFound" })
    })
  )

  it.scopedLive("answers that do not parse, or parse to something else, are invalid", () =>
    Effect.gen(function* () {
      const bodies = ["", "{", "<html>", "null", "[]", "{}", '"ok"', "[".repeat(100_000), '{"counts":[],"data":{}}']
      for (const body of bodies) {
        const { url } = yield* listener(json(body))
        const source = yield* sourceAt({ url })
        const [retry, , purge] = actions(source)
        for (const call of [...reads(source), retry ?? notSupported, purge ?? notSupported]) {
          assert.deepStrictEqual(yield* told(call), { tag: "SourceInvalid" })
        }
      }
    })
  )

  it.scopedLive("counts that no system can have are invalid", () =>
    Effect.gen(function* () {
      for (const wrong of [-1, 1.5, 1e300, 2 ** 53, "1", null, true]) {
        const { url } = yield* listener(json(counts({ active: wrong })))
        assert.deepStrictEqual(yield* told((yield* sourceAt({ url })).counts), { tag: "SourceInvalid" })
      }
      const { url } = yield* listener(json(counts({ paused: 3 })))
      assert.strictEqual((yield* (yield* sourceAt({ url })).counts).waiting, 1)
    })
  )

  it.scopedLive("listings that no system can have are invalid", () =>
    Effect.gen(function* () {
      for (const page of [
        { data: [line("a"), line("a")], nextCursor: null },
        { data: [line("a", { state: "zombie" })], nextCursor: null },
        { data: [line("")], nextCursor: null },
        { data: [line("\ud800")], nextCursor: null },
        { data: [line("a", { queue: "\udfff" })], nextCursor: null },
        { data: [line("x".repeat(513))], nextCursor: null },
        { data: [line("a", { queue: 7 })], nextCursor: null },
        { data: Array.from({ length: 1001 }, (_, i) => line(`${i}`)), nextCursor: null },
        { data: [line("a")], nextCursor: 7 },
        { data: [line("a")] },
        // The same page again, for ever.
        { data: [line("a")], nextCursor: "again" },
        { data: [], nextCursor: "more" }
      ]) {
        const { url } = yield* listener(json(page))
        assert.deepStrictEqual(yield* told(listed(yield* sourceAt({ url }))), { tag: "SourceInvalid" })
      }
    })
  )

  it.live(
    "a listing that has ever new pages ends as invalid",
    () =>
      Effect.gen(function* () {
        let page = 0
        const endless = HttpClient.make((request) =>
          Effect.sync(() => {
            page += 1
            const body = JSON.stringify({ data: [line(`${page}`)], nextCursor: `${page}` })
            return HttpClientResponse.fromWeb(request, new Response(body))
          })
        )
        // Ten thousand pages take a while.
        const maxPages = process.env["MITHRANDIR_TEST_LONG"] ? undefined : { maxPages: 200 }
        const context = yield* Layer.build(
          Layer.provide(
            Palantir.layer({ url: "http://endless", ...maxPages }),
            Layer.succeed(HttpClient.HttpClient, endless)
          )
        )
        const jobs = Context.get(context, JobSource).jobs ?? Stream.die("it lists nothing")
        assert.deepStrictEqual(yield* told(Stream.runDrain(jobs)), { tag: "SourceInvalid" })
        assert.strictEqual(page, maxPages?.maxPages ?? Palantir.maxPages)
      }).pipe(Effect.scoped),
    90_000
  )

  it.scopedLive("the token goes to its own origin, whatever stands in an id, a name or a query", () =>
    Effect.gen(function* () {
      const elsewhere = yield* listener(json("", 404))
      const here = yield* listener(json("", 404))
      const source = yield* sourceAt({ url: here.url, token: Redacted.make("s3cret") })
      const { host } = new URL(elsewhere.url)
      const texts = [
        elsewhere.url,
        `//${host}`,
        `@${host}`,
        `\\\\${host}/`,
        `../..//${host}`,
        `\r\nHost: ${host}`,
        `:80@${host}#`
      ]
      for (const text of texts) {
        const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          source.find(text),
          source.queue?.(text) ?? notSupported,
          source.actions.retryJob?.(text, "key") ?? notSupported,
          source.stuck?.(text) ?? notSupported,
          source.stuck?.(`q=1 ${text}`) ?? notSupported
        ]
        for (const call of calls) yield* Effect.exit(call)
      }
      assert.strictEqual(elsewhere.requests.length, 0)
      assert.isAbove(here.requests.length, texts.length)
      for (const { headers } of here.requests) {
        assert.deepInclude(headers, { host: new URL(here.url).host, authorization: "Bearer s3cret" })
      }
    })
  )

  it.scopedLive("errors carry no secret", () =>
    Effect.gen(function* () {
      const { url } = yield* listener((request, response) =>
        request.url?.includes("counts") ? send(response, '{"counts":"s3cret"}') : void request.socket.destroy()
      )
      const source = yield* sourceAt({ url, token: Redacted.make("s3cret") })
      const closed = yield* sourceAt({ url: "http://127.0.0.1:1", token: Redacted.make("s3cret") })
      const impossible = yield* sourceAt({ url, token: Redacted.make("s3cret\n") })
      const calls: ReadonlyArray<Effect.Effect<unknown, ReadError>> = [
        source.counts,
        source.find("job"),
        closed.counts,
        impossible.counts
      ]
      for (const call of calls) {
        const error = yield* Effect.flip(call)
        assert.notInclude(`${String(error)} ${JSON.stringify(error)} ${error.stack}`, "s3cret")
        assert.isUndefined(error.cause)
      }
    })
  )

  it.scopedLive("asks the paths of the contract under its base path, with the key", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* listener(json("", 404))
      const source = yield* sourceAt({ url: `${url}/base/` })
      yield* Effect.all([...reads(source), source.ping, ...actions(source)].map(Effect.exit))
      yield* Effect.exit(source.find("a/b%c?d#e f"))
      yield* Effect.exit(source.stuck?.("queue=a&x=#1") ?? notSupported)
      assert.deepStrictEqual(
        requests.map(({ method, url }) => `${method} ${url}`),
        [
          "GET /base/api/v1/jobs/counts",
          "GET /base/api/v1/jobs?limit=1000",
          "GET /base/api/v1/jobs/job",
          "GET /base/api/v1/queues/mail",
          "GET /base/api/v1/services/mailer",
          "GET /base/api/v1/health",
          "POST /base/api/v1/jobs/job/retry",
          "DELETE /base/api/v1/jobs/job",
          "POST /base/api/v1/queues/mail/purge",
          "POST /base/api/v1/services/mailer/restart",
          "GET /base/api/v1/jobs/a%2Fb%25c%3Fd%23e%20f",
          "GET /base/api/v1/jobs/stuck?queue=a&x=%231"
        ]
      )
      for (const { headers, method } of requests) {
        assert.strictEqual(headers["idempotency-key"], method === "GET" ? undefined : "key")
        assert.isUndefined(headers.authorization)
      }
    })
  )

  it.scopedLive("a name and password in the url are refused: urls are shown and traced", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(sourceAt({ url: "http://me:s3cret@127.0.0.1" }))
      assert.strictEqual(refused._tag, "UrlRefused")
      assert.notInclude(`${refused} ${JSON.stringify(refused)}`, "s3cret")
    })
  )

  it.scopedLive("what it says of stuck jobs is passed through as it comes", () =>
    Effect.gen(function* () {
      const { url } = yield* listener((_, response) => {
        response.writeHead(503, { "content-type": "text/plain; charset=latin1" })
        response.end(Buffer.from([0xff, 0x00, 0x41]))
      })
      const answer = yield* (yield* sourceAt({ url })).stuck?.("") ?? notSupported
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.contentType, "text/plain; charset=latin1")
      assert.deepStrictEqual([...answer.body], [0xff, 0x00, 0x41])
    })
  )

  it.scopedLive("an answer that quotes a token goes no further, however it quotes it", () =>
    Effect.gen(function* () {
      const secret = `s3cret/"<&+`
      let body = ""
      let contentType = "application/json"
      const { url } = yield* listener((_, response) =>
        response.writeHead(200, { "content-type": contentType }).end(body)
      )
      const source = yield* sourceAt({ url, token: Redacted.make(secret) })
      const refused = { tag: "SourceInvalid" }
      for (const quote of [
        secret,
        JSON.stringify(secret).slice(1, -1),
        JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
        encodeURIComponent(secret),
        secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
        Buffer.from(secret).toString("base64")
      ]) {
        body = JSON.stringify({ data: [line("job")], nextCursor: null, error: "QUOTE" }).replace("QUOTE", () => quote)
        for (const read of [listed(source), source.find("job"), source.ping, source.stuck?.("") ?? notSupported]) {
          assert.deepStrictEqual(yield* told(read), refused, quote)
        }
      }
      body = JSON.stringify({ data: [line("job")], nextCursor: null })
      assert.strictEqual((yield* listed(source)).length, 1)
      contentType = `text/plain; for=${secret}`
      assert.deepStrictEqual(yield* told(source.stuck?.("") ?? notSupported), refused)
    })
  )

  it.scopedLive("whether an action was applied is not in doubt because its answer quotes a token", () =>
    Effect.gen(function* () {
      let status = 409
      const { url } = yield* listener((_, response) =>
        send(response, '{"purged":1,"seen":"Bearer s3cret-s3cret"}', status)
      )
      const source = yield* sourceAt({ url, token: Redacted.make("s3cret-s3cret") })
      const purge = source.actions.purgeQueue?.("mail", "key") ?? notSupported
      assert.deepStrictEqual(yield* told(purge), { tag: "ActionRejected", status: 409 })
      status = 200
      assert.strictEqual(yield* purge, 1)
    })
  )

  it.scopedLive("a token that is hardly one is not looked for: it would be found in ordinary words", () =>
    Effect.gen(function* () {
      const { url } = yield* listener(json(counts({})))
      assert.strictEqual((yield* (yield* sourceAt({ url, token: Redacted.make("waiting") })).counts).waiting, 1)
    })
  )
})
