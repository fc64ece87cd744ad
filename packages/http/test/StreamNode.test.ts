/** The stream's own way past the framework: what it says is what the framework would say, and nobody can upset it. */
import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ask } from "./support/ask.ts"
import { dial, eventually, get } from "./support/dial.ts"
import * as House from "./support/house.ts"
import { listen, seqOf } from "./support/listen.ts"

const path = "/reconciliation/stream"
const isReady = (seen: ReadonlyArray<{ readonly event: string }>) => seen.some(({ event }) => event === "stream.ready")

/** A connection with a stream that is open. */
const dialStream = (house: House.House) =>
  Effect.tap(dial(house.port), ({ received, socket }) => {
    socket.write(get(path))
    return eventually(Effect.sync(() => received().includes("event: stream.ready")))
  })

/** What an answer says of itself, without what Node adds to what has a body. */
const said = (headers: Headers | Record<string, unknown>) => {
  const all = headers instanceof Headers ? Object.fromEntries(headers) : headers
  return Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => !["date", "connection", "keep-alive", "transfer-encoding"].includes(name))
      .map(([name, value]) => [name, String(value)])
      .sort()
  )
}

describe("a stream past the framework", () => {
  it.scopedLive("says in its head what the framework says, to pages of other origins too", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ origins: ["https://dash.example"] })
      for (const origin of [undefined, "https://dash.example", "https://other.example"]) {
        const headers: Record<string, string> = origin === undefined ? {} : { origin }
        // HEAD goes through the framework.
        const head = yield* ask(`${house.url}${path}`, { method: "HEAD", headers })
        const stream = yield* listen(`${house.url}${path}`, { headers })
        assert.strictEqual(stream.status, 200)
        assert.deepStrictEqual(said(stream.headers), said(head.headers), origin)
        assert.strictEqual(
          stream.headers["access-control-allow-origin"] !== undefined,
          origin === "https://dash.example"
        )
      }
    })
  )

  it.scopedLive(
    "a judge that throws is answered for by the framework, and a query with a question mark is read whole",
    () =>
      Effect.gen(function* () {
        const broken = yield* House.fresh({
          judge: () => {
            throw new TypeError("somebody else's fault")
          }
        })
        for (let n = 0; n < 2; n++) assert.strictEqual((yield* ask(`${broken.url}${path}`)).status, 500)
        const house = yield* House.fresh()
        const odd = yield* listen(`${house.url}${path}?lastEventId=0?`)
        const [reset] = yield* odd.until((seen) => seen.length > 0)
        assert.strictEqual(reset?.data.reason, "malformed")
      })
  )

  it.scopedLive("frames what it writes as HTTP wants it, whatever its size", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { received } = yield* dialStream(house)
      for (const size of [1, 4_000, 70_000]) yield* House.tell(house, 2, { size })
      yield* eventually(Effect.sync(() => /id: [^\n]+-6\n.*\n\n\r\n$/s.test(received())))
      yield* house.stop
      yield* eventually(Effect.sync(() => received().endsWith("\r\n0\r\n\r\n")))
      let rest = received().slice(received().indexOf("\r\n\r\n") + 4)
      let text = ""
      while (true) {
        const [, hex = "", after = ""] = /^([0-9a-f]+)\r\n(.*)$/s.exec(rest) ?? assert.fail(rest.slice(0, 80))
        const size = Number.parseInt(hex, 16)
        assert.strictEqual(after.slice(size, size + 2), "\r\n")
        text += after.slice(0, size)
        rest = after.slice(size + 2)
        if (size === 0) break
      }
      assert.strictEqual(rest, "")
      assert.deepStrictEqual(
        Array.from(text.matchAll(/^id: (.*)$/gm), ([, id]) => seqOf(id)),
        [0, 1, 2, 3, 4, 5, 6]
      )
    })
  )

  it.scopedLive("a client of HTTP/1.0 gets the same events, without chunks", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { received, socket } = yield* dial(house.port)
      socket.write(get(path).replace("HTTP/1.1", "HTTP/1.0"))
      yield* eventually(Effect.sync(() => received().includes("event: stream.ready")))
      yield* House.tell(house, 3)
      yield* eventually(Effect.sync(() => /^id: .*-3$/m.test(received())))
      assert.notMatch(received(), /transfer-encoding/i)
      assert.match(received(), /\r\n\r\nretry: \d+\n\nid: .*-0\nevent: stream.ready\n.*\n\nid: .*-1\n/)
      socket.destroy()
      yield* House.abandoned(house)
    })
  )

  it.scopedLive("a client that has closed its side has left", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { received, socket } = yield* dialStream(house)
      socket.end()
      yield* House.abandoned(house)
      // Nothing is written to it any more.
      yield* House.tell(house, 1)
      yield* eventually(Effect.sync(() => socket.destroyed))
      assert.notMatch(received(), /^id: .*-1$/m)
    })
  )

  it.scopedLive("a second request on its connection waits, and upsets nothing", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { socket } = yield* dialStream(house)
      socket.write(get("/health/live"))
      socket.write("NONSENSE\r\n\r\n")
      yield* House.tell(house, 2)
      const other = yield* listen(`${house.url}${path}`)
      yield* other.until(isReady)
      assert.strictEqual((yield* ask(`${house.url}/health/live`)).status, 200)
      socket.destroy()
      yield* other.leave
      yield* House.abandoned(house)
    })
  )

  it.scopedLive("a request that brings a body is a stream like any other", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { received, socket } = yield* dial(house.port)
      socket.write(get(path, "Content-Length: 200000\r\n"))
      socket.write("x".repeat(200_000))
      yield* eventually(Effect.sync(() => received().includes("event: stream.ready")))
      socket.destroy()
      yield* House.abandoned(house)
    })
  )

  const crowd = process.env["MITHRANDIR_TEST_LONG"] === "1" ? 1_000 : 200

  it.scopedLive(`${crowd} that leave at once are forgotten at once, and the others go on`, () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { streamsPerActor: 2 * crowd } })
      const staying = yield* listen(`${house.url}${path}`)
      yield* staying.until(isReady)
      const leaving = yield* Effect.all(
        Array.from({ length: crowd }, () => dial(house.port)),
        { concurrency: 50 }
      )
      for (const { socket } of leaving) socket.write(get(path))
      yield* eventually(Effect.map(House.listeners(house), (open) => open === crowd + 1))
      yield* Effect.fork(House.tell(house, 50))
      yield* Effect.promise(() =>
        Promise.all(
          leaving.map(({ socket }) => {
            const closed = once(socket, "close")
            socket.resetAndDestroy()
            return closed
          })
        )
      )
      yield* eventually(Effect.map(House.listeners(house), (open) => open === 1))
      yield* staying.until((seen) => seqOf(seen.at(-1)?.id) === 50)
    })
  )

  it.scopedLive("whoever has left before there is an answer has no place", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { received, socket } = yield* dial(house.port)
      socket.write(get(path))
      socket.destroy()
      yield* House.abandoned(house)
      assert.strictEqual(received(), "")
    })
  )
})
