import { execFileSync } from "node:child_process"
import { rm } from "node:fs/promises"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as NodeContext from "@effect/platform-node/NodeContext"
import type { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { build } from "esbuild"
import * as SqliteNode from "../../src/drivers/SqliteNode.ts"
import * as SqliteThread from "../../src/drivers/SqliteThread.ts"
import { layerSqlite, SqliteDriver } from "../../src/storage/Database.ts"
import * as Store from "../../src/storage/Store.ts"
import { sqliteCode } from "../../src/storage/WriterLock.ts"
import { makeFile } from "../support/house.ts"

const layerOf = (filename: string, driver: Layer.Layer<SqliteDriver>) =>
  Store.layer.pipe(Layer.provide(layerSqlite({ filename, mode: "writer" })), Layer.provide([driver, NodeContext.layer]))

const open = (driver: Layer.Layer<SqliteDriver>) =>
  Effect.gen(function* () {
    const filename = yield* makeFile
    const context = yield* Layer.build(layerOf(filename, driver))
    return yield* Effect.provide(Store.Store, context)
  })

/** Takes SQLite a second or so, wherever it runs. */
const long = (sql: SqlClient) =>
  sql<{
    n: number
  }>`WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000000) SELECT COUNT(*) AS n FROM c`

describe("reading aside", () => {
  it.scoped("keeps nobody else waiting", () =>
    Effect.gen(function* () {
      const store = yield* open(SqliteNode.layer)
      const reading = yield* Effect.fork(store.readAside(long))
      // It is begun by then.
      yield* Effect.yieldNow()
      const one = yield* store.read((sql) => sql`SELECT newest FROM event_seq`)
      yield* store.commit({
        writes: [],
        events: [{ name: "reconciliation.update", service: "mail", subject: "mail", data: "{}" }]
      })
      assert.deepStrictEqual(one, [{ newest: 0 }])
      assert.isNull(reading.unsafePoll())
      assert.deepStrictEqual(yield* Fiber.join(reading), [{ n: 5_000_000 }])
      // What was acknowledged is there.
      assert.deepStrictEqual(yield* store.readAside((sql) => sql`SELECT newest FROM event_seq`), [{ newest: 1 }])
    })
  )

  it.scoped("has the settings of a reader, and writes nothing", () =>
    Effect.gen(function* () {
      const store = yield* open(SqliteNode.layer)
      const settings = yield* store.readAside((sql) => Effect.all([sql`PRAGMA query_only`, sql`PRAGMA trusted_schema`]))
      assert.deepStrictEqual(settings, [[{ query_only: 1 }], [{ trusted_schema: 0 }]])
      const code = yield* store.readAside((sql) =>
        sql`DELETE FROM event`.pipe(
          Effect.as("deleted"),
          Effect.catchAll((error) => Effect.succeed(sqliteCode(error)))
        )
      )
      assert.strictEqual(code, "SQLITE_READONLY")
    })
  )

  it.scoped("goes on after a query that SQLite refused, and one that nobody waits for any more", () =>
    Effect.gen(function* () {
      const store = yield* open(SqliteNode.layer)
      const refused = yield* Effect.flip(store.readAside((sql) => sql`SELECT * FROM nothing`))
      assert.strictEqual(refused._tag, "StoreUnreadable")
      const left = yield* Effect.fork(store.readAside(long))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(left)
      assert.deepStrictEqual(yield* store.readAside((sql) => sql`SELECT 1 AS one`), [{ one: 1 }])
    })
  )

  it.scoped("begins another thread where one has ended", () =>
    Effect.gen(function* () {
      let threads: ReadonlyArray<Scope.CloseableScope> = []
      const mortal = Layer.effect(
        SqliteDriver,
        Effect.map(SqliteDriver, ({ open }) =>
          SqliteDriver.of({
            open,
            openAside: (filename) =>
              Effect.gen(function* () {
                const own = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
                threads = [...threads, own]
                return yield* Scope.extend(SqliteThread.make(filename), own)
              }).pipe(Effect.provide(Reactivity.layer))
          })
        )
      ).pipe(Layer.provide(SqliteNode.layer))
      const store = yield* open(mortal)
      const one = store.readAside((sql) => sql`SELECT 1 AS one`)
      assert.deepStrictEqual(yield* one, [{ one: 1 }])
      const reading = yield* Effect.fork(store.readAside(long))
      yield* Effect.yieldNow()
      for (const thread of threads) yield* Scope.close(thread, Exit.void)
      assert.strictEqual((yield* Effect.flip(Fiber.join(reading)))._tag, "StoreUnreadable")
      assert.deepStrictEqual(yield* one, [{ one: 1 }])
      assert.strictEqual(threads.length, 2)
    })
  )

  it.scoped("goes on in programs that are bundled, whatever becomes of names there", () =>
    Effect.gen(function* () {
      const filename = yield* makeFile
      yield* Layer.build(layerOf(filename, SqliteNode.layer))
      // Beside what it needs, which is not bundled with it.
      const outfile = fileURLToPath(new URL(`../../dist/bundled-${process.pid}.mjs`, import.meta.url))
      yield* Effect.addFinalizer(() => Effect.promise(() => rm(outfile, { force: true })))
      const contents = `
        import * as Reactivity from "@effect/experimental/Reactivity"
        import * as Effect from "effect/Effect"
        import * as SqliteThread from "../src/drivers/SqliteThread.ts"
        SqliteThread.make(process.argv[2]).pipe(
          Effect.flatMap((sql) => sql\`SELECT newest FROM event_seq\`),
          Effect.scoped,
          Effect.provide(Reactivity.layer),
          Effect.runPromise
        ).then((rows) => console.log(JSON.stringify(rows)))`
      for (const minify of [true, false]) {
        yield* Effect.promise(() =>
          build({
            stdin: { contents, resolveDir: dirname(outfile), loader: "ts" },
            outfile,
            ...{ bundle: true, format: "esm", platform: "node", packages: "external", keepNames: true, minify }
          })
        )
        assert.strictEqual(
          execFileSync(process.execPath, [outfile, filename], { encoding: "utf8" }),
          '[{"newest":0}]\n'
        )
      }
    })
  )

  it.scoped("is reading in turn where the driver has nothing for it", () =>
    Effect.gen(function* () {
      const plain = Layer.effect(
        SqliteDriver,
        Effect.map(SqliteDriver, ({ open }) => SqliteDriver.of({ open }))
      ).pipe(Layer.provide(SqliteNode.layer))
      const store = yield* open(plain)
      assert.deepStrictEqual(yield* store.readAside((sql) => sql`SELECT newest FROM event_seq`), [{ newest: 0 }])
    })
  )
})
