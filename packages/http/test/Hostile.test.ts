/** What a client does that means no good, on a raw socket, and finds that it does nothing. */
import { assert, describe, it } from "@effect/vitest"
import { SecurityLog } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { ask, raw } from "./support/ask.ts"
import { dial, eventually, get } from "./support/dial.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

/** The security events that are written by now. */
const noted = (house: House.House) =>
  Effect.gen(function* () {
    const log = Context.get(house.context, SecurityLog.SecurityLog)
    yield* log.flush
    return (yield* log.page({ page: 1, limit: 200, sortOrder: "asc" })).data
  })

describe("streams that are asked for behind one another", () => {
  it.scopedLive("are no more than anybody may have, and end with their connection, those too that never began", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { streamsPerActor: 3 } })
      for (let round = 0; round < 3; round++) {
        const { received, socket } = yield* dial(house.port)
        socket.write(get("/reconciliation/stream").repeat(20))
        yield* eventually(Effect.sync(() => received().includes("event: stream.ready")))
        assert.strictEqual(yield* House.listeners(house), 3)
        socket.destroy()
        yield* eventually(Effect.map(House.listeners(house), (open) => open === 0))
      }
      const stream = yield* listen(`${house.url}/reconciliation/stream`)
      assert.strictEqual(stream.status, 200)
    })
  )

  it.scopedLive("end with the server, in good order", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { received, socket } = yield* dial(house.port)
      socket.write(get("/reconciliation/stream").repeat(5))
      yield* eventually(Effect.sync(() => received().includes("event: stream.ready")))
      const before = Date.now()
      yield* house.stop
      assert.isBelow(Date.now() - before, 4_000)
      yield* eventually(Effect.sync(() => socket.destroyed))
    })
  )
})

describe("clients that come and go", () => {
  const total = process.env["MITHRANDIR_TEST_LONG"] === "1" ? 5_000 : 200

  it.scopedLive(`leave nothing behind, ${total} of them, whenever they go`, () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const path = "/reconciliation/stream"
      const resources = () => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
      const visit = (n: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { received, socket } = yield* dial(house.port)
            // Before they say anything, in the middle of it, before there is an answer, or with the stream open.
            const stage = n % 4
            if (stage > 0) socket.write(stage === 1 ? get(path).slice(0, 20) : get(path))
            if (stage === 3) yield* eventually(Effect.sync(() => received().includes("stream.ready")))
          })
        )
      yield* Effect.forEach([1, 2, 3, 4], visit, { discard: true })
      yield* House.abandoned(house)
      const before = resources()
      yield* Effect.forEach(
        Array.from({ length: total }, (_, n) => n),
        visit,
        { concurrency: 100, discard: true }
      )
      yield* House.abandoned(house)
      yield* eventually(Effect.sync(() => resources() <= before))
      assert.strictEqual((yield* listen(`${house.url}${path}`)).status, 200)
    })
  )
})

describe("a stream that was opened for want of tokens", () => {
  it.scopedLive("ends once there is one, like everything else that nobody showed one for", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const stream = yield* listen(`${house.url}/reconciliation/stream`)
      assert.strictEqual(stream.status, 200)
      yield* House.token(house, "admin")
      yield* stream.ended
      assert.strictEqual(yield* House.listeners(house), 0)
    })
  )
})

describe("what a proxy adds", () => {
  const forwarded = "X-Forwarded-For: 192.0.2.7\r\n"

  it.scopedLive("is seen behind however many headers", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const answer = yield* raw(
        house.port,
        get("/reconciliation/status", `Connection: close\r\n${"a:\r\n".repeat(2_500)}${forwarded}`)
      )
      assert.match(answer, /^HTTP\/1\.1 403 /)
    })
  )

  it.scopedLive("is no better for coming twice, and nothing else is", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const once = (more: string) =>
        Effect.map(raw(house.port, get("/reconciliation/status", `Connection: close\r\n${more}`)), (answer) =>
          Number(answer.slice(9, 12))
        )
      assert.strictEqual(yield* once(""), 200)
      assert.strictEqual(yield* once("Host: localhost\r\n"), 421)
      for (const name of ["Via", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Client-IP", "CF-Connecting-IP"]) {
        assert.strictEqual(yield* once(`${name}: x\r\n`), 403, name)
      }
      const { text } = yield* House.token(house, "viewer")
      const header = `Authorization: Bearer ${text}\r\n`
      assert.strictEqual(yield* once(header), 200)
      assert.strictEqual(yield* once(header + header), 401)
    })
  )
})

describe("a path", () => {
  it.scopedLive("is written in one way", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const status = (path: string) =>
        Effect.map(raw(house.port, get(path, "Connection: close\r\n")), (answer) => Number(answer.slice(9, 12)))
      assert.strictEqual(yield* status("/reconciliation/audit?target=%61;b"), 200)
      assert.strictEqual(yield* status("/commands/a%3Ab"), 404)
      for (const path of [
        "/reconciliation/%61udit",
        "/reconciliation/audi%74",
        "/reconciliation/audit;x=1",
        "/health/live;/security/tokens",
        "/reconciliation/audit#x",
        "/commands/a%2db",
        "/commands/a%2E%7e%5fb",
        "http://localhost/reconciliation/audit",
        "http://evil.example/reconciliation/audit"
      ]) {
        assert.include([400, 404], yield* status(path), path)
      }
    })
  )

  it.scopedLive("is noted without what may be a secret in it", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { id, text } = yield* House.token(house, "viewer")
      const secret = text.slice(-43)
      for (const path of [
        `/commands/${text}`,
        `/x;token=${text}`,
        `/reconciliation/audit#${text}`,
        `/reconciliation/stream;ticket=hunter2`,
        `/reconciliation/stream?ticket=hunter2`,
        "http://user:hunter2@localhost/reconciliation/audit"
      ]) {
        yield* raw(house.port, get(path, "Connection: close\r\n"))
      }
      const requests = (yield* noted(house)).map(({ request }) => request)
      assert.notInclude(JSON.stringify(requests), secret)
      assert.notInclude(JSON.stringify(requests), "hunter2")
      for (const request of [`GET /commands/mth_${id}_…`, "GET /x", "GET /reconciliation/stream", "GET (no path)"]) {
        assert.include(requests, request)
      }
    })
  )
})

describe("too many of something", () => {
  it.scopedLive("are on the record by who asked for them, streams and tickets too", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { streamsPerActor: 1 } })
      const { viewer } = yield* House.credentials(house)
      const [stream, ticket] = ["/reconciliation/stream", "/reconciliation/stream/ticket"]
      yield* listen(`${house.url}${stream}`, { headers: viewer })
      const refused = yield* listen(`${house.url}${stream}`, { headers: viewer })
      assert.strictEqual(refused.status, 429)
      for (let n = 0; n < 101; n++) yield* ask(`${house.url}${ticket}`, { method: "POST", headers: viewer })
      const events = (yield* noted(house)).map(({ actor, kind, request }) => [kind, actor, request])
      assert.deepInclude(events, ["too-many-streams", "viewer", `GET ${stream}`])
      assert.deepInclude(events, ["too-many-tickets", "viewer", `POST ${ticket}`])
    })
  )
})

describe("what is refused before there is a request", () => {
  it.scopedLive("says to browsers what every answer says", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ origins: ["https://dash.example"] })
      const preflight = `OPTIONS /commands/run HTTP/1.1\r\nHost: localhost\r\nOrigin: https://dash.example\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n`
      for (const [status, request] of [
        [400, "NOT HTTP\r\n\r\n"],
        [431, get("/", `a: ${"x".repeat(20_000)}\r\n`)],
        [405, "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        [417, get("/health/live", "Expect: nothing\r\n")],
        [204, preflight]
      ] as const) {
        const answer = (yield* raw(house.port, request)).toLowerCase()
        assert.include(answer, `http/1.1 ${status} `)
        for (const header of [
          "cache-control: no-store",
          "content-security-policy: default-src 'none'",
          "cross-origin-resource-policy: same-origin",
          "referrer-policy: no-referrer",
          "x-content-type-options: nosniff",
          "x-frame-options: deny"
        ]) {
          assert.include(answer, header, `${status}`)
        }
      }
    })
  )
})
