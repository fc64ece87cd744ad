/** What the Palantir source makes of an upstream that misbehaves, on a real socket. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
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
import { type ActionError, JobSource, maxAnswerBytes, type ReadError, type Shape } from "../../src/sources/JobSource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import { freePort } from "../support/redis.ts"
import { listed } from "./JobSourceSuite.ts"

/** A bare server on loopback; gives its url and what it was asked. */
const serve = (answer: RequestListener) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly requests: Array<IncomingMessage>; readonly close: () => void }>(
      (resume) => {
        const requests: Array<IncomingMessage> = []
        const server = createServer((request, response) => {
          requests.push(request)
          answer(request, response)
        })
        const close = () => {
          server.close()
          server.closeAllConnections()
        }
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" ? address?.port : undefined
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, requests, close }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

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

const reason = <A>(call: Effect.Effect<A, ReadError | ActionError>) =>
  Effect.map(Effect.flip(call), (error) => ({
    tag: error._tag,
    ...("reason" in error ? { reason: error.reason } : {}),
    ...("status" in error && error.status !== undefined ? { status: error.status } : {})
  }))

const noAction = Effect.die("the source does not support it")
const actions = (source: Shape): ReadonlyArray<Effect.Effect<unknown, ActionError>> => [
  source.actions.retryJob?.("job", "key") ?? noAction,
  source.actions.deleteJob?.("job", "key") ?? noAction,
  source.actions.purgeQueue?.("mail", "key") ?? noAction,
  source.actions.restartService?.("mailer", "key") ?? noAction
]
const reads = (source: Shape): ReadonlyArray<Effect.Effect<unknown, ReadError>> => [
  source.counts,
  listed(source),
  source.find("job"),
  source.queue?.("mail") ?? noAction,
  source.worker?.("mailer") ?? noAction,
  source.ping
]

/** A wrong body, and what is wrong with it. */
const counts = (change: object) => ({
  counts: { waiting: 1, active: 0, delayed: 0, completed: 0, failed: 0, ...change }
})
const line = (id: string, change: object = {}) => ({ id, queue: "mail", state: "waiting", ...change })

describe("Palantir, misbehaving", () => {
  it.scopedLive("a port nobody listens on: no connection, nothing applied", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      for (const host of ["127.0.0.1", "localhost"]) {
        const source = yield* sourceAt({ url: `http://${host}:${port}` })
        for (const call of [...reads(source), ...actions(source), source.stuck?.("") ?? noAction]) {
          assert.deepStrictEqual(yield* reason(call), { tag: "SourceUnavailable", reason: "connect" })
        }
      }
    })
  )

  it.scopedLive("a host that does not exist: no connection", () =>
    Effect.gen(function* () {
      const source = yield* sourceAt({ url: "http://palantir.invalid" })
      assert.deepStrictEqual(yield* reason(source.counts), { tag: "SourceUnavailable", reason: "connect" })
    })
  )

  it.scopedLive("silence, and a body that drips without end, end at the deadline", () =>
    Effect.gen(function* () {
      const silent = yield* serve(() => {})
      const dripping = yield* serve((_, response) => {
        response.writeHead(200, { "content-type": "application/json" })
        const drip = setInterval(() => response.write(" "), 5)
        response.on("close", () => clearInterval(drip))
      })
      for (const { url } of [silent, dripping]) {
        const source = yield* sourceAt({ url, requestTimeout: "60 millis" })
        for (const call of [...reads(source), ...actions(source), source.stuck?.("") ?? noAction]) {
          assert.deepStrictEqual(yield* reason(call), { tag: "SourceUnavailable", reason: "timeout" })
        }
      }
    })
  )

  it.scopedLive("a connection that breaks after the request was sent is not mistaken for none", () =>
    Effect.gen(function* () {
      const before = yield* serve((request) => void request.socket.destroy())
      const during = yield* serve((request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" })
        response.write('{"counts":', () => request.socket.destroy())
      })
      for (const { url } of [before, during]) {
        const source = yield* sourceAt({ url })
        for (const call of [...reads(source), ...actions(source)]) {
          assert.deepStrictEqual(yield* reason(call), { tag: "SourceUnavailable", reason: "reset" })
        }
      }
    })
  )

  interface Told {
    readonly tag: string
    readonly reason?: string
    readonly status?: number
  }
  const statuses: ReadonlyArray<readonly [status: number, reading: Told, acting: Told]> = [
    [400, { tag: "SourceUnavailable", reason: "status", status: 400 }, { tag: "ActionRejected", status: 400 }],
    [401, { tag: "SourceUnavailable", reason: "denied" }, { tag: "ActionRejected", status: 401 }],
    [403, { tag: "SourceUnavailable", reason: "denied" }, { tag: "ActionRejected", status: 403 }],
    [409, { tag: "SourceUnavailable", reason: "status", status: 409 }, { tag: "ActionRejected", status: 409 }],
    [422, { tag: "SourceUnavailable", reason: "status", status: 422 }, { tag: "ActionRejected", status: 422 }],
    [429, { tag: "SourceUnavailable", reason: "limited" }, { tag: "ActionRejected", status: 429 }],
    ...[300, 302, 304, 307, 410, 418, 500, 502, 503, 599].map((status) => {
      const same = { tag: "SourceUnavailable", reason: "status", status }
      return [status, same, same] as const
    })
  ]
  for (const [status, reading, acting] of statuses) {
    it.scopedLive(`status ${status}`, () =>
      Effect.gen(function* () {
        const { url } = yield* serve((_, response) => send(response, "", status))
        const source = yield* sourceAt({ url })
        for (const call of reads(source)) assert.deepStrictEqual<Told>(yield* reason(call), reading)
        for (const call of actions(source)) assert.deepStrictEqual<Told>(yield* reason(call), acting)
        assert.strictEqual((yield* source.stuck?.("") ?? noAction).status, status)
      })
    )
  }

  it.scopedLive("status 404: nothing to be found, no target to act on", () =>
    Effect.gen(function* () {
      const { url } = yield* serve(json("", 404))
      const source = yield* sourceAt({ url })
      assert.deepStrictEqual(yield* source.find("job"), Option.none())
      assert.deepStrictEqual(yield* source.queue?.("mail") ?? noAction, Option.none())
      assert.deepStrictEqual(yield* source.worker?.("mailer") ?? noAction, Option.none())
      for (const call of actions(source)) assert.deepStrictEqual(yield* reason(call), { tag: "TargetNotFound" })
    })
  )

  it.scopedLive("answers that do not parse, or parse to something else, are invalid", () =>
    Effect.gen(function* () {
      const bodies = ["", "{", "<html>", "null", "[]", "{}", '"ok"', "[".repeat(100_000), '{"counts":[],"data":{}}']
      for (const body of bodies) {
        const { url } = yield* serve(json(body))
        const source = yield* sourceAt({ url })
        const [retry, , purge] = actions(source)
        for (const call of [...reads(source).slice(0, 5), retry ?? noAction, purge ?? noAction]) {
          assert.deepStrictEqual(yield* reason(call), { tag: "SourceInvalid" })
        }
      }
    })
  )

  it.scopedLive("counts that no system can have are invalid", () =>
    Effect.gen(function* () {
      for (const wrong of [-1, 1.5, 1e300, 2 ** 53, "1", null, true]) {
        const { url } = yield* serve(json(counts({ active: wrong })))
        assert.deepStrictEqual(yield* reason((yield* sourceAt({ url })).counts), { tag: "SourceInvalid" })
      }
      const { url } = yield* serve(json(counts({ paused: 3 })))
      assert.strictEqual((yield* (yield* sourceAt({ url })).counts).waiting, 1)
    })
  )

  it.scopedLive("listings that no system can have are invalid", () =>
    Effect.gen(function* () {
      for (const page of [
        { data: [line("a"), line("a")], nextCursor: null },
        { data: [line("a", { state: "zombie" })], nextCursor: null },
        { data: [line("")], nextCursor: null },
        { data: [line("x".repeat(513))], nextCursor: null },
        { data: [line("a", { queue: 7 })], nextCursor: null },
        { data: Array.from({ length: 1001 }, (_, i) => line(`${i}`)), nextCursor: null },
        { data: [line("a")], nextCursor: 7 },
        { data: [line("a")] },
        // The same page again, for ever.
        { data: [line("a")], nextCursor: "again" },
        { data: [], nextCursor: "more" }
      ]) {
        const { url } = yield* serve(json(page))
        assert.deepStrictEqual(yield* reason(listed(yield* sourceAt({ url }))), { tag: "SourceInvalid" })
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
        assert.deepStrictEqual(yield* reason(Stream.runDrain(jobs)), { tag: "SourceInvalid" })
        assert.strictEqual(page, maxPages?.maxPages ?? Palantir.maxPages)
      }).pipe(Effect.scoped),
    90_000
  )

  it.scopedLive("a body beyond the cap is invalid, and is not read on", () =>
    Effect.gen(function* () {
      let sent = 0
      const { url } = yield* serve((_, response) => {
        response.writeHead(200, { "content-type": "application/json" })
        const chunk = Buffer.alloc(1024 * 1024, " ")
        const pour = (): void => {
          sent += chunk.length
          response.write(chunk, (error) => (error ? undefined : pour()))
        }
        pour()
      })
      const source = yield* sourceAt({ url, requestTimeout: "20 seconds" })
      assert.deepStrictEqual(yield* reason(source.counts), { tag: "SourceInvalid" })
      assert.deepStrictEqual(yield* reason(source.stuck?.("") ?? noAction), { tag: "SourceInvalid" })
      // What the sockets hold beside the two caps.
      assert.isBelow(sent, 3 * maxAnswerBytes)
    })
  )

  for (const status of [301, 302, 303, 307, 308]) {
    it.scopedLive(`a redirect (${status}) is not followed, and the token goes nowhere else`, () =>
      Effect.gen(function* () {
        const elsewhere = yield* serve(json(counts({})))
        const here = yield* serve(({ url }, response) => {
          response.writeHead(status, { location: `${elsewhere.url}${url}` })
          response.end()
        })
        const source = yield* sourceAt({ url: here.url, token: Redacted.make("s3cret") })
        for (const call of [...reads(source), ...actions(source)]) {
          assert.deepStrictEqual(yield* reason(call), { tag: "SourceUnavailable", reason: "status", status })
        }
        // Passed through as any answer is, but not where it points to.
        const stuck = yield* source.stuck?.("") ?? noAction
        assert.deepStrictEqual([stuck.status, stuck.body.length], [status, 0])
        assert.strictEqual(here.requests.length, reads(source).length + actions(source).length + 1)
        for (const { headers } of here.requests) assert.strictEqual(headers.authorization, "Bearer s3cret")
        assert.strictEqual(elsewhere.requests.length, 0)
      })
    )
  }

  it.scopedLive("the token goes to its own origin, whatever stands in an id, a name or a query", () =>
    Effect.gen(function* () {
      const elsewhere = yield* serve(json("", 404))
      const here = yield* serve(json("", 404))
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
          source.queue?.(text) ?? noAction,
          source.actions.retryJob?.(text, "key") ?? noAction,
          source.stuck?.(text) ?? noAction,
          source.stuck?.(`q=1 ${text}`) ?? noAction
        ]
        for (const call of calls) yield* Effect.exit(call)
      }
      assert.strictEqual(elsewhere.requests.length, 0)
      assert.isAbove(here.requests.length, texts.length)
      for (const { headers } of here.requests) assert.strictEqual(headers.host, new URL(here.url).host)
    })
  )

  it.scopedLive("errors carry no secret", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((request, response) =>
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
      const { requests, url } = yield* serve(json("", 404))
      const source = yield* sourceAt({ url: `${url}/base/` })
      yield* Effect.all([...reads(source), ...actions(source)].map(Effect.exit))
      yield* Effect.exit(source.find("a/b%c?d#e f"))
      yield* Effect.exit(source.stuck?.("queue=a&x=#1") ?? noAction)
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
      const { url } = yield* serve((_, response) => {
        response.writeHead(503, { "content-type": "text/plain; charset=latin1" })
        response.end(Buffer.from([0xff, 0x00, 0x41]))
      })
      const answer = yield* (yield* sourceAt({ url })).stuck?.("") ?? noAction
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
      const { url } = yield* serve((_, response) => response.writeHead(200, { "content-type": contentType }).end(body))
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
        for (const read of [listed(source), source.find("job"), source.ping, source.stuck?.("") ?? noAction]) {
          assert.deepStrictEqual(yield* reason<unknown>(read), refused, quote)
        }
      }
      body = JSON.stringify({ data: [line("job")], nextCursor: null })
      assert.strictEqual((yield* listed(source)).length, 1)
      contentType = `text/plain; for=${secret}`
      assert.deepStrictEqual(yield* reason(source.stuck?.("") ?? noAction), refused)
    })
  )

  it.scopedLive("whether an action was applied is not in doubt because its answer quotes a token", () =>
    Effect.gen(function* () {
      let status = 409
      const { url } = yield* serve((_, response) =>
        send(response, '{"purged":1,"seen":"Bearer s3cret-s3cret"}', status)
      )
      const source = yield* sourceAt({ url, token: Redacted.make("s3cret-s3cret") })
      const purge = source.actions.purgeQueue?.("mail", "key") ?? noAction
      assert.deepStrictEqual(yield* reason(purge), { tag: "ActionRejected", status: 409 })
      status = 200
      assert.strictEqual(yield* purge, 1)
    })
  )

  it.scopedLive("a token that is hardly one is not looked for: it would be found in ordinary words", () =>
    Effect.gen(function* () {
      const { url } = yield* serve(json(counts({})))
      assert.strictEqual((yield* (yield* sourceAt({ url, token: Redacted.make("waiting") })).counts).waiting, 1)
    })
  )
})
