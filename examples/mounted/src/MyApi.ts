/** The whole API: its own routes, and Mithrandir's under `/ops`. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type { Mithrandir } from "@mithrandir/core"
import { Api, EventHub, Gate, Http, Problem } from "@mithrandir/http"
import * as Layer from "effect/Layer"
import { owner, TeamsApi } from "./Teams.ts"

export class MyApi extends HttpApi.make("my").add(TeamsApi).addHttpApi(Api.Api.prefix("/ops")) {}

const teams = HttpApiBuilder.group(MyApi, "teams", (handlers) =>
  handlers.handle("owner", ({ path: { service } }) => owner(service))
)

/** Loopback alone, and none of what a web page could forge; then whoever the proxy in front of us says it is. */
const fromThisMachine = Gate.loopback()
const judge: Gate.Judge = (knock) => {
  const verdict = fromThisMachine(knock)
  if (verdict._tag === "Rejected") return verdict
  const user = knock.headers["x-user"]
  return user !== undefined && /^[a-z]{1,32}$/.test(user)
    ? { _tag: "Admitted", principal: { actor: user, role: "operator" } }
    : { _tag: "Rejected", problem: Problem.make("unauthenticated", { detail: "the header x-user says who you are" }) }
}

/** Every route answered. */
export const layer: Layer.Layer<HttpApi.Api, never, Mithrandir.Mithrandir> = HttpApiBuilder.api(MyApi).pipe(
  Layer.provide([teams, Http.layerFor(MyApi)]),
  Layer.provide(EventHub.layer()),
  Layer.provide(Layer.succeed(Gate.Gate, { judge }))
)
