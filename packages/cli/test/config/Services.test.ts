import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, expect, it } from "@effect/vitest"
import { JobSource, ServiceRegistry } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Services from "../../src/config/Services.ts"

const palantir = { id: "palantir", type: "palantir", url: "http://127.0.0.1:4420" } as const

describe("Services.define", () => {
  it("shows the url, and has HTTP probe a health endpoint where one is given", () => {
    expect(Services.define(palantir)).not.toHaveProperty("healthEndpoint")
    expect(ServiceRegistry.shown(Services.define(palantir)).healthEndpoint).toBe("http://127.0.0.1:4420")
    const healthEndpoint = "http://127.0.0.1:4420/api/v1/health"
    expect(Services.define({ ...palantir, healthEndpoint })).toMatchObject({ healthEndpoint })
    expect(ServiceRegistry.shown(Services.define({ ...palantir, healthEndpoint })).healthEndpoint).toBe(healthEndpoint)
  })

  it("fills in what the config leaves out, as it is published", () => {
    const { source: _, ...definition } = Services.define(palantir)
    expect(definition).toEqual({
      id: "palantir",
      type: "palantir",
      url: "http://127.0.0.1:4420",
      pollInterval: Duration.seconds(5),
      settle: Duration.millis(250),
      commandTimeout: Duration.seconds(30),
      expectation: "lifecycle"
    })
  })

  it("keeps what the config says", () => {
    const said = {
      pollInterval: Duration.seconds(1),
      settle: Duration.zero,
      commandTimeout: Duration.minutes(2),
      expectation: "strict"
    } as const
    expect(Services.define({ ...palantir, ...said })).toMatchObject(said)
  })

  it.scoped("hands the source its token, its patience, and how long finished jobs are kept", () =>
    Effect.gen(function* () {
      const shown: Array<string | undefined> = []
      let isSilent = false
      const upstream = HttpClient.make((request) =>
        Effect.suspend(() => {
          shown.push(request.headers["authorization"])
          if (isSilent) return Effect.never
          const counts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }
          return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json({ counts })))
        })
      )
      const { source } = Services.define({
        ...palantir,
        token: Redacted.make("5318008"),
        requestTimeout: Duration.seconds(7),
        finishedKept: Duration.minutes(20)
      })
      const built = yield* Layer.build(Layer.provide(source, Layer.succeed(HttpClient.HttpClient, upstream)))
      const { counts, finishedKept } = Context.get(built, JobSource.JobSource)
      yield* counts
      assert.deepStrictEqual(shown, ["Bearer 5318008"])
      assert.deepStrictEqual(finishedKept, Duration.minutes(20))
      isSilent = true
      const asked = yield* Effect.fork(Effect.flip(counts))
      yield* TestClock.adjust("6999 millis")
      assert.isNull(asked.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(asked), { _tag: "SourceUnavailable", reason: "timeout" })
    })
  )

  it("shows nothing of who logs in to a Redis", () => {
    const { source: _, ...definition } = Services.define({
      id: "mail",
      type: "bullmq",
      url: "rediss://user:5318008@redis.example:6380/2?password=5318008",
      queues: ["mail"],
      password: Redacted.make("5318008")
    })
    expect(definition.url).toBe("rediss://redis.example:6380/2")
    expect(JSON.stringify(definition)).not.toContain("5318008")
  })
})
