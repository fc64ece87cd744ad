/** The gate as middleware of every route: nothing behind it runs for a request that it rejects. */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Gate, type Principal, type Verdict } from "./Gate.ts"
import * as Knock from "./Knock.ts"
import * as Problem from "./Problem.ts"

/** Who asked, for handlers. */
export class CurrentPrincipal extends Context.Tag("@mithrandir/http/CurrentPrincipal")<CurrentPrincipal, Principal>() {}

/**
 * Provides `CurrentPrincipal`, or ends the request with a problem. The last that is put around a route, so that it
 * comes before the others: no body is read for whom it rejects.
 */
export class Admission extends HttpApiMiddleware.Tag<Admission>()("@mithrandir/http/Admission", {
  failure: Problem.Any,
  provides: CurrentPrincipal
}) {}

const admit = (verdict: Verdict): Effect.Effect<Principal, Problem.Problem> =>
  verdict._tag === "Admitted" ? Effect.succeed(verdict.principal) : verdict.problem

/** Judges every request by the gate in force. */
export const layer: Layer.Layer<Admission, never, Gate> = Layer.effect(
  Admission,
  Effect.map(Gate, ({ judge }) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => admit(judge(Knock.of(request))))
  )
)
