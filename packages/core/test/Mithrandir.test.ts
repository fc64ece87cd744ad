import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Commands } from "../src/commands/Commands.ts"
import { EventLog } from "../src/events/EventLog.ts"
import * as Mithrandir from "../src/Mithrandir.ts"
import * as MemorySource from "../src/sources/MemorySource.ts"
import { Store } from "../src/storage/Store.ts"
import { layerHouse, makeFile, query, service } from "./support/house.ts"

const daemon = (file: string, memory: MemorySource.MemorySource) =>
  Layer.provideMerge(
    Mithrandir.layerDaemon,
    layerHouse(file, [service(memory, { pollInterval: "100 millis" })], { mode: "standby" })
  )

describe("Mithrandir", () => {
  it.scopedLive("polls, probes and registers by itself, and a replica goes on where the first one ended", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "failed", state: "failed" })
      const scope = yield* Scope.make()
      const first = yield* Layer.buildWithScope(daemon(file, memory), scope)
      const updates = (context: Context.Context<EventLog>, after: number, count: number) =>
        Context.get(context, EventLog)
          .tail(after, { names: ["reconciliation.update"] })
          .pipe(Stream.take(count), Stream.runDrain)
      yield* updates(first, 0, 3)
      assert.deepStrictEqual(query(file, "SELECT id, retired_at FROM service"), [{ id: "mail", retired_at: null }])

      const second = yield* Layer.build(daemon(file, memory))
      const request = { commandId: "one", service: "mail", actionType: "retry-job", target: "failed" }
      const refused = yield* Effect.flip(Context.get(second, Commands).submit(request, "tester"))
      assert.deepInclude(refused, { _tag: "StoreUnavailable", reason: "standby" })
      // What the first one writes, the second one's listeners hear.
      yield* updates(second, yield* Context.get(second, Store).newest, 2)

      yield* Scope.close(scope, Exit.void)
      yield* Context.get(second, Store).gained
      yield* updates(second, yield* Context.get(second, Store).newest, 2)
      yield* Context.get(second, Commands).submit(request, "tester")
      const phases = yield* Stream.runCollect(Stream.map(Context.get(second, Commands).follow("one"), (s) => s.phase))
      assert.deepStrictEqual([...phases].at(-1), "success")
      const [places] = query<{ n: number; last: number }>(file, "SELECT COUNT(*) AS n, MAX(seq) AS last FROM event")
      assert.strictEqual(places?.n, places?.last)
    })
  )
})
