/** The gate as middleware of every route: nothing behind it runs for a request that it rejects. */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as Context from "effect/Context"
import type { Principal } from "./Gate.ts"
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
