import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Commands } from "../src/commands/Commands.ts"
import { EventLog } from "../src/events/EventLog.ts"
import * as Mithrandir from "../src/Mithrandir.ts"
import * as SecurityLog from "../src/security/SecurityLog.ts"
import * as MemorySource from "../src/sources/MemorySource.ts"
import { Store } from "../src/storage/Store.ts"
import { layerHouse, makeFile, query, service } from "./support/house.ts"

const daemon = (file: string, memory: MemorySource.MemorySource, pollInterval: Duration.DurationInput = "100 millis") =>
  Layer.provideMerge(Mithrandir.layerDaemon, layerHouse(file, [service(memory, { pollInterval })], { mode: "standby" }))

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

  it.scoped("writes by itself what happens at the doors, prunes it, and goes on after a failure", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const context = yield* Layer.build(daemon(file, yield* MemorySource.make, "1 hour"))
      const db = new Sqlite(file)
      yield* Effect.addFinalizer(() => Effect.sync(() => db.close()))
      const security = Context.get(context, SecurityLog.SecurityLog)
      const rows = () => query(file, "SELECT kind, count FROM security_event ORDER BY id")
      const until = (isSo: () => boolean) => Effect.repeat(TestClock.adjust(SecurityLog.flushInterval), { until: isSo })

      for (const now of [0, 1, 2]) security.note({ kind: "unauthenticated" }, now)
      yield* until(() => rows().length > 0)
      assert.deepStrictEqual(rows(), [{ kind: "unauthenticated", count: 3 }])

      db.exec("CREATE TRIGGER refused BEFORE INSERT ON security_event BEGIN SELECT RAISE(ABORT, 'refused'); END")
      security.note({ kind: "forbidden" }, 3)
      yield* Effect.repeatN(TestClock.adjust(SecurityLog.flushInterval), 3)
      assert.lengthOf(rows(), 1)
      db.exec("DROP TRIGGER refused")
      yield* until(() => rows().length > 1)
      assert.deepStrictEqual(rows()[1], { kind: "forbidden", count: 1 })

      db.exec("UPDATE security_event SET timestamp = '1969-09-01 00:00:00.000' WHERE kind = 'forbidden'")
      yield* until(() => rows().length < 2)
      assert.deepStrictEqual(rows(), [{ kind: "unauthenticated", count: 3 }])
    })
  )

  it.scoped("writes as it ends what happened since it last wrote", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(daemon(file, yield* MemorySource.make, "1 hour"), scope)
      yield* Context.get(context, Store).gained
      // Past the flush that it begins with.
      yield* Effect.repeatN(TestClock.adjust("1 second"), 5)
      Context.get(context, SecurityLog.SecurityLog).note({ kind: "unauthenticated" }, 0)
      assert.deepStrictEqual(query(file, "SELECT kind FROM security_event"), [])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(query(file, "SELECT kind FROM security_event"), [{ kind: "unauthenticated" }])
    })
  )

  it.scopedLive("keeps what happens at the doors of a standby until that is the writer", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      const memory = yield* MemorySource.make
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(daemon(file, memory), scope)
      const second = yield* Layer.build(daemon(file, memory))
      Context.get(second, SecurityLog.SecurityLog).note({ kind: "unauthenticated" }, 0)
      yield* Scope.close(scope, Exit.void)
      yield* Context.get(second, Store).gained
      const rows = Effect.sync(() => query(file, "SELECT kind, count FROM security_event"))
      yield* Effect.repeat(rows, { until: ({ length }) => length > 0, schedule: Schedule.spaced("20 millis") })
      assert.deepStrictEqual(yield* rows, [{ kind: "unauthenticated", count: 1 }])
    })
  )
})
