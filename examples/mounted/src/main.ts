/** Serves it: `node dist/main.js [port] [database file]`. */
import { createServer } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import * as Layer from "effect/Layer"
import * as Jobs from "./Jobs.ts"
import * as MyApi from "./MyApi.ts"

const [port = "4410", filename = "mounted.db"] = process.argv.slice(2)

// What is provided last is there first and goes last: the port opens once the database is open, and the streams have
// ended by the time the server closes.
const main = HttpApiBuilder.serve().pipe(
  HttpServer.withLogAddress,
  Layer.provide(MyApi.layer),
  Layer.provide(NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port: Number(port) })),
  Layer.provide(Jobs.layer(filename))
)

NodeRuntime.runMain(Layer.launch(main))
