import { assert, it as effect } from "@effect/vitest"
import { MemorySource, Mithrandir } from "@mithrandir/core"
import { type Gate, Problem } from "@mithrandir/http"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { afterAll, describe, expect, it } from "vitest"
import { layerHouse, makeFile, service } from "../../../packages/core/test/support/house.ts"
import { freePort } from "../../../packages/core/test/support/redis.ts"
import { type Answered, checker } from "../../../packages/http/test/support/document.ts"
import { fetch, held } from "../../../packages/http/test/support/fetch.ts"
import { programHere, programOf } from "../support/compile.ts"
import { Page } from "../support/Page.ts"
import { Shell } from "../support/Shell.ts"

const recipe = "docs/recipes/mount.md"
const page = new Page(recipe)
for (const _ of ["beside your own", "as a function", "standalone", "a gate"]) page.take("ts")

it("mount: no snippet is left over", () => page.end())

interface AsFunction {
  readonly fetchHandler: (
    mithrandir: Layer.Layer<Mithrandir.Mithrandir, unknown>,
    judge: Gate.Judge
  ) => { readonly handler: (request: Request) => Promise<Response>; readonly dispose: () => Promise<void> }
}
interface Standalone {
  readonly serve: (
    mithrandir: Layer.Layer<Mithrandir.Mithrandir, unknown>,
    judge: Gate.Judge
  ) => Effect.Effect<never, unknown>
}
interface Gatekeeper {
  readonly judge: Gate.Judge
}

const { fetchHandler }: AsFunction = await import(programOf(recipe, 2))
const standalone = programHere(recipe, 3, [['host: "0.0.0.0", port: 4410', 'host: "127.0.0.1", port: 0']])
const { serve }: Standalone = await import(standalone)
const { judge }: Gatekeeper = await import(programOf(recipe, 4))

/** Whoever has the token, as in the first snippet. */
const byToken: Gate.Judge = ({ headers }) =>
  headers["authorization"] === "Bearer letmein"
    ? { _tag: "Admitted", principal: { actor: "ops", role: "operator" } }
    : { _tag: "Rejected", problem: Problem.make("unauthenticated") }
const token = { authorization: "Bearer letmein" }

/** Mithrandir over a file of its own and one job system in memory. */
const mithrandir = Effect.map(Effect.all([makeFile, MemorySource.make]), ([file, memory]) => {
  return { ...memory, live: Layer.provideMerge(Mithrandir.layerDaemon, layerHouse(file, [service(memory)])) }
})

/** The body of an answer, to look into. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
const json = (response: Response): Promise<any> => response.json()

const until = async (condition: () => Promise<boolean>) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
}

describe("mount: beside one's own routes", () => {
  const shell = new Shell({ env: { OPS_TOKEN: "letmein" } })
  afterAll(() => shell.close())

  it("answers both, ours under the prefix and behind the gate", async () => {
    const sandbox = shell.start("mithrandir sandbox --port 0 --fault none")
    const [, palantir = ""] = await sandbox.line(/(http:\/\/127\.0\.0\.1:\d+)/)
    const port = await freePort()
    const program = programHere(recipe, 1, [
      ["http://127.0.0.1:4420", palantir],
      ["port: 3000", `port: ${port}`]
    ])
    const server = shell.start(`node ${program}`)
    const url = `http://localhost:${port}`
    const answers: Array<Answered> = []
    const ask = async (path: string, init: RequestInit = {}) => {
      const answer = await globalThis.fetch(`${url}${path}`, { signal: AbortSignal.timeout(20_000), ...init })
      const response = await held(answer, { method: init.method ?? "GET", url: path }, (one) => answers.push(one))
      return { status: response.status, type: response.headers.get("content-type"), body: await json(response) }
    }
    // What comes in just before the routes are there is not answered: it is asked again.
    const registered = () => ask("/ops/services/registered", { headers: token, signal: AbortSignal.timeout(2_000) })
    await until(() =>
      registered().then(
        ({ body }) => body.data.length > 0,
        () => false
      )
    )

    expect(await ask("/hello")).toMatchObject({ status: 200, body: "hello" })
    expect(await ask("/ops/services/registered")).toMatchObject({
      status: 401,
      type: "application/problem+json",
      body: { code: "unauthenticated", detail: "send a bearer token" }
    })
    expect(await ask("/ops/nothing")).toMatchObject({ status: 401 })
    expect(await registered()).toMatchObject({ status: 200, body: { data: [{ id: "palantir", type: "palantir" }] } })
    expect(await ask("/ops/nothing", { headers: token })).toMatchObject({ status: 404, body: { code: "not-found" } })
    const passed = await ask("/ops/reconciliation/run", {
      method: "POST",
      headers: { ...token, "content-type": "application/json" },
      body: "{}"
    })
    expect(passed).toMatchObject({ status: 200, body: { data: [{ service: "palantir", status: "verified" }] } })
    const document = await ask("/ops/openapi.json", { headers: token })
    expect(Object.keys(document.body.paths)).toContain("/ops/reconciliation/audit")
    answers.forEach(checker(document.body))
    // Its end ends streams first.
    const stream = await fetch(`${url}/ops/reconciliation/stream`, { headers: token })
    expect(stream.status).toBe(200)
    expect((await server.stop()).code).toBe(0)
    expect(await stream.text()).toMatch(/^event: stream\.ready$/m)
  })
})

describe("mount: as a function from request to response", () => {
  effect.scopedLive("answers requests and streams, to whom the gate admits", () =>
    Effect.gen(function* () {
      const { control, live } = yield* mithrandir
      yield* control.put({ id: "a" })
      const { handler } = yield* Effect.acquireRelease(
        Effect.sync(() => fetchHandler(live, byToken)),
        ({ dispose }) => Effect.promise(dispose)
      )
      const ask = (path: string, init: RequestInit = {}) =>
        Effect.promise(async () =>
          held(await handler(new Request(`http://api.example${path}`, init)), {
            method: init.method ?? "GET",
            url: path
          })
        )
      assert.strictEqual((yield* ask("/services/registered")).status, 401)
      yield* Effect.promise(() =>
        until(async () => {
          const services = await handler(new Request("http://api.example/services/registered", { headers: token }))
          const { data } = await json(services)
          return data[0]?.id === "mail"
        })
      )

      const stream = yield* ask("/reconciliation/stream", { headers: token })
      assert.strictEqual(stream.headers.get("content-type"), "text/event-stream")
      const pass = yield* ask("/reconciliation/run", {
        method: "POST",
        headers: { ...token, "content-type": "application/json" },
        body: "{}"
      })
      assert.strictEqual(pass.status, 200)
      const told = yield* Effect.promise(async () => {
        let text = ""
        for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text += chunk
          if (/"status":"verified".*\n\n/.test(text)) break
        }
        return text
      })
      assert.match(told, /^event: reconciliation\.update$/m)
    })
  )
})

describe("mount: the standalone server in one's program", () => {
  effect.scopedLive("says where it listens, answers, and is gone when it is ended", () =>
    Effect.gen(function* () {
      const { live } = yield* mithrandir
      const listening = yield* Deferred.make<string>()
      const logger = Logger.make(({ message }) => {
        const [, url] = /listening on (\S+)/.exec(String(message)) ?? []
        if (url !== undefined) Deferred.unsafeDone(listening, Effect.succeed(url))
      })
      const serving = yield* Effect.fork(
        Effect.provide(serve(live, byToken), Logger.replace(Logger.defaultLogger, logger))
      )
      const url = yield* Effect.raceFirst(Deferred.await(listening), Fiber.join(serving))
      const ask = (init: RequestInit = {}) => Effect.tryPromise(() => fetch(`${url}/health/ready`, init))
      assert.strictEqual((yield* ask()).status, 401)
      assert.strictEqual((yield* ask({ headers: token })).status, 200)
      yield* Fiber.interrupt(serving)
      yield* Effect.flip(ask({ headers: token }))
    })
  )
})

describe("mount: a gate of one's own", () => {
  const knock: Gate.Knock = {
    method: "GET",
    url: "/reconciliation/status",
    headers: { host: "ops.internal", "x-user": "alice" },
    address: "127.0.0.1",
    time: 0,
    permission: "viewer",
    holder: undefined
  }

  it("admits whom the proxy names, and nobody who comes past it", () => {
    expect(judge(knock)).toEqual({ _tag: "Admitted", principal: { actor: "alice", role: "operator" } })
    const code = (other: Partial<Gate.Knock>) => {
      const verdict = judge({ ...knock, ...other })
      return verdict._tag === "Rejected" ? verdict.problem.code : verdict
    }
    expect(code({ headers: { host: "ops.internal" } })).toBe("unauthenticated")
    expect(code({ address: "192.0.2.7" })).toBe("not-local")
    expect(code({ headers: { ...knock.headers, host: "evil.example" } })).toBe("misdirected-request")
    expect(code({ method: "POST", headers: { ...knock.headers, origin: "http://evil.example" } })).toBe("cross-origin")
  })
})
