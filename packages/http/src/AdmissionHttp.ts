/** Has the gatekeeper asked about every request that a route of ours was found for. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Admission } from "./Admission.ts"
import * as Arrival from "./Arrival.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import type { Mount } from "./Mount.ts"

/** Judges every request for a route by the gate in force. */
export const layer = <Id extends string>(mount: Mount<Id>): Layer.Layer<Admission, never, Gatekeeper> =>
  Layer.effect(
    Admission,
    Effect.map(Gatekeeper, ({ admit }) =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        // What the router has found, and not what we would find: a path may be written in more ways than one.
        const { route } = yield* HttpRouter.RouteContext
        const own = mount.route(route.method, route.path)
        if (own === undefined) return yield* Effect.dieMessage(`${route.method} ${route.path} is no route of ours`)
        const verdict = admit(yield* Arrival.of(request), own, Arrival.sourceOf(request))
        return verdict._tag === "Admitted" ? verdict.principal : yield* verdict.problem
      })
    )
  )
