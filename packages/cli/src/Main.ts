/** The edge: which drivers this program uses, and how its process ends. */

import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Egress } from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Cli from "./Cli.ts"
import type { Drivers } from "./line/Program.ts"
import * as Token from "./line/Token.ts"
import * as Log from "./output/Log.ts"
import * as Terminal from "./output/Terminal.ts"

/**
 * Node's own HTTP client: unlike fetch it keeps size limits, follows no redirect to another host, and inflates
 * nothing. It asks nobody whom `Egress` refuses, be it a source, a health endpoint or a server of ours.
 */
const http = Layer.provide(
  Layer.fresh(NodeHttpClient.layerWithoutAgent),
  NodeHttpClient.makeAgentLayer({ lookup: Egress.lookup })
)

export const drivers: Layer.Layer<Drivers> = Layer.mergeAll(SqliteNode.layer, NodeContext.layer, http, Log.layer)

/** Runs a command line to its end, and the process with it. */
export const main = (argv: ReadonlyArray<string>): void => {
  Terminal.guard()
  Token.hide(argv)
  // Nothing of ours throws outside an effect, but a driver may.
  process.on("uncaughtException", (error) => {
    Effect.runPromise(Cli.report(Cause.die(error))).then(Terminal.leave)
  })
  Effect.runPromise(Cli.run(argv).pipe(Effect.provide(drivers), Effect.catchAllCause(Cli.report))).then(Terminal.leave)
}
