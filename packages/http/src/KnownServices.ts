/** Which services a filter may name. */
import type { ServiceRegistry, Store } from "@mithrandir/core"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Problem from "./Problem.ts"

type Registry = Context.Tag.Service<ServiceRegistry.ServiceRegistry>

/** Whether all of them are served now. */
export const areServed = (registry: Registry, wanted: ReadonlyArray<string>): boolean =>
  wanted.every((id) => registry.all.some((service) => service.id === id))

/**
 * Refuses ids that were never registered. Retired services count: what they did is still on the record, and a client
 * that comes back must not fail.
 */
export const check: (
  registry: Registry,
  wanted: ReadonlyArray<string>
) => Effect.Effect<void, Problem.Problem | Store.StoreUnreadable> = Effect.fn("KnownServices.check")(
  function* (registry, wanted) {
    if (areServed(registry, wanted)) return
    const registered = yield* registry.registrations
    const known = new Set([...registry.all, ...registered].map(({ id }) => id))
    const unknown = wanted.find((id) => !known.has(id))
    if (unknown === undefined) return
    const problem = `no service "${unknown}" was ever registered; known: ${Array.from(known).join(", ")}`
    return yield* Problem.invalid("service", problem)
  }
)
