/** Mounted as a web handler, `Request` to `Response`, in somebody else's server. */
import type { AddressInfo } from "node:net"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { createAdaptorServer } from "@hono/node-server"
import { EventHub, Http, TokenGate } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Core, limits, serve } from "./House.ts"

serve(
  Effect.gen(function* () {
    const core = Layer.succeedContext(yield* Effect.context<Core>())
    const api = Http.layer.pipe(
      Layer.provide([EventHub.layer(), TokenGate.layer()]),
      Layer.provide(limits),
      Layer.provide(core),
      Layer.merge(HttpServer.layerContext)
    )
    const { handler } = HttpApiBuilder.toWebHandler(api)
    const server = createAdaptorServer({ fetch: (request) => handler(request) })
    return yield* Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    })
  })
)
