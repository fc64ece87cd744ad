import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import { Api, Permission } from "../src/index.ts"

describe("Permission.of", () => {
  it("is what a route says, and each route of ours says it", () => {
    const silent: Array<string> = []
    HttpApi.reflect(Api.Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => {
        const said = Context.getOption(endpoint.annotations, Permission.Needed)
        if (Option.isNone(said)) silent.push(`${endpoint.method} ${endpoint.path}`)
        else assert.strictEqual(Permission.of(endpoint), said.value)
      }
    })
    assert.deepStrictEqual(silent, [])
  })

  it("is nothing where a route does not say it: such an API is not even served", () => {
    const endpoint = HttpApiEndpoint.get("forgotten", "/forgotten")
    assert.throws(() => Permission.of(endpoint), TypeError, "GET /forgotten does not say whom it is for")
    assert.strictEqual(Permission.of(endpoint.annotate(Permission.Needed, "admin")), "admin")
  })
})
