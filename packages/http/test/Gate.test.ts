import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Gate } from "../src/index.ts"
import { ask, assertProblem, command, post, raw } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

const knock = (more: Partial<Gate.Knock> = {}): Gate.Knock => ({
  method: "POST",
  url: "/commands/run",
  headers: { host: "localhost:4410" },
  address: "127.0.0.1",
  time: 0,
  permission: "viewer",
  holder: undefined,
  ...more
})

const outcome = (verdict: Gate.Verdict): string =>
  verdict._tag === "Admitted" ? verdict.principal.actor : verdict.problem.code

describe("Gate.loopback", () => {
  const judge = Gate.loopback({ hosts: ["console.local"] })

  it("takes whoever comes over loopback for local", () => {
    for (const address of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]) {
      assert.strictEqual(outcome(judge(knock({ address }))), "local", address)
    }
    for (const address of [
      "10.0.0.1",
      "192.168.1.1",
      "::2",
      "fe80::1",
      "::ffff:10.0.0.1",
      "127.0.0.1.example.com",
      "",
      undefined
    ]) {
      assert.strictEqual(outcome(judge(knock({ address }))), "not-local", address)
    }
  })

  it("goes by loopback names and its own, on any port: ports are forwarded", () => {
    for (const host of ["localhost", "LocalHost:1", "127.0.0.1:4410", "127.1.2.3", "[::1]:80", "Console.Local:65535"]) {
      assert.strictEqual(outcome(judge(knock({ headers: { host } }))), "local", host)
    }
    const others = [
      ...["example.com", "localhost.example.com", "localhost:4410.example.com", "127.0.0.1.nip.io", "[::2]", "0.0.0.0"],
      ...["localhost:", "localhost:x", "localhost:123456", "local host", "user@localhost", "localhost/", "::1"]
    ]
    for (const host of others) {
      for (const method of ["GET", "POST"]) {
        assert.strictEqual(outcome(judge(knock({ method, headers: { host } }))), "misdirected-request", host)
      }
    }
    assert.strictEqual(outcome(judge(knock({ headers: {} }))), "host-required")
    assert.strictEqual(outcome(judge(knock({ headers: { host: "" } }))), "host-required")
  })

  it("lets no page of another origin change anything", () => {
    const host = "localhost:4410"
    const verdict = (headers: Record<string, string>, method = "POST") =>
      outcome(judge(knock({ method, headers: { host, ...headers } })))
    for (const origin of ["http://localhost:4410", "https://localhost:4410", "HTTP://LOCALHOST:4410"]) {
      assert.strictEqual(verdict({ origin }), "local", origin)
    }
    const others = [
      "http://localhost:3000",
      "http://127.0.0.1:4410",
      "https://example.com",
      "null",
      "",
      "localhost:4410"
    ]
    for (const origin of others) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "QUERY"]) {
        assert.strictEqual(verdict({ origin }, method), "cross-origin", `${method} ${origin}`)
      }
      assert.strictEqual(verdict({ origin }, "GET"), "local")
    }
    for (const site of ["cross-site", "same-site", "anything"]) {
      assert.strictEqual(verdict({ "sec-fetch-site": site }), "cross-origin", site)
      assert.strictEqual(verdict({ "sec-fetch-site": site, origin: "http://localhost:4410" }), "cross-origin", site)
    }
    for (const site of ["same-origin", "none"]) assert.strictEqual(verdict({ "sec-fetch-site": site }), "local", site)
  })
})

describe("the gate on a socket", () => {
  it.scopedLive("DNS rebinding and pages of other origins do nothing, on any route", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const rebound = { host: "attacker.example" }
      for (const path of ["/reconciliation/audit", "/reconciliation/stream", "/health/live", "/nothing"]) {
        const { headers, status, text } = yield* Effect.tap(
          listen(`${house.url}${path}`, { headers: rebound }),
          (one) => one.ended
        )
        assert.strictEqual(status, 421, path)
        assert.strictEqual(headers["content-type"], "application/problem+json")
        assert.include(text(), '"code":"misdirected-request"')
      }
      const forged = { "sec-fetch-site": "cross-site", origin: "https://attacker.example" }
      assertProblem(yield* post(`${house.url}/commands/run`, command(), forged), 403, "cross-origin")
      assertProblem(yield* post(`${house.url}/reconciliation/run`, {}, forged), 403, "cross-origin")
      const audit = yield* ask(`${house.url}/reconciliation/audit`, { headers: forged })
      assert.deepStrictEqual([audit.status, audit.json.meta.total], [200, 0])
      assert.strictEqual(audit.headers.get("access-control-allow-origin"), null)
    })
  )

  it.scopedLive("a request without a Host is refused as a problem", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const answer = yield* raw(house.port, "GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n")
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.include(answer, '"code":"host-required"')
    })
  )
})
