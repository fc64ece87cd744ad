import { ServiceRegistry } from "@mithrandir/core"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
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
    const said = { pollInterval: Duration.seconds(1), settle: Duration.zero, expectation: "strict" } as const
    expect(Services.define({ ...palantir, ...said })).toMatchObject(said)
  })

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
