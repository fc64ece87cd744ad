/** What each route asks of whoever comes: said where the route is, and nowhere else. */
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Token } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Option from "effect/Option"

/** `anyone`: whoever reaches the server. Else a role, which has to be at least this one. */
export type Permission = "anyone" | Token.Role

/** The annotation of a route that says it. */
export class Needed extends Context.Tag("@mithrandir/http/Needed")<Needed, Permission>() {}

/** What a route asks. Throws a `TypeError` where it does not say: nobody is to be let in by an oversight. */
export const of = (
  endpoint: Pick<HttpApiEndpoint.HttpApiEndpoint.AnyWithProps, "annotations" | "method" | "path">
): Permission =>
  Option.getOrThrowWith(
    Context.getOption(endpoint.annotations, Needed),
    () =>
      new TypeError(`${endpoint.method} ${endpoint.path} does not say whom it is for: Operation.told({ permission })`)
  )

/** Whether somebody who has the one may do what the other is needed for. */
export const covers = (held: Permission, needed: Permission): boolean =>
  needed === "anyone" || (held !== "anyone" && Token.covers(held, needed))
