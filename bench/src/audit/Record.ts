/** A record of a year, of as many commands as are wanted, in a database as the program makes it: tree included. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { AuditLeaf, Database, Merkle, Store } from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Always the same numbers, from 0 up to a bound. */
export const makeDice = (seed: number) => {
  let state = seed
  return (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    return Math.floor(((state >>> 8) / 2 ** 24) * bound)
  }
}

/** Of these, each as often as another; every fifth command is for one of ten queues. */
export const actors = Array.from({ length: 20 }, (_, index) => `operator-${index}`)
export const actionTypes = ["retry-job", "delete-job", "purge-queue", "restart-service"]
export const outcomes = ["success", "success", "success", "failure", "timeout"]
export const queues = Array.from({ length: 10 }, (_, index) => `queue-${index}`)

const began = Date.UTC(2025, 0, 1)
export const days = 365

/** How far into the year, as the database has moments. */
export const momentAt = (share: number): string =>
  new Date(began + Math.floor(share * days * 86_400_000)).toISOString().replace("T", " ").replace("Z", "")

/** The entry of a command, some 700 bytes. */
export const rowOf = (
  index: number,
  moment: string,
  dice: (bound: number) => number
): AuditLeaf.Row & { id: string } => {
  const job = `job-${dice(1_000_000)}`
  const target = dice(5) === 0 ? (queues[dice(queues.length)] ?? "") : job
  const state = (is: string) =>
    JSON.stringify({
      id: job,
      queue: "mail",
      state: is,
      attempts: index % 7,
      failedReason: "connect ECONNREFUSED 127.0.0.1:25",
      updatedAt: "2026-01-01T00:00:00.000Z"
    })
  return {
    id: `inc-${index}-${dice(1_000_000)}`,
    timestamp: moment,
    actor: actors[dice(actors.length)] ?? "",
    action_type: actionTypes[dice(actionTypes.length)] ?? "",
    target,
    outcome: outcomes[dice(outcomes.length)] ?? "",
    before_state_json: state("failed"),
    after_state_json: state("waiting"),
    command_params_json: "{}",
    logs_json: JSON.stringify(["reason: incident 42", `retried ${job}`, "verified: the job left failed"])
  }
}

/** The database of a file, as a program's parts want it. */
export const layerStore = (file: string, mode: Database.Mode) =>
  Store.layer.pipe(
    Layer.provide(Database.layerSqlite({ filename: file, mode })),
    Layer.provide([SqliteNode.layer, NodeContext.layer])
  )

/** Makes one. Not by way of commands, which would take minutes: what is in it is the same. */
export const make = async (file: string, size: number): Promise<void> => {
  await Effect.runPromise(Effect.scoped(Layer.build(layerStore(file, "writer"))))
  const db = new Sqlite(file)
  db.pragma("synchronous = OFF")
  const row = db.prepare(`INSERT INTO command_audit VALUES (${AuditLeaf.columns.map(() => "?").join(", ")})`)
  const position = db.prepare("INSERT INTO audit_position (seq, id) VALUES (?, ?)")
  const node = db.prepare("INSERT INTO audit_node (level, number, hash) VALUES (?, ?, ?)")
  const dice = makeDice(1)
  let edge = Merkle.emptyEdge
  const some = db.transaction((from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const one = rowOf(index, momentAt(index / size), dice)
      row.run(...AuditLeaf.columns.map((column) => one[column]))
      position.run(index + 1, one.id)
      const grown = Merkle.grow(edge, Merkle.leafHash(AuditLeaf.encode(one)))
      edge = grown.edge
      for (const { hash, level, number } of grown.nodes) node.run(level, number, hash)
    }
  })
  for (let from = 0; from < size; from += 10_000) some(from, Math.min(size, from + 10_000))
  db.pragma("wal_checkpoint(TRUNCATE)")
  db.close()
}
