/** What is measured without a server: each in a process of its own, which is named on its command line. */
import { copyFileSync, rmSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { AuditLeaf, AuditLog, type AuditQuery, AuditVerifier, Database, Merkle, Store } from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { begun, end } from "./Commands.ts"
import { makeDice, rowOf } from "./Record.ts"

const cpu = () => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1e6
}

/** The longest time, in milliseconds, in which nothing else had its turn. */
const pause = async (work: () => Promise<unknown>): Promise<number> => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  return delay.max / 1e6
}

const sqlite = (filename: string, mode: Database.Mode) =>
  Layer.provide(Database.layerSqlite({ filename, mode }), [SqliteNode.layer, NodeContext.layer])

const withStore = <A>(file: string, use: (store: typeof Store.Store.Service) => Effect.Effect<A, unknown>) =>
  Effect.runPromise(
    Effect.scoped(Effect.provide(Effect.flatMap(Store.Store, use), Layer.provide(Store.layer, sqlite(file, "writer"))))
  )

/** Ends of commands a second, so many at once: as they are, and each in a transaction of its own. */
const ends = (file: string, count = 4_000, atOnce = 64) =>
  withStore(file, (store) =>
    Effect.gen(function* () {
      const alone = yield* Effect.makeSemaphore(1)
      const timed = (name: string, commit: typeof store.commit) =>
        Effect.gen(function* () {
          const ids = Array.from({ length: count }, (_, index) => `${name}-${index}`)
          for (let from = 0; from < count; from += 200) {
            yield* store.commit({ writes: ids.slice(from, from + 200).flatMap(begun), events: [] })
          }
          const began = performance.now()
          yield* Effect.forEach(ids, (id) => commit({ writes: [end(id)], events: [told(id)] }), {
            concurrency: atOnce,
            discard: true
          })
          return count / ((performance.now() - began) / 1000)
        })
      const one: typeof store.commit = (change) => alone.withPermits(1)(store.commit(change))
      yield* timed("warm", store.commit)
      const grouped = yield* timed("grouped", store.commit)
      const single = yield* timed("single", one)
      return { grouped, single }
    })
  )

const told = (commandId: string) => ({
  name: "command.status" as const,
  service: "alpha",
  subject: commandId,
  data: JSON.stringify({ commandId, service: "alpha", phase: "success", logs: ["done"], verified: true })
})

/** Microseconds of CPU for one row more in the table: as it is, and without triggers, places, and tree. */
const appends = async (file: string, count = 20_000) => {
  const bare = `${file}.bare`
  copyFileSync(file, bare)
  const db = new Sqlite(bare)
  for (const { name } of db
    .prepare<[], { name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'command_audit'"
    )
    .all()) {
    db.exec(`DROP TRIGGER ${name}`)
  }
  const dice = makeDice(3)
  const moment = "2026-01-01 00:00:00.000"
  const rows = Array.from({ length: count }, (_, index) => rowOf(1e7 + index, moment, dice))
  const costs = (db: Sqlite.Database, extra: (row: (typeof rows)[number]) => void) => {
    db.pragma("synchronous = OFF")
    const insert = db.prepare(`INSERT INTO command_audit VALUES (${AuditLeaf.columns.map(() => "?").join(", ")})`)
    const all = db.transaction((some: typeof rows) => {
      for (const row of some) {
        insert.run(...AuditLeaf.columns.map((column) => row[column]))
        extra(row)
      }
    })
    const before = cpu()
    for (let from = 0; from < count; from += 10) all(rows.slice(from, from + 10))
    return ((cpu() - before) * 1e6) / count
  }
  const whole = new Sqlite(file)
  const position = whole.prepare("INSERT INTO audit_position (id) VALUES (?)")
  const node = whole.prepare("INSERT INTO audit_node (level, number, hash) VALUES (?, ?, ?)")
  let edge = edgeOf(whole)
  const grown = (row: (typeof rows)[number]) => {
    position.run(row.id)
    const next = Merkle.grow(edge, Merkle.leafHash(AuditLeaf.encode(row)))
    edge = next.edge
    for (const { hash, level, number } of next.nodes) node.run(level, number, hash)
  }
  const without = costs(db, () => undefined)
  const by = costs(whole, grown)
  db.close()
  whole.close()
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${bare}${suffix}`, { force: true })
  return { bare: without, whole: by }
}

const edgeOf = (db: Sqlite.Database): Merkle.Edge => {
  const { size } = db.prepare<[], { size: number }>("SELECT MAX(seq) AS size FROM audit_position").get() ?? { size: 0 }
  const peaks: Array<Uint8Array> = []
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / 2)) {
    if (count % 2 === 0) continue
    const found = db
      .prepare<[number, number], { hash: Uint8Array }>("SELECT hash FROM audit_node WHERE level = ? AND number = ?")
      .get(level, count - 1)
    if (found !== undefined) peaks.unshift(found.hash)
  }
  return { size, peaks }
}

/** Rows that are verified in a second of CPU, of all threads; what it takes of memory; and its longest pause. */
const verify = (file: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const layer = Layer.provide(AuditVerifier.layer, Layer.provide(Store.layer, sqlite(file, "reader")))
        const verifier = Context.get(yield* Layer.build(layer), AuditVerifier.AuditVerifier)
        const heaps: Array<number> = []
        const watched = Effect.promise(() =>
          pause(() =>
            Effect.runPromise(
              verifier.verify([], ({ read }) =>
                Effect.sync(() => {
                  if (read % 100_000 !== 0) return
                  globalThis.gc?.()
                  heaps.push(process.memoryUsage().heapUsed)
                })
              )
            ).then(({ findings, size }) => {
              if (findings.length > 0 || size === 0) throw new Error("the record is not whole")
              rows = size
            })
          )
        )
        let rows = 0
        const before = cpu()
        yield* watched
        const rate = rows / (cpu() - before)
        // Again without looking at the memory, whose collection is a pause of its own.
        const longest = yield* Effect.promise(() => pause(() => Effect.runPromise(verifier.verify([]))))
        return {
          rate,
          pause: longest,
          heapBegin: heaps[0] ?? 0,
          heapEnd: heaps.at(-1) ?? 0,
          rss: process.memoryUsage().rss
        }
      })
    )
  )

/** Rows that are written out in a second of CPU, what it takes of memory, and its longest pause. */
const exports = (file: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const layer = Layer.provide(AuditLog.layer, Layer.provide(Store.layer, sqlite(file, "reader")))
        const audit = Context.get(yield* Layer.build(layer), AuditLog.AuditLog)
        let rows = 0
        const before = cpu()
        const all = Stream.runForEachChunk(audit.entries({}), (chunk) =>
          Effect.sync(() => {
            rows += chunk.length
          })
        )
        const longest = yield* Effect.promise(() => pause(() => Effect.runPromise(all)))
        return { rate: rows / (cpu() - before), pause: longest, rss: process.memoryUsage().rss }
      })
    )
  )

/** Pages that cost more the longer the record is, and the first of filters that nobody has asked for: the longest pause. */
const others = (file: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const layer = Layer.provide(AuditLog.layer, Layer.provide(Store.layer, sqlite(file, "reader")))
        const audit = Context.get(yield* Layer.build(layer), AuditLog.AuditLog)
        const query = { limit: 50, page: 1, sortBy: "timestamp", sortOrder: "desc" } as const
        const asked: ReadonlyArray<AuditQuery.AuditQuery> = [
          { ...query, actor: "operator-1", outcome: "failure", page: 40 },
          { ...query, target: "queue-1", actor: "operator-2", startDate: "2025-03-01" },
          { ...query, sortBy: "target", page: 9_000 },
          { ...query, sortBy: "actor", sortOrder: "asc" },
          { ...query, page: 9_000 },
          { ...query, actionType: "retry-job", page: 2_000 },
          { ...query, outcome: "success", startDate: "2025-02-03T04:05:06Z", endDate: "2025-11-12T13:14:15Z" }
        ]
        const all = Effect.forEach(asked, (query) => audit.pageText(query), { discard: true })
        // What is compiled with the first is none of theirs.
        yield* audit.pageText(query)
        return { pause: yield* Effect.promise(() => pause(() => Effect.runPromise(all))) }
      })
    )
  )

const works = { appends, ends, exports, others, verify }
export type Works = { readonly [Name in keyof typeof works]: Awaited<ReturnType<(typeof works)[Name]>> }

const [, , name = "", file = ""] = process.argv
if (Object.hasOwn(works, name)) {
  const figures = await works[name as keyof Works](file)
  process.send?.(figures)
  process.disconnect?.()
}
