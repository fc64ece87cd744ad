import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EventHub, Gate, Http } from "../src/index.ts"
import { command } from "./support/ask.ts"
import { held } from "./support/fetch.ts"
import * as House from "./support/house.ts"

/** The API as an embedder mounts it: on the house's services, behind a gate of its own, without a socket. */
const mount = (house: House.House, judge: Gate.Judge) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      HttpApiBuilder.toWebHandler(
        Http.layer.pipe(
          Layer.provide(EventHub.layer()),
          Layer.provide(Layer.succeed(Gate.Gate, { judge })),
          Layer.provide(Layer.succeedContext(house.context)),
          Layer.merge(HttpServer.layerContext)
        )
      )
    ),
    ({ dispose }) => Effect.promise(dispose)
  ).pipe(
    Effect.map(
      ({ handler }) =>
        (path: string, init?: RequestInit) =>
          Effect.promise(async () =>
            held(await handler(new Request(`http://api.example${path}`, init)), {
              method: init?.method ?? "GET",
              url: path
            })
          )
    )
  )

describe("Http.layer, mounted", () => {
  it.scopedLive("works behind an embedder's own gate, which names the actor", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" })
      const ask = yield* mount(house, () => ({ _tag: "Admitted", principal: { actor: "oncall", role: "operator" } }))
      const sent = yield* ask("/commands/run", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        body: JSON.stringify(command())
      })
      assert.strictEqual(sent.status, 200)
      assert.include(yield* Effect.promise(() => sent.text()), '"phase":"success"')
      const audit = yield* ask("/reconciliation/audit")
      const page = (yield* Effect.promise(() => audit.json())) as { data: ReadonlyArray<{ actor: string }> }
      assert.deepStrictEqual(
        page.data.map(({ actor }) => actor),
        ["oncall"]
      )
      const large = yield* ask("/commands/run", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "x".repeat(70_000)
      })
      assert.strictEqual(large.status, 413)
    })
  )

  it.scopedLive("streams, and forgets who leaves", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const ask = yield* mount(house, () => ({ _tag: "Admitted", principal: { actor: "oncall", role: "operator" } }))
      const response = yield* ask("/reconciliation/stream?lastEventId=0")
      const reader = response.body?.getReader()
      const read = Effect.promise(async () => new TextDecoder().decode((await reader?.read())?.value))
      assert.match(yield* read, /^retry: /)
      yield* House.tell(house, 1)
      assert.match(yield* read, /^id: [0-9a-f]+-1\nevent: reconciliation.update\n/)
      yield* Effect.promise(async () => reader?.cancel())
    })
  )

  it.scopedLive("the gate of the standalone server lets nobody in whose address it does not know", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const ask = yield* mount(house, Gate.loopback({ hosts: ["api.example"] }))
      assert.strictEqual((yield* ask("/reconciliation/audit", { headers: { host: "localhost" } })).status, 403)
    })
  )
})
