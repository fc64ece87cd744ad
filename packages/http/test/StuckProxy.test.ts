/** What reaches the upstream of `/api/jobs/stuck`, and what comes back from it: real sockets on both sides. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { JobSource, Palantir } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import fc from "fast-check"
import { listener } from "../../core/test/support/listener.ts"
import { type Gate, Problem } from "../src/index.ts"
import { ask, assertProblem, raw } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { serveRaw } from "./support/serve.ts"

const canary = "c4nary-5318008"

/** Lets in who comes through a proxy with the token, as an embedder's gate may. */
const judge: Gate.Judge = ({ headers }) =>
  headers["authorization"] === `Bearer ${canary}`
    ? { _tag: "Admitted", principal: { actor: "ops", role: "viewer" } }
    : { _tag: "Rejected", problem: Problem.make("unauthenticated", { detail: "send a bearer token" }) }

/** A house before a Palantir at that url. */
const before = (url: string, token?: string) =>
  Effect.gen(function* () {
    const options = { url, ...(token === undefined ? {} : { token: Redacted.make(token) }) }
    const context = yield* Layer.build(Layer.provide(Palantir.layer(options), NodeHttpClient.layer))
    return yield* House.fresh({ judge, stuck: Context.get(context, JobSource.JobSource).stuck })
  })

const headers = { authorization: `Bearer ${canary}` }

/** Everything that says who is asking, or that somebody further up might believe. */
const telling = {
  Authorization: `Bearer ${canary}`,
  "Proxy-Authorization": `Basic ${canary}`,
  Cookie: `session=${canary}`,
  Ticket: canary,
  "X-Forwarded-For": canary,
  "X-Forwarded-Host": canary,
  "X-Real-IP": canary,
  Forwarded: `for=${canary}`,
  Via: canary,
  "X-Api-Key": canary,
  "User-Agent": canary,
  Referer: `http://127.0.0.1/${canary}`,
  Accept: `text/${canary}`,
  "Accept-Language": canary,
  "If-None-Match": `"${canary}"`,
  Range: "bytes=0-1",
  "Idempotency-Key": canary,
  "Last-Event-ID": canary,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
}

describe("the proxy of stuck jobs", () => {
  it.scopedLive("forwards no header of the client", () =>
    Effect.gen(function* () {
      const upstream = yield* listener((_, response) => response.end("[]"))
      const { port } = yield* before(upstream.url)
      const lines = Object.entries({ Host: `127.0.0.1:${port}`, Connection: "close", ...telling })
      const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
      const answer = yield* raw(port, `GET /api/jobs/stuck?queue=mail HTTP/1.1\r\n${text}\r\n`)
      assert.match(answer, /^HTTP\/1\.1 200 /)
      const [request] = upstream.requests
      assert.strictEqual(request?.url, "/api/v1/jobs/stuck?queue=mail")
      assert.notInclude(request?.rawHeaders.join("\n"), canary)
      const { accept, connection, host, traceparent, ...others } = request?.headers ?? {}
      assert.deepStrictEqual([accept, connection, host], ["application/json", "close", new URL(upstream.url).host])
      // A trace is ours to go on with; its id is a number and says nothing of who asks.
      const { b3, ...rest } = others
      assert.deepStrictEqual([rest, typeof traceparent, typeof b3], [{}, "string", "string"])
    })
  )

  it.scopedLive("shows who we are ourselves, whoever the client is", () =>
    Effect.gen(function* () {
      const upstream = yield* listener((_, response) => response.end("[]"))
      const house = yield* before(upstream.url, "s3cret")
      yield* ask(`${house.url}/api/jobs/stuck`, { headers })
      assert.deepStrictEqual(
        upstream.requests.map(({ headers }) => headers.authorization),
        ["Bearer s3cret"]
      )
    })
  )

  for (const status of [301, 302, 303, 307, 308]) {
    it.scopedLive(`neither follows a redirect (${status}) nor sends the client after it, and hands out no cookie`, () =>
      Effect.gen(function* () {
        const elsewhere = yield* listener((_, response) => response.end("secrets"))
        const upstream = yield* listener((_, response) => {
          response.writeHead(status, { location: elsewhere.url, "set-cookie": "a=b", "content-type": "text/plain" })
          response.end("gone")
        })
        const house = yield* before(upstream.url, "s3cret")
        const answer = yield* ask(`${house.url}/api/jobs/stuck`, { headers, redirect: "manual" })
        assert.deepStrictEqual([answer.status, answer.text], [status, "gone"])
        assert.deepStrictEqual([answer.headers.get("location"), answer.headers.get("set-cookie")], [null, null])
        assert.strictEqual(elsewhere.requests.length, 0)
      })
    )
  }

  it.scopedLive("passes on whatever it is told, or says that it can't; a mistake of ours it never makes of it", () =>
    Effect.gen(function* () {
      let said = Buffer.of()
      const url = yield* serveRaw((socket) => socket.once("data", () => socket.end(said)))
      const house = yield* before(url)
      const text = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1"))
      const told = fc.record({
        // A 407 is for proxies, and fetch takes it from nobody else.
        status: fc
          .oneof(fc.integer({ min: 200, max: 599 }), fc.integer({ min: 0, max: 1200 }))
          .filter((status) => status !== 407),
        type: fc.oneof(fc.constantFrom("text/html", "application/json", "event/stream", ""), text),
        body: fc.uint8Array({ maxLength: 100 })
      })
      const property = fc.asyncProperty(told, async ({ body, status, type }) => {
        const head = `HTTP/1.1 ${status} So\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`
        said = Buffer.concat([Buffer.from(head, "latin1"), body])
        const answer = await fetch(`${house.url}/api/jobs/stuck`, { headers, redirect: "manual" })
        const bytes = new Uint8Array(await answer.arrayBuffer())
        if (answer.headers.get("content-type") === "application/problem+json") {
          assert.include([502, 504], answer.status)
        } else {
          assert.strictEqual(answer.status, status)
          assert.deepStrictEqual(bytes, [204, 205, 304].includes(status) ? new Uint8Array() : body)
        }
      })
      const numRuns = process.env["MITHRANDIR_TEST_LONG"] === "1" ? 5_000 : 200
      yield* Effect.promise(() => fc.assert(property, { numRuns }))
    })
  )

  it.scopedLive("says that an upstream is not asked, and not where it is", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "address" }))
      const answer = yield* ask(`${house.url}/api/jobs/stuck`)
      assertProblem(answer, 502, "upstream-unreachable")
      assert.include(answer.json.detail, "never asked")
    })
  )
})
