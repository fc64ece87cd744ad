import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Reconciler } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { EventHub, Gate, Http } from "../src/index.ts"
import { ask, assertProblem } from "./support/ask.ts"
import * as House from "./support/house.ts"

const judge: Gate.Judge = () => ({ _tag: "Admitted", principal: { actor: "oncall", role: "viewer" } })

/** `/health/ready` of a house whose passes of these services are overdue. */
const readyWhile = (house: House.House, overdue: ReadonlyArray<string>) => {
  const reconciler = Context.get(house.context, Reconciler.Reconciler)
  const late = { ...reconciler, overdue: Effect.succeed(overdue) }
  return Effect.acquireRelease(
    Effect.sync(() =>
      HttpApiBuilder.toWebHandler(
        Http.layer.pipe(
          Layer.provide(EventHub.layer()),
          Layer.provide(Layer.succeed(Gate.Gate, { judge })),
          Layer.provide(Layer.succeedContext(Context.add(house.context, Reconciler.Reconciler, late))),
          Layer.merge(HttpServer.layerContext),
          Layer.merge(Logger.remove(Logger.defaultLogger))
        )
      )
    ),
    ({ dispose }) => Effect.promise(dispose)
  ).pipe(
    Effect.flatMap(({ handler }) =>
      Effect.promise(async () => {
        const response = await handler(new Request("http://api.example/health/ready"))
        return { status: response.status, json: (await response.json()) as Record<string, unknown> }
      })
    )
  )
}

describe("/health/ready", () => {
  it.scopedLive("is not while the last pass of a service is too old", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      assert.strictEqual((yield* readyWhile(house, [])).status, 200)
      const { json, status } = yield* readyWhile(house, ["alpha"])
      assert.deepStrictEqual([status, json.code], [503, "not-ready"])
      assert.deepStrictEqual(json.errors, [
        { path: "reconciliation", problem: "the last pass of 1 of the services is too old" }
      ])
    })
  )

  it.scopedLive("tells of a check that throws or interrupts itself as of one that fails", () =>
    Effect.gen(function* () {
      const checks = [
        { name: "interrupts", check: Effect.interrupt },
        { name: "throws", check: Effect.die(new Error("hush")) }
      ]
      const house = yield* House.fresh({ checks })
      const ready = yield* ask(`${house.url}/health/ready`)
      assertProblem(ready, 503, "not-ready", "interrupts")
      assertProblem(ready, 503, "not-ready", "throws")
      assert.notInclude(ready.text, "hush")
    })
  )
})
