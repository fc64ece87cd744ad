import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as HealthMonitor from "../../src/services/HealthMonitor.ts"
import * as ServiceRegistry from "../../src/services/ServiceRegistry.ts"
import * as BullMq from "../../src/sources/BullMq.ts"
import { SourceUnavailable } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, layerHouse, layerPlatform, makeFile, service } from "../support/house.ts"
import { listener } from "../support/listener.ts"

const house = (file: string, services: Parameters<typeof layerHouse>[1]) =>
  Effect.map(Layer.build(layerHouse(file, services)), (context) => ({
    registry: Context.get(context, ServiceRegistry.ServiceRegistry),
    health: Context.get(context, HealthMonitor.HealthMonitor)
  }))

describe("ServiceRegistry", () => {
  it.scoped("remembers since when a service is registered, and shows what left as retired", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const memory = yield* MemorySource.make
      const both = [service(memory), service(memory, { id: "bulk", name: "Bulk", metadata: { team: "jobs" } })]
      yield* Effect.scoped(Effect.flatMap(house(file, both), ({ registry }) => registry.register))
      yield* TestClock.adjust("1 hour")
      const { health, registry } = yield* house(file, [service(memory, { name: "Mail" })])
      yield* registry.register
      const services = yield* health.services
      assert.deepStrictEqual(
        services.map(({ health, registeredAt, ...shown }) => ({ ...shown, at: registeredAt.epochMillis })),
        [
          {
            id: "bulk",
            name: "Bulk",
            type: "memory",
            healthEndpoint: "memory:",
            metadata: { team: "jobs" },
            retired: true,
            at: 0
          },
          { id: "mail", name: "Mail", type: "memory", healthEndpoint: "memory:", metadata: {}, at: 0 }
        ]
      )
      assert.strictEqual((yield* Effect.flip(registry.get("bulk")))._tag, "ServiceNotFound")
    })
  )

  it.scoped("refuses definitions that nothing good can come of", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const wrong = [
        [service(memory), service(memory)],
        [service(memory, { id: "No Good" })],
        [service(memory, { pollInterval: "99 millis" })],
        ...["http://169.254.169.254/latest", "HTTP://0xA9FEA9FE", "https://metadata.google.internal"].map(
          (healthEndpoint) => [service(memory, { healthEndpoint })]
        ),
        // What is shown tells no password.
        [service(memory, { healthEndpoint: "http://u:p@h/health" })],
        [service(memory, { healthEndpoint: "redis://:p@h" })],
        [service(memory, { url: "redis://:p@h" })]
      ]
      for (const services of wrong) {
        const error = yield* Effect.flip(house(yield* makeFile, services))
        assert.strictEqual(error._tag, "ServiceInvalid")
      }
    })
  )

  it.scoped("names the service whose source may not be asked, and quotes nothing of its url", () =>
    Effect.gen(function* () {
      const sources = [
        Palantir.layer({ url: "http://169.254.169.254" }),
        Palantir.layer({ url: "http://u:s3cret@h" }),
        BullMq.layer({ url: "redis://:s3cret@0xA9FEA9FE:6379", queues: ["mail"] }),
        Layer.fail(new Error("as it is"))
      ]
      const errors = yield* Effect.forEach(sources, (source) =>
        Effect.flatMap(makeFile, (file) => {
          const registry = ServiceRegistry.layer([{ id: "mail", type: "any", source }])
          const store = Layer.provide(Store.layer, layerDatabase(file))
          return Effect.flip(Layer.build(registry.pipe(Layer.provide(store), Layer.provide(layerPlatform))))
        })
      )
      assert.deepStrictEqual(
        errors.map(({ message }) => message),
        [
          'service "mail": its url: link-local addresses and metadata services are never asked',
          'service "mail": its url: expected a url without user and password',
          'service "mail": its url: link-local addresses and metadata services are never asked',
          "as it is"
        ]
      )
    })
  )
})

describe("HealthMonitor", () => {
  it.scoped("shows where health is asked for, else where the service is, else nothing", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const { source } = service(memory)
      const { health, registry } = yield* house(yield* makeFile, [
        { id: "both", type: "memory", url: "memory://both", healthEndpoint: "http://127.0.0.1:1/health", source },
        { id: "neither", type: "memory", source },
        { id: "url", type: "memory", url: "memory://url", source }
      ])
      yield* registry.register
      assert.deepStrictEqual(
        (yield* health.services).map(({ healthEndpoint }) => healthEndpoint),
        ["http://127.0.0.1:1/health", null, "memory://url"]
      )
    })
  )

  it.scoped("asks the source where no endpoint is given, or none that speaks HTTP, every five seconds", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const other = service(memory, { id: "other", healthEndpoint: "redis://127.0.0.1:1" })
      const { health } = yield* house(yield* makeFile, [service(memory), other])
      assert.deepStrictEqual(yield* health.health("mail"), { status: "unknown", checkedAt: null, latencyMs: null })
      yield* Effect.forkScoped(health.poll)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* health.health("mail")).status, "healthy")
      yield* memory.control.failWith(new SourceUnavailable({ reason: "connect" }))
      yield* TestClock.adjust("5 seconds")
      const sick = yield* health.health("mail")
      assert.deepInclude(sick, { status: "unhealthy", message: "no connection could be made" })
      assert.deepStrictEqual(sick.checkedAt, DateTime.unsafeMake(5_000))
      assert.deepStrictEqual(yield* health.health("other"), sick)
    })
  )

  it.scopedLive("asks an endpoint over HTTP, follows no redirect, and gives up on one that hangs", () =>
    Effect.gen(function* () {
      const server = createServer((request, response) => {
        if (request.url === "/hang") return
        if (request.url === "/elsewhere") response.setHeader("location", "/ok")
        response.statusCode = { "/ok": 204, "/sick": 500, "/elsewhere": 302 }[request.url ?? ""] ?? 404
        response.end()
      })
      yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close().closeAllConnections()))
      const { port } = server.address() as AddressInfo
      const memory = yield* MemorySource.make
      const at = (id: string) => service(memory, { id, healthEndpoint: `http://127.0.0.1:${port}/${id}` })
      const refused = service(memory, { id: "refused", healthEndpoint: "HTTP://127.0.0.1:1/" })
      const { health } = yield* house(yield* makeFile, [...["ok", "sick", "elsewhere", "hang"].map(at), refused])
      yield* health.probe
      const told = yield* Effect.forEach(["ok", "sick", "elsewhere", "hang", "refused"], health.health)
      assert.deepStrictEqual(
        told.map(({ message, status }) => [status, message]),
        [
          ["healthy", undefined],
          ["unhealthy", "it answered with status 500"],
          ["unhealthy", "it answered with status 302"],
          ["unhealthy", "it did not answer in time"],
          ["unhealthy", "no connection could be made"]
        ]
      )
    })
  )

  it.scopedLive("sends a service's token to no endpoint of its own, and goes nowhere that one points to", () =>
    Effect.gen(function* () {
      const elsewhere = yield* listener((_, response) => response.end())
      const endpoint = yield* listener(({ url = "" }, response) => {
        response.writeHead(Number(url.slice(1)), { location: `${elsewhere.url}/` })
        response.end()
      })
      const statuses = [301, 302, 303, 307, 308]
      const services = statuses.map((status) => ({
        id: `s${status}`,
        type: "palantir",
        healthEndpoint: `${endpoint.url}/${status}`,
        source: Layer.provide(
          Layer.orDie(Palantir.layer({ url: elsewhere.url, token: Redacted.make("s3cret") })),
          NodeHttpClient.layer
        )
      }))
      const { health } = yield* house(yield* makeFile, services)
      yield* health.probe
      for (const status of statuses) {
        const message = `it answered with status ${status}`
        assert.deepInclude(yield* health.health(`s${status}`), { status: "unhealthy", message })
      }
      assert.strictEqual(endpoint.requests.length, statuses.length)
      for (const { rawHeaders } of endpoint.requests) assert.notInclude(rawHeaders.join(" "), "s3cret")
      assert.strictEqual(elsewhere.requests.length, 0)
    })
  )
})
