/** The standalone server as it is. */
import { Server } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { limits, serve } from "./House.ts"

serve(
  Effect.gen(function* () {
    const context = yield* Layer.build(Server.layer({ port: 0 }).pipe(Layer.provide(limits)))
    const { port } = yield* Effect.provide(Server.Server, context)
    return port
  })
)
