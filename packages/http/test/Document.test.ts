import { readFileSync } from "node:fs"
import * as HttpApi from "@effect/platform/HttpApi"
import { assert, describe, it } from "@effect/vitest"
import { createConfig, lintFromString } from "@redocly/openapi-core"
import * as Effect from "effect/Effect"
import { Api, Document, ProblemApi } from "../src/index.ts"
import { ask } from "./support/ask.ts"
import { type Answered, check } from "./support/document.ts"
import * as House from "./support/house.ts"
import { answersIn } from "./support/wire.ts"

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever is there
const document: any = Document.make(Api.Api)
const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8")

/** Every operation, by method and path. */
const operations = Object.entries<Record<string, Record<string, unknown>>>(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation }))
)

describe("the OpenAPI document", () => {
  it("has nothing that a linter would object to", async () => {
    const config = await createConfig({ extends: ["recommended"] })
    const problems = await lintFromString({ source: Document.render(document), absoluteRef: "/openapi.json", config })
    assert.deepStrictEqual(
      problems.map(({ location, message, ruleId }) => `${ruleId}: ${message} ${location[0]?.pointer}`),
      []
    )
  })

  it.scopedLive("is served, and is a file of the package that is not stale: npm run generate", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const served = yield* ask(`${house.url}/openapi.json`)
      assert.deepStrictEqual([served.status, served.headers.get("content-type")], [200, "application/json"])
      assert.deepStrictEqual(served.json, JSON.parse(Document.render(document)))
      assert.strictEqual(read("../openapi.json"), Document.render(document))
    })
  )

  it("describes every route, and says of each what it is", () => {
    const routes: Array<string> = []
    HttpApi.reflect(Api.Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => routes.push(`${endpoint.method} ${endpoint.path.replace(/:(\w+)/g, "{$1}")}`)
    })
    assert.deepStrictEqual(operations.map(({ name }) => name).sort(), routes.sort())
    assert.strictEqual(operations.length, 20)
    for (const { name, operation } of operations) {
      assert.isAbove(String(operation["summary"]).length, 5, name)
      assert.isAbove(String(operation["description"]).length, 20, name)
      for (const parameter of operation["parameters"] as ReadonlyArray<{ description?: string }>) {
        assert.isAbove(String(parameter.description).length, 10, name)
      }
    }
    const { version } = JSON.parse(read("../package.json"))
    assert.deepStrictEqual(
      [document.openapi, document.info.version, document.info.license.name],
      ["3.1.0", version, "MIT"]
    )
    for (const name of [
      "ReconciliationUpdate",
      "CommandStatus",
      "Heartbeat",
      "StreamReady",
      "StreamReset",
      "Problem"
    ]) {
      assert.property(document.components.schemas, name)
    }
  })

  it("names every problem that a route can give, and none that there is not", () => {
    const told = new Set(
      operations.flatMap(({ operation }) =>
        Array.from(
          JSON.stringify(operation["responses"]).matchAll(/"code":\{"type":"string","enum":(\[[^\]]*\])/g)
        ).flatMap(([, codes = "[]"]): ReadonlyArray<string> => JSON.parse(codes))
      )
    )
    // No path of ours, or no method of it: there is no operation to tell it of.
    const elsewhere = ["method-not-allowed"]
    const codes = [...Object.keys(ProblemApi.general), ...Object.keys(ProblemApi.domain)]
    assert.deepStrictEqual(Array.from(told).sort(), codes.filter((code) => !elsewhere.includes(code)).sort())
  })
})

describe("what holds answers against it", () => {
  const good: Answered = {
    method: "GET",
    url: "http://localhost/health/live?x=1",
    status: 200,
    headers: { "content-type": "application/json" },
    text: '{"status":"live"}'
  }
  const problem = {
    ...good,
    status: 503,
    headers: { "content-type": "application/problem+json", "retry-after": "5" },
    url: "/health/ready",
    text: JSON.stringify({ type: "t", title: "T", status: 503, code: "not-ready" })
  }
  const stream = (event: string, data: object) => ({
    ...good,
    url: "/reconciliation/stream",
    headers: { "content-type": "text/event-stream" },
    text: `retry: 5\n\nid: a-1\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\nevent: half`
  })

  it("lets through what it says", () => {
    for (const answer of [good, problem, stream("stream.ready", { newest: "a-1" })]) check(answer)
    // What has no operation is not spoken of.
    for (const more of [{ url: "/nothing" }, { method: "PUT" }]) check({ ...good, ...more, status: 404 })
  })

  it("stops what it does not say", () => {
    const wrong: ReadonlyArray<readonly [Answered, RegExp]> = [
      [{ ...good, text: '{"status":"dead"}' }, /allowed values/],
      [{ ...good, text: '{"status":"live","more":1}' }, /additional properties/],
      [{ ...good, status: 418 }, /it has no 418/],
      [{ ...good, headers: { "content-type": "text/html" } }, /it has no text\/html/],
      [{ ...good, headers: { ...good.headers, location: "/x" } }, /it has no header location/],
      [{ ...problem, headers: { "content-type": "application/problem+json" } }, /Retry-After is missing/],
      [{ ...problem, headers: { ...problem.headers, "retry-after": "soon" } }, /must be integer/],
      [{ ...problem, text: problem.text.replace("not-ready", "not-found") }, /allowed values/],
      [stream("stream.ready", {}), /newest/],
      [stream("stream.over", {}), /allowed values/],
      // Whatever has no operation, a problem is a problem.
      [{ ...problem, url: "/nothing", text: problem.text.replace('"title"', '"name"') }, /title/]
    ]
    for (const [answer, why] of wrong) assert.throws(() => check(answer), why)
  })

  it("finds every answer in what came over a socket, with the request that it is to", () => {
    const sent = ["POST /a", "GET /b?c", "HEAD /d", "GET /e"]
      .map((line) => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`)
      .join("")
    const received =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 X\r\nContent-Length: 2\r\nA: b: c\r\n\r\nü" +
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" +
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"
    assert.deepStrictEqual(
      answersIn(sent, received).map(({ method, status, text, url }) => [method, url, status, text]),
      [
        ["POST", "/a", 413, "ü"],
        ["GET", "/b?c", 200, "hello"],
        ["HEAD", "/d", 200, ""]
      ]
    )
    assert.strictEqual(answersIn(sent, received)[0]?.headers["a"], "b: c")
    assert.strictEqual(answersIn("what?\r\n\r\n", "HTTP/1.1 400 X\r\n\r\n{}")[0]?.text, "{}")
  })
})
