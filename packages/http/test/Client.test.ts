import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { type Event, JobSource } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Api, Client } from "../src/index.ts"
import { command } from "./support/ask.ts"
import { clientOf, strangerOf } from "./support/client.ts"
import * as House from "./support/house.ts"
import { serveProxy, serveRaw } from "./support/serve.ts"

/** The route that each member speaks. What is left out does not compile. */
const routes: Readonly<Record<keyof Client.Client, string>> = {
  submit: "POST /commands/run",
  preview: "POST /commands/run",
  run: "POST /commands/run",
  command: "GET /commands/:commandId",
  reconcile: "POST /reconciliation/run",
  status: "GET /reconciliation/status",
  audit: "GET /reconciliation/audit",
  auditEntry: "GET /reconciliation/audit/:id",
  auditEntries: "GET /reconciliation/audit/export",
  auditCheckpoint: "GET /reconciliation/audit/checkpoint",
  discrepancies: "GET /reconciliation/discrepancies",
  services: "GET /services/registered",
  stuck: "GET /api/jobs/stuck",
  subscribe: "GET /reconciliation/stream",
  streamTicket: "POST /reconciliation/stream/ticket",
  securityEvents: "GET /security/events",
  tokens: "GET /security/tokens",
  createToken: "POST /security/tokens",
  revokeToken: "DELETE /security/tokens/:id",
  live: "GET /health/live",
  ready: "GET /health/ready",
  document: "GET /openapi.json"
}

/** Every route that there is. */
const declared: Array<string> = []
HttpApi.reflect(Api.Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint }) => declared.push(`${endpoint.method} ${endpoint.path}`)
})

const collect = () => {
  const told: Array<Event.CommandStatus> = []
  return { told, tell: (status: Event.CommandStatus) => Effect.sync(() => void told.push(status)) }
}

describe("Client", () => {
  it("has a member for every route", () => {
    assert.deepStrictEqual(Array.from(new Set(Object.values(routes))).sort(), [...declared].sort())
  })

  it.scopedLive("speaks every route", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const asked = new Set<string>()
      const note = ({ method, url }: { readonly method: string; readonly url: string }) => {
        const path = new URL(url).pathname
        // A path without parameters is meant, where one with parameters would also fit.
        const fits = (route: string) =>
          new RegExp(`^${route.replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+")}$`).test(`${method} ${path}`)
        asked.add(declared.find((route) => route === `${method} ${path}`) ?? declared.find(fits) ?? `${method} ${path}`)
      }
      const client = yield* clientOf(house.url, {}, note)
      assert.deepStrictEqual(Object.keys(client).sort(), Object.keys(routes).sort())
      yield* house.control.put({ id: "j1" })
      yield* client.live
      yield* client.ready
      assert.deepStrictEqual(
        (yield* client.services).map(({ id }) => id),
        ["alpha", "beta"]
      )
      assert.deepStrictEqual(
        (yield* client.reconcile({ service: "alpha" })).map(({ status }) => status),
        ["verified"]
      )
      assert.deepStrictEqual(
        (yield* client.status).map(({ service }) => service),
        ["alpha"]
      )
      const submitted = command({ target: "none" })
      assert.deepStrictEqual(yield* client.submit(submitted), {
        commandId: submitted.commandId,
        service: "alpha",
        phase: "queued",
        replayed: false
      })
      const request = command()
      const { told, tell } = collect()
      const state = yield* client.run(request, tell)
      assert.deepStrictEqual([state.phase, state.outcome, state.verified], ["success", "success", true])
      assert.deepStrictEqual(
        told.map(({ phase }) => phase),
        ["queued", "running", "success"]
      )
      assert.strictEqual((yield* client.command(request.commandId)).phase, "success")
      const page = yield* client.audit({ target: "j1" })
      assert.deepStrictEqual([page.meta.total, page.data[0]?.id], [1, request.commandId])
      assert.deepStrictEqual(yield* client.auditEntry(request.commandId), page.data[0])
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(client.auditEntries({ target: "j1" }))), page.data)
      assert.strictEqual((yield* Effect.flip(client.auditCheckpoint))._tag, "AuditCheckpointNotFound")
      assert.deepStrictEqual((yield* client.discrepancies({ service: "alpha", limit: 10 })).meta.limit, 10)
      assert.strictEqual((yield* client.stuck({ service: "alpha" })).status, 200)
      assert.strictEqual((yield* client.document)["openapi"], "3.1.0")
      assert.strictEqual((yield* Stream.runHead(client.subscribe()))._tag, "Some")
      assert.isAbove((yield* client.streamTicket).ticket.length, 20)
      // From the first token on nobody is let in without one.
      const { text, token } = yield* client.createToken({ actor: "root", role: "admin" })
      assert.strictEqual(yield* Effect.flip(client.tokens).pipe(Effect.map(({ _tag }) => _tag)), "Problem")
      const admin = yield* clientOf(house.url, { token: text }, note)
      assert.deepStrictEqual(yield* admin.tokens, [token])
      const expiresAt = DateTime.unsafeMake("2099-01-01T00:00:00Z")
      const other = yield* admin.createToken({ actor: "viewer", role: "viewer", expiresAt })
      assert.deepStrictEqual([other.token.createdBy, other.token.expiresAt], ["root", expiresAt])
      assert.notInclude(JSON.stringify(other), Redacted.value(other.text))
      assert.isNotNull((yield* admin.revokeToken(other.token.id)).revokedAt)
      assert.strictEqual((yield* Effect.flip(admin.revokeToken("0".repeat(16))))._tag, "TokenNotFound")
      assert.deepStrictEqual((yield* admin.securityEvents({ actor: "root" })).data.map(({ kind }) => kind).sort(), [
        "token-created",
        "token-revoked"
      ])
      assert.deepStrictEqual(Array.from(asked).sort(), [...declared].sort())
    })
  )

  it.scopedLive("gives an upstream's word on stuck jobs as it is, and our own problems as problems", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      let answer: JobSource.RawAnswer = { status: 418, contentType: undefined, body: new Uint8Array() }
      const house = yield* House.fresh({
        bothStuck: true,
        stuck: (query) => {
          asked.push(query)
          return Effect.succeed(answer)
        }
      })
      const client = yield* clientOf(house.url)
      const stuck = client.stuck({ service: "alpha", a: ["1", "2"], b: "ü" })
      assert.deepStrictEqual(yield* stuck, answer)
      assert.deepStrictEqual(asked, ["a=1&a=2&b=%C3%BC"])
      // No text: these bytes are no UTF-8.
      answer = { status: 200, contentType: "image/png", body: Uint8Array.of(0x89, 0x50, 0xff, 0) }
      assert.deepStrictEqual(yield* stuck, answer)
      const body = Buffer.from('{"type":"about:blank","title":"T","status":503,"code":"busy"}')
      answer = { status: 503, contentType: "application/problem+json", body: new Uint8Array(body) }
      assert.deepStrictEqual(yield* stuck, answer)
      const unsaid = yield* Effect.flip(client.stuck())
      assert.deepStrictEqual([unsaid._tag, unsaid._tag === "Problem" && unsaid.code], ["Problem", "service-required"])
    })
  )

  it.scopedLive("previews a command without a trace, and waits for one where it is told to", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      // With a slash at the end, as people write urls.
      const client = yield* clientOf(`${house.url}/`)
      yield* house.control.put({ id: "j1" })
      const request = command()
      const preview = yield* client.preview(request)
      assert.deepStrictEqual([preview.precondition, preview.dryRun], [{ met: true }, true])
      assert.strictEqual((yield* Effect.flip(client.command(request.commandId)))._tag, "CommandNotFound")
      assert.strictEqual((yield* Effect.flip(client.auditEntry(request.commandId)))._tag, "AuditEntryNotFound")
      const ended = yield* client.submit(request, { wait: "20 seconds" })
      assert.deepStrictEqual(ended, { ...(yield* client.command(request.commandId)), replayed: false })
      assert.deepStrictEqual([ended.phase, "outcome" in ended && ended.outcome], ["success", "success"])
      const again = yield* client.submit(request)
      assert.deepStrictEqual(Object.keys(again).sort(), ["commandId", "phase", "replayed", "service"])
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "timeout" }))
      const slow = yield* Effect.flip(client.preview(command()))
      assert.deepStrictEqual([slow._tag, slow._tag === "Problem" && slow.code], ["Problem", "upstream-timeout"])
    })
  )

  it.scopedLive("sends its token to its own origin, wherever it is redirected to", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const elsewhere = yield* serveRaw((socket) =>
        socket.on("data", (data) => {
          heard.push(String(data).toLowerCase())
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        })
      )
      const asked: Array<string> = []
      const url = yield* serveRaw((socket) =>
        socket.on("data", (data) => {
          asked.push(...(/^authorization: .*$/im.exec(String(data)) ?? []))
          socket.end(`HTTP/1.1 307 Moved\r\nLocation: ${elsewhere}/health/live\r\nContent-Length: 0\r\n\r\n`)
        })
      )
      const token = Redacted.make("s3cret")
      for (const layer of [NodeHttpClient.layer, FetchHttpClient.layer]) {
        const client = yield* Effect.provide(Client.make(url, { token }), layer)
        const error = yield* Effect.flip(client.live)
        assert.strictEqual(error._tag, "AnswerInvalid")
        assert.notInclude(JSON.stringify(error) + String(error), "s3cret")
        yield* Stream.runDrain(client.subscribe()).pipe(Effect.flip)
      }
      assert.deepStrictEqual(
        asked.map((line) => line.toLowerCase()),
        Array.from({ length: 4 }, () => "authorization: bearer s3cret")
      )
      assert.deepStrictEqual(
        heard.filter((request) => request.includes("authorization")),
        []
      )
    })
  )

  it.scopedLive("gives problems back as the errors they were", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ checks: [{ name: "x", check: Effect.fail({ message: "not yet" }) }] })
      const client = yield* clientOf(house.url)
      const unknown = yield* Effect.flip(client.reconcile({ service: "gamma" }))
      assert.deepStrictEqual(
        [unknown._tag, unknown.message],
        ["ServiceNotFound", 'no service "gamma" is registered; known: alpha, beta']
      )
      assert.strictEqual((yield* Effect.flip(client.submit(command({ actionType: "explode" }))))._tag, "ActionNotFound")
      assert.strictEqual((yield* Effect.flip(client.submit(command({ params: { a: 1 } }))))._tag, "CommandInvalid")
      assert.strictEqual((yield* Effect.flip(client.command("never")))._tag, "CommandNotFound")
      const unready = yield* Effect.flip(client.ready)
      assert.strictEqual(unready._tag, "Problem")
      if (unready._tag === "Problem") {
        assert.deepStrictEqual([unready.code, unready.status], ["not-ready", 503])
        assert.include(unready.message, "not yet")
      }
      const run = yield* Effect.flip(client.run(command({ service: "gamma" }), () => Effect.die("nothing runs")))
      assert.strictEqual(run._tag, "ServiceNotFound")
    })
  )

  it.scopedLive("says of what was too much when to come back", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { commandsPerMinute: 1 } })
      const client = yield* clientOf(house.url)
      yield* client.submit(command({ target: "none" }))
      const refused = yield* Effect.flip(client.submit(command({ target: "none" })))
      assert.deepInclude(refused, { _tag: "Problem", code: "too-many-commands", status: 429 })
      const seconds = refused._tag === "Problem" ? (refused.retryAfter ?? 0) : 0
      assert.isTrue(seconds > 30 && seconds <= 60, `${seconds}`)
    })
  )

  it.scopedLive("tells a server that was never reached from an answer that was lost", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      yield* house.stop
      assert.strictEqual((yield* Effect.flip(client.live))._tag, "ServerUnreachable")
      assert.strictEqual((yield* Effect.flip(client.run(command(), () => Effect.void)))._tag, "ServerUnreachable")
      const rude = yield* serveRaw((socket) => socket.on("data", () => socket.destroy()))
      assert.strictEqual((yield* Effect.flip((yield* strangerOf(rude)).live))._tag, "AnswerLost")
      const other = yield* serveRaw((socket) =>
        socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
      )
      assert.strictEqual((yield* Effect.flip((yield* strangerOf(other)).live))._tag, "AnswerInvalid")
    })
  )

  it.scopedLive("says of a command that had ended before that it had, and tells its last phase alone", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const client = yield* clientOf(house.url)
      yield* house.control.put({ id: "j1" })
      const request = command()
      let endedBefore = 0
      const count = Effect.sync(() => void endedBefore++)
      yield* client.run(request, () => Effect.void, count)
      assert.strictEqual(endedBefore, 0)
      const { told, tell } = collect()
      assert.strictEqual((yield* client.run(request, tell, count)).phase, "success")
      assert.deepStrictEqual([endedBefore, told.map(({ phase }) => phase)], [1, ["success"]])
    })
  )

  const html = (status: number) => new Response("<html>", { status, headers: { "content-type": "text/html" } })
  const problem = (code: string, status: number, more: object = {}, headers: Record<string, string> = {}) =>
    Response.json(
      { type: `urn:mithrandir:problem:${code}`, title: "T", status, code, ...more },
      { status, headers: { "content-type": "application/problem+json", ...headers } }
    )
  const tooMany = (code: string, retryAfter: number) =>
    problem(code, 429, { retryAfter }, { "retry-after": `${retryAfter}` })
  const accepted = (request: { readonly commandId: string }) =>
    Response.json({ commandId: request.commandId, service: "alpha", phase: "queued", replayed: false }, { status: 202 })

  /** A server behind a gateway, which says what it likes; what became of a run, half a minute later. */
  const runBehind = (answer: (method: string, request: { readonly commandId: string }, nth: number) => Response) =>
    Effect.gen(function* () {
      const request = command()
      let asked = 0
      const gateway = HttpClient.make((sent) =>
        Effect.sync(() => {
          const isLive = sent.url.endsWith("/health/live")
          return HttpClientResponse.fromWeb(
            sent,
            isLive ? Response.json({ status: "live" }) : answer(sent.method, request, asked++)
          )
        })
      )
      const client = yield* Effect.provideService(Client.make("http://gate"), HttpClient.HttpClient, gateway)
      const fiber = yield* Effect.fork(Effect.flip(client.run(request, () => Effect.void)))
      yield* TestClock.adjust("1 minute")
      return { error: yield* Fiber.join(fiber), asked }
    })

  it.effect.each([
    ["a gateway's 502 to the command", () => html(502)],
    ["a 200 that is no answer of ours", () => html(200)],
    ["a problem that we had with it", () => problem("internal-error", 500)],
    ["a database that could not be read", () => problem("store-unreadable", 503)],
    [
      "a refusal of somebody else, after an answer that was lost",
      (_: string, __: unknown, nth: number) => (nth === 0 ? html(502) : problem("not-local", 403))
    ],
    [
      "a gateway's 502 to every look-up",
      (method: string, request: { readonly commandId: string }) => (method === "GET" ? html(502) : accepted(request))
    ],
    [
      "a database that no look-up can read",
      (method: string, request: { readonly commandId: string }) =>
        method === "GET" ? problem("store-unreadable", 503) : accepted(request)
    ],
    [
      "a look-up that is refused",
      (method: string, request: { readonly commandId: string }) =>
        method === "GET" ? problem("misdirected-request", 421) : accepted(request)
    ]
  ] as const)("what may have arrived is asked after again, and is never said to have failed: %s", ([_, answer]) =>
    Effect.gen(function* () {
      const { asked, error } = yield* runBehind(answer)
      assert.strictEqual(error._tag, "AnswerLost")
      assert.isAbove(asked, 50)
    })
  )

  it.effect("what a gateway turned away, or does not fit, is not tried again", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* runBehind(() => html(418)), { asked: 1 })
      const refused = yield* runBehind(() => problem("not-local", 403))
      assert.deepStrictEqual([refused.error._tag, refused.asked], ["Problem", 1])
      const taken = (request: { readonly commandId: string }) =>
        Response.json(
          { type: "t", title: "T", status: 422, code: "command-id-taken", commandId: request.commandId },
          { status: 422, headers: { "content-type": "application/problem+json" } }
        )
      const late = yield* runBehind((_, request, nth) => (nth === 0 ? html(502) : taken(request)))
      assert.deepStrictEqual([late.error._tag, late.asked], ["CommandIdTaken", 2])
    })
  )

  it.effect("told to come back later, a run does, with the same id, and looks at the state meanwhile", () =>
    Effect.gen(function* () {
      const request = command()
      const posts: Array<{ readonly at: number; readonly commandId: string }> = []
      const state = (phase: string) =>
        Response.json({
          ...{ ...request, phase, logs: [], createdAt: "2026-01-31T12:00:00.000Z" },
          ...(phase === "success" ? { outcome: "success", endedAt: "2026-01-31T12:00:01.000Z" } : {})
        })
      const answers = [
        () => tooMany("too-many-commands", 7),
        () => accepted(request),
        // The stream of its phases.
        () => tooMany("too-many-streams", 5),
        () => new Response("", { headers: { "content-type": "text/event-stream" } })
      ]
      const server = HttpClient.make((sent) =>
        Effect.gen(function* () {
          const at = yield* Clock.currentTimeMillis
          const answer = () => {
            if (sent.url.endsWith("/health/live")) return Response.json({ status: "live" })
            if (sent.method === "GET") return state(posts.length < 4 ? "running" : "success")
            assert.strictEqual(sent.body._tag, "Uint8Array")
            const body = sent.body._tag === "Uint8Array" ? Buffer.from(sent.body.body).toString() : ""
            posts.push({ at, commandId: JSON.parse(body).commandId })
            return answers[posts.length - 1]?.() ?? html(500)
          }
          return HttpClientResponse.fromWeb(sent, answer())
        })
      )
      const client = yield* Effect.provideService(Client.make("http://server"), HttpClient.HttpClient, server)
      const { told, tell } = collect()
      const fiber = yield* Effect.fork(client.run(request, tell))
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(
        told.map(({ phase }) => phase),
        ["running"]
      )
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).phase, "success")
      const { commandId } = request
      assert.deepStrictEqual(
        posts,
        [0, 7_000, 7_000, 12_000].map((at) => ({ at, commandId }))
      )
    })
  )

  it.effect("told to come back later than its patience lasts, a run fails with that", () =>
    Effect.gen(function* () {
      const late = yield* runBehind(() => tooMany("too-many-commands", 31))
      assert.deepStrictEqual([late.error._tag, late.asked], ["Problem", 1])
      assert.strictEqual(late.error._tag === "Problem" && late.error.retryAfter, 31)
      const again = yield* runBehind(() => tooMany("too-many-commands", 20))
      assert.deepStrictEqual([again.error._tag, again.asked], ["Problem", 2])
      // Once it may have arrived nobody can say that it did not.
      const lost = yield* runBehind((_, __, nth) => (nth === 0 ? html(502) : tooMany("too-many-commands", 20)))
      assert.deepStrictEqual([lost.error._tag, lost.asked], ["AnswerLost", 3])
    })
  )

  it.scopedLive("sends no command to who is no Mithrandir", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const other = yield* serveRaw((socket) =>
        socket.on("data", (data) => {
          heard.push(String(data).slice(0, 4))
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        })
      )
      const error = yield* Effect.flip((yield* strangerOf(other)).run(command(), () => Effect.void))
      assert.deepStrictEqual([error._tag, heard], ["AnswerInvalid", ["GET "]])
      assert.include(error.message, "is not a Mithrandir server")
    })
  )

  it.scopedLive("follows a command over connections that break, and has it run once", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const proxy = yield* serveProxy(house.port)
      const client = yield* clientOf(proxy.url)
      yield* house.control.put({ id: "j1" })
      const arrived = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      yield* house.control.hook("action", Effect.zipRight(Deferred.succeed(arrived, undefined), Deferred.await(gate)))
      const running = yield* Deferred.make<void>()
      const { told, tell } = collect()
      const fiber = yield* Effect.fork(
        client.run(command(), (status) =>
          Effect.zipRight(tell(status), status.phase === "running" ? Deferred.succeed(running, undefined) : Effect.void)
        )
      )
      yield* Deferred.await(arrived)
      yield* Deferred.await(running)
      yield* proxy.cut
      yield* Deferred.succeed(gate, undefined)
      const state = yield* Fiber.join(fiber)
      assert.strictEqual(state.phase, "success")
      assert.deepStrictEqual(
        told.map(({ phase }) => phase),
        ["queued", "running", "success"]
      )
      assert.strictEqual(yield* house.control.calls, 1)
    })
  )
})
