import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { assertProblem, command } from "./support/ask.ts"
import { checker } from "./support/document.ts"
import { held } from "./support/fetch.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"
import * as Process from "./support/process.ts"

const mounted = "examples/mounted/dist/main.js"
const dashboard = "examples/dashboard/dist/main.js"

describe("examples/mounted", () => {
  it.scopedLive("serves its own routes, and ours under a prefix, behind its own gate", () =>
    Effect.gen(function* () {
      const server = yield* Process.run(mounted, "0", yield* House.database)
      const [, url] = yield* server.until(/(http:\/\/127\.0\.0\.1:\d+)/)
      const alice = { "x-user": "alice" }
      // Its own document, with our routes where it has them.
      const check = checker(
        yield* Effect.promise(() =>
          fetch(`${url}/ops/openapi.json`, { headers: alice }).then((response) => response.json() as Promise<object>)
        )
      )
      const ask = (path: string, init: RequestInit = {}) =>
        Effect.promise(async () => {
          const answer = await fetch(`${url}${path}`, init)
          const { headers, status } = await held(answer, { method: init.method ?? "GET", url: path }, check)
          const text = await answer.text()
          return { status, headers, text, json: text === "" ? "" : JSON.parse(text) }
        })
      assert.deepStrictEqual((yield* ask("/teams/mail")).json, { team: "messaging" })
      const nobody = yield* ask("/teams/none")
      assert.deepStrictEqual([nobody.status, nobody.json], [404, { _tag: "NoTeam", service: "none" }])
      assertProblem(yield* ask("/ops/services/registered"), 401, "unauthenticated")
      const services = yield* ask("/ops/services/registered", { headers: alice })
      assert.deepStrictEqual([services.status, services.json.data[0].id], [200, "mail"])
      const request = command({ service: "mail", actionType: "retry-job", target: "mail-1" })
      const ran = yield* ask("/ops/commands/run", {
        method: "POST",
        headers: { ...alice, "content-type": "application/json", prefer: "wait=20" },
        body: JSON.stringify(request)
      })
      assert.deepStrictEqual([ran.status, ran.json.outcome], [200, "success"])
      const entry = yield* ask(`/ops/reconciliation/audit/${request.commandId}`, { headers: alice })
      assert.strictEqual(entry.json.actor, "alice")
      assertProblem(yield* ask("/ops/nothing", { headers: alice }), 404, "not-found")
      assert.deepStrictEqual([(yield* ask("/nothing")).status, (yield* ask("/nothing")).text], [404, ""])
    })
  )

  it.scopedLive("ends at SIGTERM, with a stream open", () =>
    Effect.gen(function* () {
      const server = yield* Process.run(mounted, "0", yield* House.database)
      const [, url] = yield* server.until(/(http:\/\/127\.0\.0\.1:\d+)/)
      const stream = yield* listen(`${url}/ops/reconciliation/stream`, { headers: { "x-user": "alice" } })
      yield* stream.until((seen) => seen.some(({ event }) => event === "stream.ready"))
      yield* server.terminate
      const [duration] = yield* Effect.timed(server.exitCode)
      yield* stream.ended
      assert.isBelow(Duration.toSeconds(duration), 5)
    })
  )
})

describe("examples/dashboard", () => {
  it.scopedLive("lists, previews, runs and reads the record through generated types", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1", state: "failed" })
      const first = yield* Process.run(dashboard, house.url, "alpha", "j1")
      assert.strictEqual(yield* first.exitCode, 0, first.output())
      assert.deepStrictEqual(first.output().trim().split("\n"), [
        ...["service alpha (memory): unknown", "service beta (memory): unknown"],
        ...["preview: can be done", "command: success, verified", "on the record: local retry-job j1: success"]
      ])
      const second = yield* Process.run(dashboard, house.url, "gamma", "j1")
      assert.deepStrictEqual(
        [yield* second.exitCode, second.output().split("\n").at(-2)],
        [1, 'service-not-found: no service "gamma" is registered; known: alpha, beta']
      )
    })
  )

  it.scopedLive("has types that fit the document", () =>
    Effect.gen(function* () {
      const types = yield* Process.run("examples/dashboard/scripts/types.mjs", "--check")
      assert.strictEqual(yield* types.exitCode, 0, types.output())
    })
  )
})
