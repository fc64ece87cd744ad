/** Asks every service how it feels. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Monotonic from "../model/Monotonic.ts"
import { type Health, type Service, unknownHealth } from "../model/Service.ts"
import { AddressRefused } from "../sources/Egress.ts"
import * as Foreign from "../sources/Foreign.ts"
import { SourceUnavailable } from "../sources/JobSource.ts"
import type { StoreUnreadable } from "../storage/Store.ts"
import { type RegisteredService, ServiceRegistry } from "./ServiceRegistry.ts"

/** How the registered services feel. Kept in memory: after a start it is `unknown` until the first probe. */
export class HealthMonitor extends Context.Tag("@mithrandir/core/HealthMonitor")<
  HealthMonitor,
  {
    /** The last probe of a service. */
    readonly health: (service: string) => Effect.Effect<Health>
    /** Every service that was ever registered, with its last probe. */
    readonly services: Effect.Effect<ReadonlyArray<Service>, StoreUnreadable>
    /** Probes every service now. Never fails: what went wrong is the answer. */
    readonly probe: Effect.Effect<void>
    /** Probes every 5 s, for ever. */
    readonly poll: Effect.Effect<never>
  }
>() {}

const interval = "5 seconds"

/** A system that takes longer than this to say it is well is not. */
const deadline = "3 seconds"

const make = Effect.gen(function* () {
  const registry = yield* ServiceRegistry
  const http = yield* HttpClient.HttpClient
  const last = new Map<string, Health>()

  /** An endpoint of its own is asked without our token, which belongs to the source's origin alone. */
  const endpoint = (url: string) =>
    Effect.scoped(http.get(url)).pipe(
      Effect.flatMap(({ status }) =>
        status >= 200 && status < 300 ? Effect.void : Effect.fail({ message: `it answered with status ${status}` })
      ),
      // In the words that a source would use.
      Effect.catchTags({
        RequestError: ({ cause }) =>
          new SourceUnavailable({ reason: cause instanceof AddressRefused ? "address" : "connect" }),
        ResponseError: () => new SourceUnavailable({ reason: "reset" })
      })
    )

  const probeOne = (service: RegisteredService) =>
    Effect.gen(function* () {
      const checkedAt = yield* DateTime.now
      const begun = yield* Monotonic.now
      const asked: Effect.Effect<void, { readonly message: string }> =
        service.healthEndpoint === undefined ? service.source.ping : endpoint(service.healthEndpoint)
      const exit = yield* Foreign.run(() => asked).pipe(
        Effect.timeoutFail({ duration: deadline, onTimeout: () => ({ message: "it did not answer in time" }) }),
        Effect.mapError(Foreign.reason),
        Effect.catchAllDefect(() => Effect.fail("the probe itself failed")),
        Effect.either
      )
      const latencyMs = (yield* Monotonic.now) - begun
      last.set(
        service.id,
        exit._tag === "Right"
          ? { status: "healthy", checkedAt, latencyMs }
          : { status: "unhealthy", checkedAt, latencyMs, message: exit.left }
      )
    })

  const probe = Effect.forEach(registry.all, probeOne, { concurrency: "unbounded", discard: true }).pipe(
    Effect.withSpan("HealthMonitor.probe")
  )

  const health = (service: string) => Effect.sync(() => last.get(service) ?? unknownHealth)

  const services = Effect.map(registry.registrations, (all) =>
    all.map(({ retired, ...registration }): Service => {
      const shown = { ...registration, health: last.get(registration.id) ?? unknownHealth }
      return retired ? { ...shown, retired } : shown
    })
  )

  return HealthMonitor.of({
    health,
    services,
    probe,
    poll: probe.pipe(Effect.repeat(Schedule.fixed(interval)), Effect.zipRight(Effect.never))
  })
})

/** Over the registered services, and an HTTP client for those with an endpoint of their own. */
export const layer: Layer.Layer<HealthMonitor, never, ServiceRegistry | HttpClient.HttpClient> = Layer.effect(
  HealthMonitor,
  make
)
