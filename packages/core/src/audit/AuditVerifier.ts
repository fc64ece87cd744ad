/** Whether the record is whole: every row, the tree over them, what keeps them from being changed, and what was signed. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AuditEntryNotFound } from "../model/AuditEntry.ts"
import * as AuditLeaf from "../model/AuditLeaf.ts"
import type { AuditProof } from "../model/AuditProof.ts"
import * as Checkpoint from "../model/Checkpoint.ts"
import * as Merkle from "../model/Merkle.ts"
import * as AuditTree from "../storage/AuditTree.ts"
import { missingSafeguards } from "../storage/Ownership.ts"
import { Store, type StoreUnreadable } from "../storage/Store.ts"

/** What is wrong with a record. Positions count from 1. */
export type Finding = Data.TaggedEnum<{
  /** What keeps rows from being changed is gone. */
  SafeguardsMissing: { readonly names: ReadonlyArray<string> }
  /** Rows are not what they were when they were written: so many, and the first of them. */
  RowsChanged: { readonly first: number; readonly id: string; readonly count: number }
  /** There is no row at this position, where one was. */
  RowMissing: { readonly position: number }
  /** Rows that have no position: they came in past the server. */
  RowsUnplaced: { readonly id: string; readonly count: number }
  /** The tree does not fit the rows it is over, which are as they were written; first above or at this position. */
  TreeChanged: { readonly position: number }
  /** At the size of this checkpoint the record was another one. */
  HistoryChanged: { readonly size: number }
  /** So many entries were signed, and the record ends before. */
  TailMissing: { readonly size: number; readonly signed: number }
  /** It is a checkpoint of another database. */
  CheckpointForeign: { readonly origin: string; readonly size: number }
}>

/** Makes findings, and tells them apart. */
export const Finding = Data.taggedEnum<Finding>()

/** What was found. */
export interface Verdict extends Merkle.Head {
  /** Which log: what its checkpoints begin with. */
  readonly origin: string
  /** How many checkpoints it fits. */
  readonly checkpoints: number
  /** Nothing: it is whole. */
  readonly findings: ReadonlyArray<Finding>
}

/** How far it is. */
export interface Progress {
  /** Rows that were read, */
  readonly read: number
  /** of so many. */
  readonly of: number
}

/** A checkpoint says nothing of an entry. */
export class AuditEntryNotSigned extends Schema.TaggedError<AuditEntryNotSigned>()("AuditEntryNotSigned", {
  /** Which entry. */
  id: Schema.String,
  /** How many entries the checkpoint is of. */
  size: Schema.Int
}) {
  override get message() {
    return `the checkpoint is of the first ${this.size} entries of its record, and "${this.id}" is not among them; take a newer one`
  }
}

/** The record is not what was signed of it: what a checkpoint says of it proves nothing. */
export class AuditNotAsSigned extends Schema.TaggedError<AuditNotAsSigned>()("AuditNotAsSigned", {
  /** How many entries the checkpoint is of. */
  size: Schema.Int
}) {
  override get message() {
    return `the record is not what it was when its first ${this.size} entries were signed; run: mithrandir audit verify`
  }
}

/** Verifies the record, and proves what is in it. */
export class AuditVerifier extends Context.Tag("@mithrandir/core/AuditVerifier")<
  AuditVerifier,
  {
    /**
     * Reads every row that is there when it begins and computes everything anew, a page at a time: memory stays as it
     * is, and others have their turn in between. `checkpoints`: signed by whom one believes; their signatures are the
     * caller's to check.
     */
    readonly verify: (
      checkpoints: ReadonlyArray<Checkpoint.Checkpoint>,
      tell?: (progress: Progress) => Effect.Effect<void>
    ) => Effect.Effect<Verdict, StoreUnreadable>
    /**
     * That an entry is in the record, under a signed checkpoint. Fails with `AuditEntryNotSigned` where the checkpoint is
     * none of this record, or older than the entry; with `AuditNotAsSigned` where the record is not what was signed.
     */
    readonly prove: (
      id: string,
      checkpoint: string
    ) => Effect.Effect<AuditProof, AuditEntryNotFound | AuditEntryNotSigned | AuditNotAsSigned | StoreUnreadable>
    /** Which log this is, as its checkpoints name it. */
    readonly origin: string
  }
>() {}

/** The name of the log of a database, by the id that was minted with it. */
export const originOf = (logId: string): string => `mithrandir.audit/${logId}`

const make = Effect.gen(function* () {
  const store = yield* Store
  const origin = originOf(store.logId)

  const sizeOf = Effect.map(store.read(AuditTree.total), ([row]) => Number(row?.total ?? 0))

  const verify: Context.Tag.Service<AuditVerifier>["verify"] = (checkpoints, tell = () => Effect.void) =>
    Effect.gen(function* () {
      const size = yield* sizeOf
      const reading = new Reading(
        size,
        checkpoints.filter((one) => one.origin === origin)
      )
      while (!reading.isDone) {
        yield* store.readAside((sql) =>
          Effect.flatMap(AuditTree.rowsAfter(sql, reading.at, AuditTree.rowsAtOnce), (rows) => {
            const nodes = reading.take(rows)
            return Effect.map(AuditTree.stored(sql, nodes), (stored) => reading.compare(nodes, stored))
          })
        )
        yield* tell({ read: reading.at, of: size })
        yield* Effect.yieldNow()
      }
      const outside = yield* store.readAside(around)
      const foreign = checkpoints.filter((one) => one.origin !== origin)
      return {
        ...reading.head,
        origin,
        checkpoints: reading.fitting,
        findings: [
          ...outside,
          ...reading.findings,
          ...foreign.map(({ origin, size }) => Finding.CheckpointForeign({ origin, size }))
        ]
      }
    })

  const prove: Context.Tag.Service<AuditVerifier>["prove"] = (id, note) =>
    Effect.gen(function* () {
      const signed = Option.filter(Checkpoint.peek(note), (one) => one.origin === origin)
      const { root, size } = Option.getOrElse(signed, () => ({ size: 0, root: Merkle.emptyRoot }))
      const proof = yield* store.readAside((sql) =>
        Effect.gen(function* () {
          const [place] = yield* sql<{ seq: number }>`SELECT seq FROM audit_position WHERE id = ${id}`
          const index = Number(place?.seq ?? 0) - 1
          const [found] = index < 0 ? [] : yield* AuditTree.rowsAfter(sql, index, 1)
          if (found?.leaf === undefined) return undefined
          const [now] = yield* AuditTree.total(sql)
          // Where less is there than was signed, the tree has no such path; nor where somebody took a node out of it.
          const path =
            index < size && size <= Number(now?.total ?? 0)
              ? yield* AuditTree.compute(sql, (lookup) => Merkle.inclusionProof(index, size, lookup)).pipe(
                  Effect.catchAllDefect(() => Effect.succeed(undefined))
                )
              : undefined
          return { index, leaf: found.leaf, path }
        })
      )
      if (proof === undefined) return yield* new AuditEntryNotFound({ id })
      const { index, leaf, path } = proof
      if (index >= size) return yield* new AuditEntryNotSigned({ id, size })
      if (path === undefined || !Merkle.verifyInclusion({ index, size, leaf: Merkle.leafHash(leaf) }, path, root)) {
        return yield* new AuditNotAsSigned({ size })
      }
      return { index, leaf, path, checkpoint: note }
    })

  return AuditVerifier.of({ verify, prove, origin })
})

/** What is beside the rows and the tree over them. */
const around = (sql: SqlClient) =>
  Effect.gen(function* () {
    const names = yield* missingSafeguards(sql)
    const [unplaced] = yield* sql<{ id: string | null; count: number }>`
      SELECT MIN(a.id) AS id, COUNT(*) AS count FROM command_audit AS a
      WHERE NOT EXISTS (SELECT 1 FROM audit_position AS p WHERE p.id = a.id AND p.seq > 0)`
    const [tree] = yield* sql<{ size: number; nodes: number }>`
      SELECT (SELECT COALESCE(MAX(seq), 0) FROM audit_position) AS size, COUNT(*) AS nodes FROM audit_node`
    const size = Number(tree?.size ?? 0)
    return [
      ...(names.length === 0 ? [] : [Finding.SafeguardsMissing({ names })]),
      ...(unplaced === undefined || Number(unplaced.count) === 0
        ? []
        : [Finding.RowsUnplaced({ id: String(unplaced.id), count: Number(unplaced.count) })]),
      ...(Number(tree?.nodes) === nodesOf(size) ? [] : [Finding.TreeChanged({ position: size })])
    ]
  })

/** How many full subtrees there are over so many leaves. */
const nodesOf = (size: number): number => {
  let nodes = 0
  for (let level = size; level > 0; level = Math.floor(level / 2)) nodes += level
  return nodes
}

/** What a reading has come to, row by row. */
class Reading {
  readonly size: number
  readonly findings: Array<Finding> = []
  /** Checkpoints that it fits so far. */
  fitting = 0
  private edge = Merkle.emptyEdge
  private isBroken = false
  /** Of the rows that were taken in last, by the number of their leaf. */
  private readonly leaves = new Map<number, Uint8Array>()
  private changed: { readonly first: number; readonly id: string; count: number } | undefined
  private readonly due: Array<Checkpoint.Checkpoint>

  constructor(size: number, checkpoints: ReadonlyArray<Checkpoint.Checkpoint>) {
    this.size = size
    this.due = [...checkpoints].sort((a, b) => a.size - b.size)
    this.meet()
  }

  get at(): number {
    return this.edge.size
  }

  get head(): Merkle.Head {
    return { size: this.edge.size, root: Merkle.rootOf(this.edge) }
  }

  get isDone(): boolean {
    if (this.edge.size < this.size && !this.isBroken) return false
    if (this.changed !== undefined) {
      const { count, first, id } = this.changed
      this.findings.unshift(Finding.RowsChanged({ first, id, count }))
      this.changed = undefined
    }
    for (const { size } of this.due.splice(0))
      this.findings.push(Finding.TailMissing({ size: this.size, signed: size }))
    return true
  }

  /** Takes in the next rows; gives what of the tree should be new with them. */
  take(rows: ReadonlyArray<AuditTree.Placed>): ReadonlyArray<Merkle.Node> {
    const nodes: Array<Merkle.Node> = []
    this.leaves.clear()
    for (const { leaf, seq } of rows) {
      if (this.edge.size === this.size) break
      if (seq !== this.edge.size + 1 || leaf === undefined) return this.breakOff(nodes)
      const grown = Merkle.grow(this.edge, Merkle.leafHash(leaf))
      this.edge = grown.edge
      this.leaves.set(seq - 1, leaf)
      nodes.push(...grown.nodes)
      this.meet()
    }
    return rows.length === 0 && this.edge.size < this.size ? this.breakOff(nodes) : nodes
  }

  /** What comes after a row that is missing can be held against nothing. */
  private breakOff(nodes: ReadonlyArray<Merkle.Node>): ReadonlyArray<Merkle.Node> {
    this.isBroken = true
    this.findings.push(Finding.RowMissing({ position: this.edge.size + 1 }))
    this.due.length = 0
    return nodes
  }

  /** Holds what the tree should be against what it is. */
  compare(nodes: ReadonlyArray<Merkle.Node>, stored: AuditTree.Stored): void {
    for (const { hash, level, number } of nodes) {
      const found = stored(level, number)
      if (found !== undefined && Merkle.isSame(found, hash)) continue
      if (level === 0) {
        // The tree above it has to differ then, and says nothing more.
        this.changed ??= { first: number + 1, id: idIn(this.leaves.get(number)), count: 0 }
        this.changed.count += 1
      } else if (this.changed === undefined && !this.findings.some(({ _tag }) => _tag === "TreeChanged")) {
        this.findings.push(Finding.TreeChanged({ position: number * 2 ** level + 1 }))
      }
    }
  }

  /** Holds the checkpoints of this size against it. */
  private meet(): void {
    while (this.due[0]?.size === this.edge.size) {
      const [checkpoint] = this.due.splice(0, 1)
      if (checkpoint === undefined) return
      if (Merkle.isSame(checkpoint.root, Merkle.rootOf(this.edge))) this.fitting += 1
      else this.findings.push(Finding.HistoryChanged({ size: checkpoint.size }))
    }
  }
}

/** The id of an entry, from its leaf. */
const idIn = (leaf: Uint8Array | undefined): string =>
  Option.match(leaf === undefined ? Option.none() : AuditLeaf.decode(leaf), {
    onNone: () => "",
    onSome: ({ id }) => id ?? ""
  })

/** Over the store's database. */
export const layer: Layer.Layer<AuditVerifier, never, Store> = Layer.effect(AuditVerifier, make)
