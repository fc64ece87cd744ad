/** An application that embeds Mithrandir, without HTTP: `node dist/main.js [database]`. Ends by itself. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { AuditLog, CommandCatalog, Commands, Database, Event, EventLog, Mithrandir } from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Dashboard from "./Dashboard.ts"
import * as PrintShop from "./PrintShop.ts"
import * as PrintShopSource from "./PrintShopSource.ts"
import * as ReleaseJob from "./ReleaseJob.ts"

/** Mithrandir over the shop, the dashboard and the command; `layerDaemon` recovers, polls and probes by itself. */
const MithrandirLive = Layer.unwrapEffect(
  Effect.map(ReleaseJob.make, (releaseJob) =>
    Mithrandir.layer({
      services: [
        {
          id: "print",
          type: "print-shop",
          source: PrintShopSource.layer,
          pollInterval: "200 millis",
          settle: "50 millis"
        }
      ],
      actions: [...CommandCatalog.standard, releaseJob],
      expected: Dashboard.layerExpected
    })
  )
).pipe(
  Layer.provide(Database.layerSqlite({ filename: process.argv[2] ?? "embedded.db", mode: "writer" })),
  Layer.provide([SqliteNode.layer, NodeContext.layer, NodeHttpClient.layer])
)

const AppLive = Layer.provideMerge(Mithrandir.layerDaemon, MithrandirLive).pipe(
  Layer.provideMerge(Dashboard.layer),
  Layer.provideMerge(PrintShop.layer)
)

const decodeUpdate = Schema.decode(Schema.parseJson(Event.ReconciliationUpdate))

/** Waits for the next pass that ends like this, and says what it found. */
const nextPass = (status: Event.PassStatus) =>
  Effect.gen(function* () {
    const events = yield* EventLog.EventLog
    const update = yield* events.tail(yield* events.newest, { names: ["reconciliation.update"] }).pipe(
      Stream.mapEffect(({ data }) => decodeUpdate(data)),
      Stream.filter((update) => update.status === status),
      Stream.runHead,
      Effect.flatten
    )
    const missing = update.discrepancyDetails?.missingJobIds ?? []
    yield* Console.log(`print: ${update.status}${missing.length === 0 ? "" : `, missing: ${missing.join(", ")}`}`)
  })

/** Sends the command, prints each phase as it is committed, and what is on the record of it in the end. */
const release = (commandId: string, pin: string) =>
  Effect.gen(function* () {
    const commands = yield* Commands.Commands
    const audit = yield* AuditLog.AuditLog
    const request = { service: "print", actionType: "release-job", target: "poster-3", params: { pin, copies: 2 } }
    yield* commands.submit({ commandId, ...request }, "example")
    yield* Stream.runForEach(commands.follow(commandId), ({ logs, phase }) =>
      Console.log(`${request.actionType}: ${phase} (${logs.at(-1)})`)
    )
    const { commandParams, outcome } = yield* audit.get(commandId)
    yield* Console.log(`on the record: ${outcome}, ${JSON.stringify(commandParams)}`)
  })

const program = Effect.gen(function* () {
  const shop = yield* PrintShop.PrintShop
  const dashboard = yield* Dashboard.Dashboard
  yield* nextPass("verified")

  yield* shop.lose("flyer-1")
  yield* nextPass("discrepancy")
  yield* dashboard.forget("flyer-1")
  yield* nextPass("verified")

  const run = crypto.randomUUID().slice(0, 8)
  yield* release(`wrong-${run}`, "1234")
  yield* release(`right-${run}`, "2580")
})

NodeRuntime.runMain(Effect.provide(program, AppLive))
