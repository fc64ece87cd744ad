import { Limits } from "@mithrandir/http"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Config from "../../src/config/Config.ts"
import * as EffectiveConfig from "../../src/config/EffectiveConfig.ts"
import type { Settings } from "../../src/config/Settings.ts"

const palantir = { id: "palantir", type: "palantir", url: "http://127.0.0.1:4420" }
const mail = { id: "mail", type: "bullmq", url: "redis://127.0.0.1:6379", queues: ["mail"] }

const settings = (services: ReadonlyArray<unknown>, environment: Readonly<Record<string, string>> = {}): Settings => ({
  host: "127.0.0.1",
  port: 4410,
  hosts: ["ops.example"],
  origins: [],
  limits: { streams: 7 },
  database: "/srv/mithrandir.db",
  configFile: Option.some("/etc/mithrandir.json"),
  services: Either.right([]),
  entries:
    Either.getOrThrowWith(Config.decode({ services }), (problems) => new Error(JSON.stringify(problems))).services ??
    [],
  from: {
    ...{ host: "flag", port: "environment", hosts: ".env", origins: "default", limits: "file" },
    ...{ database: "default", services: "file" }
  },
  environment: { environment, ".env": {}, mistakes: [] },
  warnings: []
})

describe("EffectiveConfig.of", () => {
  it("has every key of a service, those included that it leaves out, and where each is from", () => {
    const { config, configFile, origins } = EffectiveConfig.of(settings([palantir, mail]))
    expect(configFile).toBe("/etc/mithrandir.json")
    const defaults = {
      pollInterval: "5 seconds",
      settle: "250 millis",
      requestTimeout: "3 seconds",
      commandTimeout: "30 seconds",
      finishedKept: "10 minutes",
      expectation: "lifecycle"
    }
    expect(config).toEqual({
      host: "127.0.0.1",
      port: 4410,
      hosts: ["ops.example"],
      origins: [],
      limits: { ...Limits.defaults, streams: 7 },
      database: "/srv/mithrandir.db",
      services: [
        { ...palantir, name: "palantir", honoursKeys: true, ...defaults },
        { ...mail, name: "mail", prefix: "bull", ...defaults }
      ]
    })
    expect(origins).toMatchObject({
      host: "flag",
      port: "environment",
      hosts: ".env",
      "limits.streams": "file",
      "limits.streamsPerActor": "default",
      database: "default",
      services: "file",
      "services[0].url": "file",
      "services[0].name": "default",
      "services[1].queues": "file",
      "services[1].settle": "default"
    })
  })

  it("shows of a secret where it is from, and whether it is there", () => {
    const entries = [
      { ...palantir, token: "5318008" },
      { ...mail, password: { env: "REDIS_PASSWORD" } },
      { ...mail, id: "other", password: { env: "NONE" } }
    ]
    const { config } = EffectiveConfig.of(settings(entries, { REDIS_PASSWORD: "5318008" }))
    expect(config.services).toMatchObject([
      { token: "[redacted]" },
      { password: { env: "REDIS_PASSWORD", set: true } },
      { password: { env: "NONE", set: false } }
    ])
    expect(JSON.stringify(config)).not.toContain("5318008")
  })

  it.each([
    ["redis://h:6379/2", "redis://h:6379/2"],
    ["redis://:5318008@h:6379/2", "redis://[redacted]@h:6379/2"],
    ["redis://user@h", "redis://[redacted]@h"],
    ["rediss://u:53@18008@h/", "rediss://[redacted]@h"],
    ["redis://h?password=5318008", "redis://h?[redacted]"],
    ["redis://h/1?5318008", "redis://h/1?[redacted]"]
  ])("shows of the url %s only %s", (url, shown) => {
    expect(EffectiveConfig.of(settings([{ ...mail, url }])).config.services[0]).toMatchObject({ url: shown })
  })

  it("shows metadata as it is: it is public by definition", () => {
    const metadata = { team: "jobs", token: "shown" }
    expect(EffectiveConfig.of(settings([{ ...palantir, metadata }])).config.services[0]).toMatchObject({ metadata })
  })

  it("no secret survives, whatever it is made of", () => {
    const secret = fc.stringMatching(/^[\x21-\x7e]{8,40}$/)
    fc.assert(
      fc.property(secret, secret, secret, (token, password, userinfo) => {
        const url = `redis://:${encodeURIComponent(userinfo)}@h/0?password=${encodeURIComponent(password)}`
        const entries = [
          { ...palantir, token },
          { ...mail, url, password }
        ]
        const shown = EffectiveConfig.of(settings(entries, { A: token }))
        const text = JSON.stringify([shown, EffectiveConfig.rows(shown)])
        for (const one of [token, password, userinfo]) {
          expect(text).not.toContain(JSON.stringify(one).slice(1, -1))
          expect(text).not.toContain(encodeURIComponent(one))
        }
      })
    )
  })
})

describe("EffectiveConfig.rows", () => {
  it("has a row a key, text as it is and all else as JSON", () => {
    const rows = EffectiveConfig.rows(EffectiveConfig.of(settings([{ ...mail, password: { env: "A" } }])))
    expect(rows.slice(0, 12)).toEqual([
      { key: "host", value: "127.0.0.1", origin: "flag" },
      { key: "port", value: "4410", origin: "environment" },
      { key: "hosts", value: '["ops.example"]', origin: ".env" },
      { key: "origins", value: "[]", origin: "default" },
      { key: "database", value: "/srv/mithrandir.db", origin: "default" },
      { key: "limits.commandsPerMinute", value: "600", origin: "default" },
      { key: "limits.failuresPerMinute", value: "30", origin: "default" },
      { key: "limits.streamsPerActor", value: "1000", origin: "default" },
      { key: "limits.streams", value: "7", origin: "file" },
      { key: "limits.backlogKiB", value: "1024", origin: "default" },
      { key: "limits.backlogSeconds", value: "60", origin: "default" },
      { key: "services[0].id", value: "mail", origin: "file" }
    ])
    expect(rows).toContainEqual({ key: "services[0].queues", value: '["mail"]', origin: "file" })
    expect(rows).toContainEqual({ key: "services[0].password", value: '{"env":"A","set":false}', origin: "file" })
    expect(rows).toContainEqual({ key: "services[0].prefix", value: "bull", origin: "default" })
  })

  it("says that there are no services", () => {
    expect(EffectiveConfig.rows(EffectiveConfig.of(settings([]))).at(-1)).toEqual({
      key: "services",
      value: "[]",
      origin: "file"
    })
  })
})
