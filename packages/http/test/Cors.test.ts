import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { raw } from "./support/ask.ts"
import * as House from "./support/house.ts"

const dashboard = "https://dash.example"

describe("a preflight", () => {
  it.scopedLive("is allowed nothing under a name that is not ours, whatever page it is for", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ origins: [dashboard], hosts: ["ops.example"] })
      const preflight = (host: ReadonlyArray<string>) => {
        const lines = [
          "OPTIONS /commands/run HTTP/1.1",
          ...host.map((name) => `Host: ${name}`),
          ...[`Origin: ${dashboard}`, "Access-Control-Request-Method: POST", "Connection: close"]
        ]
        return raw(house.port, `${lines.join("\r\n")}\r\n\r\n`)
      }
      for (const host of ["localhost", "127.0.0.1:1", "[::1]", "ops.example", "OPS.example:443"]) {
        const answer = yield* preflight([host])
        assert.match(answer, /^HTTP\/1\.1 204 /, host)
        assert.include(answer.toLowerCase(), `access-control-allow-origin: ${dashboard}\r\n`)
      }
      for (const host of ["attacker.example", "dash.example", "ops.example.attacker.example", "localhost.", "a b"]) {
        const answer = yield* preflight([host])
        assert.match(answer, /^HTTP\/1\.1 421 /, host)
        assert.notInclude(answer.toLowerCase(), "access-control-allow", host)
      }
      const nameless = yield* preflight([])
      assert.match(nameless, /^HTTP\/1\.1 400 /)
      assert.notInclude(nameless.toLowerCase(), "access-control-allow")
    })
  )
})
