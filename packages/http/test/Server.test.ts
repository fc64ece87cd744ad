import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type Gate, Problem, Server } from "../src/index.ts"
import { ask, assertProblem, command, post, raw } from "./support/ask.ts"
import { clientOf } from "./support/client.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

/** How long something took, in real milliseconds. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timedWith(effect, Clock.currentTimeNanos), ([duration]) => Duration.toMillis(duration))

describe("Server", () => {
  it("listens on 127.0.0.1:4410 unless told otherwise", () => {
    assert.deepStrictEqual([Server.defaultHost, Server.defaultPort], ["127.0.0.1", 4410])
  })

  it.scopedLive("gives its actual address", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      assert.isAbove(house.port, 0)
      assert.strictEqual(house.url, `http://127.0.0.1:${house.port}`)
      assert.strictEqual((yield* ask(`${house.url}/health/live`)).status, 200)
    })
  )

  it.scopedLive("listens on IPv6 loopback, and on localhost", () =>
    Effect.gen(function* () {
      for (const host of ["::1", "localhost"]) {
        const house = yield* House.fresh({ host })
        assert.strictEqual((yield* ask(`${house.url}/health/live`)).status, 200)
      }
    })
  )

  it.scopedLive("an address that is taken is said by name", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const error = yield* Effect.flip(House.fresh({ port: house.port }))
      assert.strictEqual(error._tag, "AddressInUse")
      assert.include(error.message, `127.0.0.1:${house.port}`)
    })
  )

  it.scopedLive("an address that cannot be had is said with the system's reason", () =>
    Effect.gen(function* () {
      // A loopback address by its form, and none by its value.
      const error = yield* Effect.flip(House.fresh({ host: "127.0.0.999" }))
      assert.strictEqual(error._tag, "CannotListen")
      assert.match(error.message, /^cannot listen on 127\.0\.0\.999:0 \(E[A-Z_]+\)(: .*)?$/)
    })
  )

  it.scopedLive("refuses to listen elsewhere than on loopback", () =>
    Effect.gen(function* () {
      for (const host of ["0.0.0.0", "::", "192.168.0.1", "example.com"]) {
        const error = yield* Effect.flip(House.fresh({ host }))
        assert.strictEqual(error._tag, "HostNotLoopback")
        assert.include(error.message, host)
      }
    })
  )

  it.scopedLive("behind a gate of one's own it listens anywhere, and lets in whom that gate lets in", () =>
    Effect.gen(function* () {
      const judge: Gate.Judge = ({ headers }) =>
        headers["authorization"] === "Bearer secret"
          ? { _tag: "Admitted", principal: { actor: "oncall", role: "operator" } }
          : { _tag: "Rejected", problem: Problem.make("unauthenticated") }
      const house = yield* House.fresh({ host: "0.0.0.0", judge })
      const refused = yield* ask(`${house.url}/health/live`)
      assertProblem(refused, 401, "unauthenticated")
      assert.strictEqual(refused.headers.get("www-authenticate"), "Bearer")
      assertProblem(yield* ask(`${house.url}/nothing`), 401, "unauthenticated")
      const client = yield* clientOf(house.url, { token: Redacted.make("secret") })
      const request = command()
      assert.strictEqual((yield* client.submit(request, { wait: "10 seconds" })).phase, "success")
      assert.strictEqual((yield* client.auditEntry(request.commandId)).actor, "oncall")
      assert.strictEqual((yield* Stream.runHead(client.subscribe()))._tag, "Some")
    })
  )

  it.scopedLive("ends at once with streams open, whether their clients read or not", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const gate = yield* Deferred.make<void>()
      yield* house.control.hook("action", Deferred.await(gate))
      const reading = yield* listen(`${house.url}/reconciliation/stream`)
      const following = yield* listen(`${house.url}/commands/run`, {
        method: "POST",
        headers: { accept: "text/event-stream", "content-type": "application/json" },
        body: JSON.stringify(command())
      })
      yield* following.until((seen) => seen.some(({ data }) => data.phase === "running"))
      yield* ask(`${house.url}/health/live`)
      const stuck = yield* listen(`${house.url}/reconciliation/stream`, { paused: true })
      yield* Effect.forEach(Array.from({ length: 40 }), () => House.tell(house, 1, { size: 20_000 }), { discard: true })
      yield* reading.until((seen) => seen.length > 40)
      const stopping = yield* Effect.fork(house.stop)
      const gone = Effect.repeat(connects(house.port), { until: (connected) => !connected })
      assert.isBelow(yield* timed(Effect.all([reading.ended, following.ended, gone])), 2_000)
      assert.isTrue(reading.text().endsWith("\n\n"))
      yield* stuck.resume
      yield* stuck.ended
      // The core waits for its commands; that is not the server's to decide.
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(stopping)
    })
  )

  it.scopedLive("lets requests in flight finish, and takes no new ones", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const arrived = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      yield* house.control.hook("counts", Effect.zipRight(Deferred.succeed(arrived, undefined), Deferred.await(gate)))
      const pass = yield* Effect.fork(post(`${house.url}/reconciliation/run`, { service: "alpha" }))
      yield* Deferred.await(arrived)
      const stopping = yield* Effect.fork(house.stop)
      yield* Effect.repeat(connects(house.port), { until: (connected) => !connected })
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(pass)).status, 200)
      yield* Fiber.join(stopping)
    })
  )

  it.scopedLive("ends at once though somebody has connected and never asked", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      for (const text of ["", "GET /hea"]) {
        yield* Effect.acquireRelease(
          Effect.async<Net.Socket>((resume) => {
            const socket = Net.connect(house.port, "127.0.0.1", () =>
              socket.write(text, () => resume(Effect.succeed(socket)))
            )
            socket.on("error", () => {})
          }),
          (socket) => Effect.sync(() => socket.destroy())
        )
      }
      // Both have arrived: a connection that came after them was answered.
      yield* ask(`${house.url}/health/live`)
      assert.isBelow(yield* timed(house.stop), 2_000)
    })
  )

  it.scopedLive("what cannot be expected, and a tunnel, are refused with a problem", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const expecting = yield* raw(house.port, "GET /health/live HTTP/1.1\r\nHost: localhost\r\nExpect: foo\r\n\r\n")
      assert.match(expecting, /^HTTP\/1\.1 417 /)
      assert.include(expecting, "content-type: application/problem+json\r\n")
      assert.include(expecting, '"code":"expectation-failed"')
      const tunnel = yield* raw(house.port, "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n")
      assert.match(tunnel, /^HTTP\/1\.1 405 /)
      assert.include(tunnel, "allow: GET, HEAD, POST, DELETE\r\n")
      assert.include(tunnel, '"code":"method-not-allowed"')
    })
  )

  it.scopedLive("what is no HTTP is answered as a problem", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const garbage = yield* raw(house.port, "what is this?\r\n\r\n")
      assert.match(garbage, /^HTTP\/1\.1 400 /)
      assert.include(garbage, '"code":"malformed-http"')
      const huge = yield* raw(house.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)
      assert.match(huge, /^HTTP\/1\.1 431 /)
      assert.include(huge, '"code":"headers-too-large"')
    })
  )

  it.scopedLive("an offer to upgrade is passed over, as clients send one with every request", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const text = JSON.stringify({ service: "beta" })
      const answer = yield* raw(
        house.port,
        `POST /reconciliation/run HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
      )
      assert.match(answer, /^HTTP\/1\.1 200 /)
    })
  )
})

const connects = (port: number) =>
  Effect.async<boolean>((resume) => {
    const socket = Net.connect(port, "127.0.0.1")
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.on("error", () => resume(Effect.succeed(false)))
  })
