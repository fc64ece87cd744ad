/** A replica in somebody's own program stands by, and takes over what a server that was killed had begun. */
import { assert, describe, it } from "@effect/vitest"
import { Commands, EventLog, Mithrandir, Palantir, type ServiceRegistry, Store } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { layerDatabase, layerPlatform, query } from "../../core/test/support/house.ts"
import * as House from "./support/house.ts"
import { stopAll } from "./support/process.ts"

const replica = (house: House.House) => {
  const { url } = house.palantir
  const services: ReadonlyArray<ServiceRegistry.ServiceDefinition<unknown, never>> = [
    {
      id: "palantir",
      type: "palantir",
      url,
      pollInterval: "200 millis",
      settle: "20 millis",
      source: Layer.provide(Palantir.layer({ url }), layerPlatform)
    }
  ]
  return Mithrandir.layerDaemon.pipe(
    Layer.provideMerge(Mithrandir.layer({ services })),
    Layer.provide(layerDatabase(house.database, "standby")),
    Layer.provide(layerPlatform)
  )
}

const makeHouse = Effect.acquireRelease(
  Effect.promise(() => House.make()),
  (house) => Effect.promise(() => stopAll().then(house.leave))
)

describe("a replica that stands by", () => {
  it.scopedLive("takes over from a server that is killed, finishes its command, and has no gap in its events", () =>
    Effect.gen(function* () {
      const house = yield* makeHouse
      const server = house.start("serve")
      const url = yield* Effect.promise(() => House.urlOf(server))
      yield* Effect.promise(() => server.line(/palantir: verified/))
      const context = yield* Layer.build(replica(house))
      const commands = Context.get(context, Commands.Commands)
      const store = Context.get(context, Store.Store)
      const request = { commandId: "own", service: "palantir", actionType: "retry-job", target: "job-1" }
      assert.deepInclude(yield* Effect.flip(commands.submit(request, "replica")), { reason: "standby" })

      house.palantir.silent = true
      const body = JSON.stringify({ ...request, commandId: "left", target: "job-0" })
      const headers = { "content-type": "application/json" }
      yield* Effect.promise(() => fetch(`${url}/commands/run`, { method: "POST", headers, body }))
      yield* Effect.promise(() => server.line(/command left: running/))
      // What the server writes, the replica hears.
      yield* Effect.repeat(commands.get("left"), { until: ({ phase }) => phase === "running" })
      house.palantir.silent = false
      yield* Effect.promise(() => server.stop("SIGKILL"))

      yield* store.gained
      const last = yield* Stream.runLast(commands.follow("left"))
      assert.deepInclude(Effect.runSync(Effect.orDie(last)), { phase: "success" })
      yield* commands.submit(request, "replica")
      yield* Stream.runDrain(commands.follow("own"))
      yield* Context.get(context, EventLog.EventLog)
        .tail(yield* store.newest, { names: ["reconciliation.update"] })
        .pipe(Stream.take(2), Stream.runDrain)
      const audit = query(house.database, "SELECT id, actor, outcome FROM command_audit ORDER BY id")
      assert.deepStrictEqual(audit, [
        { id: "left", actor: "local", outcome: "success" },
        { id: "own", actor: "replica", outcome: "success" }
      ])
      const [events] = query<{ n: number; last: number }>(
        house.database,
        "SELECT COUNT(*) AS n, MAX(seq) AS last FROM event"
      )
      assert.strictEqual(events?.n, events?.last)
    })
  )
})
