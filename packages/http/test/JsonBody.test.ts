import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as JsonBody from "../src/JsonBody.ts"
import { ask, assertProblem, command, post, raw } from "./support/ask.ts"
import * as House from "./support/house.ts"

const body = (request: object) => JSON.stringify(request)

/** The same bytes without saying how many: in chunks. */
const chunked = (house: House.House, text: string) =>
  ask(`${house.url}/commands/run`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: new Blob([text]).stream(),
    duplex: "half"
  })

/** A connection that says one thing after the other, and gives all that it was told once some text is in it. */
const talk = (port: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Net.connect(port, "127.0.0.1").setEncoding("utf8")),
      (socket) => Effect.sync(() => socket.destroy())
    ),
    (socket) => {
      let received = ""
      socket.on("data", (text) => (received += text))
      return {
        write: (text: string) => Effect.sync(() => socket.write(text)),
        until: (text: string) =>
          Effect.async<string>((resume) => {
            const look = () => {
              if (received.includes(text)) resume(Effect.succeed(received))
            }
            socket.on("data", look)
            socket.once("close", () => resume(Effect.dieMessage(`closed after: ${received}`)))
            look()
          })
      }
    }
  )

describe("a body", () => {
  it.scopedLive("counts only as application/json: what pages send across origins does nothing", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const send = (type: string | undefined, content: NonNullable<RequestInit["body"]> = body(command())) =>
        ask(`${house.url}/commands/run`, {
          method: "POST",
          ...(type === undefined ? {} : { headers: { "content-type": type } }),
          body: content
        })
      const refused = [
        send("text/plain"),
        send("application/x-www-form-urlencoded"),
        send(undefined, new URLSearchParams({ commandId: "a" })),
        send(undefined, new FormData()),
        send("application/jsonp"),
        send("text/application/json"),
        send("application/json; charset=latin1"),
        // Bytes get no content type.
        send(undefined, Buffer.from(body(command())))
      ]
      for (const sent of refused) assertProblem(yield* sent, 415, "unsupported-media-type")
      assertProblem(yield* ask(`${house.url}/commands/run`, { method: "POST" }), 415, "unsupported-media-type")
      const packed = { "content-encoding": "gzip" }
      assertProblem(yield* post(`${house.url}/commands/run`, "{}", packed), 415, "unsupported-media-type")
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/audit`)).json.meta.total, 0)

      assert.strictEqual((yield* send("Application/JSON ; Charset=UTF-8")).status, 202)
      assert.strictEqual((yield* send('application/json;charset="utf-8"')).status, 202)
    })
  )

  it.scopedLive("has at most 64 KiB, said or in chunks", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const filled = (bytes: number) => {
        const request = command()
        return body({
          ...request,
          params: { filling: "x".repeat(bytes - body({ ...request, params: { filling: "" } }).length) }
        })
      }
      for (const send of [
        (text: string) => post(`${house.url}/commands/run`, text),
        (text: string) => chunked(house, text)
      ]) {
        // At the bound it is read, and found not to fit the action.
        assertProblem(yield* send(filled(JsonBody.maxBytes)), 422, "command-invalid")
        assertProblem(yield* send(filled(JsonBody.maxBytes + 1)), 413, "body-too-large")
        assertProblem(yield* send(filled(3_000_000)), 413, "body-too-large")
      }
    })
  )

  it.scopedLive("that is too large is told before it has arrived, and the connection goes on", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const head = "POST /commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      const filling = "x".repeat(100_000)
      const next = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
      const announced = yield* raw(house.port, `${head}Content-Length: ${filling.length}\r\n\r\n${filling}${next}`)
      const inChunks = yield* raw(
        house.port,
        `${head}Transfer-Encoding: chunked\r\n\r\n${filling.length.toString(16)}\r\n${filling}\r\n0\r\n\r\n${next}`
      )
      for (const answer of [announced, inChunks]) {
        assert.match(answer, /^HTTP\/1\.1 413 /)
        assert.include(answer, '"status":"live"')
      }
    })
  )

  it.scopedLive("in chunks is told to be too large at its first byte too many, whatever is still to come", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { until, write } = yield* talk(house.port)
      const chunk = (length: number) => write(`${length.toString(16)}\r\n${"x".repeat(length)}\r\n`)
      yield* write("POST /commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
      yield* write("Transfer-Encoding: chunked\r\n\r\n")
      yield* chunk(JsonBody.maxBytes)
      yield* chunk(1)
      // None of the ten megabytes is sent before the answer.
      assert.match(yield* until('"code":"body-too-large"'), /^HTTP\/1\.1 413 /)
      yield* chunk(10_000_000)
      yield* write("0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
      yield* until('"status":"live"')
    })
  )

  it.scopedLive("that breaks off runs nothing", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const text = body(command())
      const head = "POST /commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      yield* Effect.timeoutOption(
        raw(house.port, `${head}Content-Length: ${text.length + 1}\r\n\r\n${text}`),
        "100 millis"
      )
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/audit`)).json.meta.total, 0)
      assert.strictEqual((yield* ask(`${house.url}/health/live`)).status, 200)
    })
  )

  it.scopedLive("is JSON, nested at most 32 deep, without __proto__", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const send = (text: string | Buffer) =>
        ask(`${house.url}/commands/run`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: text
        })
      const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
      for (const text of [
        "",
        "{",
        "nope",
        '{"a":1}}',
        "'a'",
        '{"__proto__": {}}',
        '{"params": {"\\u005f_proto__": 1}}'
      ]) {
        assertProblem(yield* send(text), 400, "malformed-json")
      }
      assertProblem(yield* send(Buffer.from([0x22, 0xff, 0x22])), 400, "malformed-json")
      assertProblem(yield* send(nested(33)), 400, "json-too-deep")
      assertProblem(yield* send(nested(30_000)), 400, "json-too-deep")
      assertProblem(yield* send(nested(32)), 400, "invalid-request")
      // Brackets in strings are no nesting.
      const request = command({ reason: `\\"${"[".repeat(100)}` })
      assert.strictEqual((yield* send(body(request))).status, 202)
    })
  )
})
