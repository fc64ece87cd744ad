import * as NodeHttp from "node:http"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpServer from "@effect/platform/HttpServer"
import * as OpenApi from "@effect/platform/OpenApi"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Api, Document, EventHub, Gate, Http, Problem } from "../src/index.ts"
import { type Answer, assertProblem, command } from "./support/ask.ts"
import { type Answered, checker } from "./support/document.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

class Teapot extends Schema.TaggedError<Teapot>()("Teapot", { size: Schema.Int }) {}

/** The host's own routes: one that answers, one that fails, one that breaks; one of them under our prefix. */
class Kitchen extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("tea", "/tea/:cups")
      .setPath(Schema.Struct({ cups: Schema.NumberFromString }))
      .addSuccess(Schema.String)
      .addError(Teapot, { status: 418 })
  )
  .add(HttpApiEndpoint.get("broken", "/ops/broken").addSuccess(Schema.String)) {}

class Host extends HttpApi.make("host").add(Kitchen).addHttpApi(Api.Api.prefix("/ops")) {}

const kitchen = HttpApiBuilder.group(Host, "health", (handlers) =>
  handlers
    .handle("tea", ({ path: { cups } }) => (cups > 3 ? new Teapot({ size: cups }) : Effect.succeed(`${cups} cups`)))
    .handle("broken", () => Effect.die(new Error("burnt")))
)

/** A token in a header; the actor is its owner. */
const judge: Gate.Judge = ({ headers }) =>
  headers["authorization"] === "Bearer secret"
    ? { _tag: "Admitted", principal: { actor: "oncall", role: "operator" } }
    : { _tag: "Rejected", problem: Problem.make("unauthenticated", { detail: "send a token" }) }

const api = (house: House.House) =>
  HttpApiBuilder.api(Host).pipe(
    Layer.provide([kitchen, Http.layerFor(Host)]),
    Layer.provide(EventHub.layer()),
    Layer.provide(Layer.succeed(Gate.Gate, { judge })),
    Layer.provide(Layer.succeedContext(house.context))
  )

const check = checker(Document.make(Host))
const token = { authorization: "Bearer secret" }
const json = { "content-type": "application/json", ...token }

type Ask = (path: string, init?: RequestInit) => Effect.Effect<Answer>

const answerOf = (method: string, path: string, response: Response): Promise<Answer> =>
  response.text().then((text) => {
    const answered: Answered = {
      ...{ method, url: path, status: response.status, headers: Object.fromEntries(response.headers), text }
    }
    check(answered)
    const isJson = response.headers.get("content-type")?.includes("json") === true
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  })

/** On a server of the host's own. */
const onServer = (house: House.House) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      HttpApiBuilder.serve().pipe(
        Layer.provide(api(house)),
        Layer.provideMerge(NodeHttpServer.layer(() => NodeHttp.createServer(), { port: 0, host: "127.0.0.1" }))
      )
    )
    const { address } = Context.get(context, HttpServer.HttpServer)
    const url = `http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}`
    const ask: Ask = (path, init) =>
      Effect.promise(() =>
        fetch(`${url}${path}`, init).then((response) => answerOf(init?.method ?? "GET", path, response))
      )
    return { ask, url }
  })

/** As a function from a request to a response. */
const asFunction = (house: House.House) =>
  Effect.acquireRelease(
    Effect.sync(() => HttpApiBuilder.toWebHandler(Layer.merge(api(house), HttpServer.layerContext))),
    ({ dispose }) => Effect.promise(dispose)
  ).pipe(
    Effect.map(({ handler }) => {
      const ask: Ask = (path, init) =>
        Effect.promise(() =>
          handler(new Request(`http://api.example${path}`, init)).then((response) =>
            answerOf(init?.method ?? "GET", path, response)
          )
        )
      return { ask, handler }
    })
  )

/** The same whichever way the API is served. */
const promises = (ask: Ask, house: House.House) =>
  Effect.gen(function* () {
    yield* house.control.put({ id: "j1" }, { id: "j2" })
    const run = (body: object, headers: Record<string, string> = {}) =>
      ask("/ops/commands/run", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) })
    // Everything moves under the prefix.
    const request = command()
    const ran = yield* run(request, { prefer: "wait=20" })
    assert.deepStrictEqual([ran.status, ran.json.phase], [200, "success"])
    assert.strictEqual(ran.headers.get("location"), `/ops/commands/${request.commandId}`)
    const followed = yield* run(command({ target: "j2" }), { accept: "text/event-stream" })
    assert.include(followed.text, '"phase":"success"')
    const entry = yield* ask(`/ops/reconciliation/audit/${request.commandId}`, { headers: token })
    assert.deepStrictEqual([entry.status, entry.json.actor], [200, "oncall"])
    // However a path is written that the host's router takes for ours, what goes wrong is ours, and nobody walks around.
    for (const audit of ["/ops/reconciliation/audit/", "/OPS/Reconciliation/audit", "//ops/reconciliation//audit"]) {
      const wrong = yield* ask(`${audit}?limit=0`, { headers: token })
      assertProblem(wrong, 400, "invalid-request", "limit")
      assert.strictEqual(wrong.headers.get("x-content-type-options"), "nosniff", audit)
      assertProblem(yield* ask(audit), 401, "unauthenticated")
    }
    // One that others may read differently is nobody's, with a token or without.
    const coded = yield* ask("/ops/reconciliation/%61udit", { headers: token })
    assertProblem(coded, 400, "malformed-http")
    assert.strictEqual(coded.headers.get("x-content-type-options"), "nosniff")
    // Problems, ours.
    assertProblem(yield* run(command({ target: "" })), 400, "invalid-request", "target")
    assertProblem(yield* run(command({ service: "gamma" })), 422, "service-not-found", "service")
    assertProblem(yield* ask("/ops/nothing", { headers: token }), 404, "not-found")
    assertProblem(yield* ask("/ops", { headers: token }), 404, "not-found")
    const wrong = yield* ask("/ops/commands/run", { method: "DELETE", headers: token })
    assertProblem(wrong, 405, "method-not-allowed")
    assert.strictEqual(wrong.headers.get("x-content-type-options"), "nosniff")
    assert.include(wrong.headers.get("allow"), "POST")
    // The gate stands before all of ours, and before a body is read.
    const page = { method: "POST", headers: { "content-type": "text/plain" }, body: "x".repeat(100_000) }
    for (const [path, init] of [
      ...([["/ops/commands/run", page], ["/ops/reconciliation/audit"], ["/ops/health/live"]] as const),
      ...([["/ops/openapi.json"], ["/ops/nothing"], ["/ops/commands/run", { method: "PUT" }]] as const)
    ] as ReadonlyArray<readonly [string, RequestInit?]>) {
      const refused = yield* ask(path, init)
      assertProblem(refused, 401, "unauthenticated")
      assert.strictEqual(refused.headers.get("www-authenticate"), "Bearer")
    }
    // What is the host's stays the host's.
    const tea = yield* ask("/tea/2")
    assert.deepStrictEqual([tea.status, tea.json, tea.headers.get("x-content-type-options")], [200, "2 cups", null])
    const teapot = yield* ask("/tea/4")
    assert.deepStrictEqual([teapot.status, teapot.json], [418, { _tag: "Teapot", size: 4 }])
    assert.strictEqual((yield* ask("/tea/many")).json._tag, "HttpApiDecodeError")
    for (const [path, status] of [
      ["/nothing", 404],
      ["/reconciliation/audit", 404],
      ["/ops/broken", 500]
    ] as const) {
      const answer = yield* ask(path)
      assert.deepStrictEqual([answer.status, answer.text, answer.headers.get("content-type")], [status, "", null], path)
    }
  })

describe("Http.layerFor", () => {
  it.scopedLive("moves every route under a prefix of an API on its own server, and leaves the rest of it alone", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { ask, url } = yield* onServer(house)
      yield* promises(ask, house)
      const stream = yield* listen(`${url}/ops/reconciliation/stream`, { headers: token })
      yield* stream.until((seen) => seen.some(({ event }) => event === "stream.ready"))
      yield* ask("/ops/reconciliation/run", { method: "POST", headers: json, body: "{}" })
      yield* stream.until((seen) => seen.filter(({ id }) => id !== undefined).length === 3)
      assert.strictEqual(stream.headers["content-type"], "text/event-stream")
    })
  )

  it.scopedLive("does the same as a function from request to response, streams included", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { ask, handler } = yield* asFunction(house)
      yield* promises(ask, house)
      const open = () => handler(new Request("http://api.example/ops/reconciliation/stream", { headers: token }))
      const reader = (yield* Effect.promise(open)).body?.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      while (!text.includes("event: stream.ready")) {
        text += (yield* Effect.promise(async () => reader?.read()))?.value ?? ""
      }
      yield* Effect.promise(async () => reader?.cancel())
    })
  )

  it.scopedLive("tells the paths as they are mounted, in its own document and in the host's", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { ask } = yield* asFunction(house)
      const own = (yield* ask("/ops/openapi.json", { headers: token })).json
      const standalone = Document.make(Api.Api)
      assert.deepStrictEqual(own, JSON.parse(JSON.stringify(Document.make(Host))))
      assert.deepStrictEqual(
        Object.keys(own.paths),
        Object.keys(standalone["paths"] ?? {}).map((path) => `/ops${path}`)
      )
      const { components, paths, tags } = OpenApi.fromApi(Host)
      assert.deepStrictEqual(Object.keys(paths), ["/tea/{cups}", "/ops/broken", ...Object.keys(own.paths)])
      assert.deepStrictEqual(tags.map(({ name }) => name).slice(0, 2), ["health", "Reconciliation"])
      assert.strictEqual(paths["/ops/commands/run"]?.post?.operationId, "runCommand")
      // Nothing in it leads nowhere.
      for (const [, name] of JSON.stringify(paths).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
        assert.property(components.schemas, name ?? "")
      }
    })
  )

  it("says of an API without our routes that it lacks them", () => {
    class Bare extends HttpApi.make("bare").add(Kitchen) {}
    assert.throws(() => Http.layerFor(Bare), /lacks groups of Mithrandir's: mithrandirReconciliation/)
  })
})
