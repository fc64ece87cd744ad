/**
 * The tree over the audit, beside its rows: the hash of every full subtree, written in the commit that writes the row.
 * The entry with the position `seq` is the leaf `seq - 1`.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AuditLeaf from "../model/AuditLeaf.ts"
import * as Merkle from "../model/Merkle.ts"

/** A row of the audit as its table has it. */
export type Row = AuditLeaf.Row & { readonly id: string }

/** Rows in one statement, of ten columns at most. SQLite takes 32,766 parameters. */
const insertedAtOnce = 500

/** The tree's right edge as it is stored, or as it was when there were so many entries. */
export const edge = (sql: SqlClient, size?: number): Effect.Effect<Merkle.Edge, SqlError> =>
  Effect.flatMap(
    sql<{ size: number; hash: Uint8Array | null }>`
      WITH RECURSIVE
        whole(size) AS (${size === undefined ? sql`SELECT COALESCE(MAX(seq), 0) FROM audit_position` : sql`SELECT ${size}`}),
        peak(size, level, count) AS (
          SELECT size, 0, size FROM whole
          UNION ALL SELECT size, level + 1, count >> 1 FROM peak WHERE count > 1
        )
      SELECT peak.size, node.hash FROM peak
      LEFT JOIN audit_node AS node ON node.level = peak.level AND node.number = peak.count - 1
      WHERE peak.count & 1 ORDER BY peak.level DESC`,
    (rows) => {
      const peaks = rows.flatMap(({ hash }) => (hash === null ? [] : [hash]))
      return peaks.length === rows.length
        ? Effect.succeed({ size: rows[0]?.size ?? 0, peaks })
        : Effect.dieMessage("the tree over the audit has lost a node; run: mithrandir audit verify")
    }
  )

/** What tells one state of the record from every other: how many entries there are, and the hash of the last one's leaf. */
export interface Head {
  readonly size: number
  readonly leaf: Uint8Array | null
}

/** Selects it. */
export const headColumns = `(SELECT COALESCE(MAX(seq), 0) FROM audit_position) AS size,
  (SELECT hash FROM audit_node WHERE level = 0 ORDER BY number DESC LIMIT 1) AS leaf`

/** Where the tree ends, and what was put to it last. */
export interface End {
  readonly edge: Merkle.Edge
  readonly leaf: Uint8Array | null
}

/** The tree's end as it is stored. */
export const end = (sql: SqlClient): Effect.Effect<End, SqlError> =>
  Effect.flatMap(sql<Head>`SELECT ${sql.literal(headColumns)}`, ([head]) =>
    Effect.map(edge(sql, Number(head?.size ?? 0)), (edge) => ({ edge, leaf: head?.leaf ?? null }))
  )

/** How many entries there are: positions have no gaps, and the newest entry has the highest. */
export const total = (sql: SqlClient) =>
  sql<{ total: number }>`SELECT COALESCE(MAX(seq), 0) AS total FROM audit_position`

/** Writes what is new of the tree. The caller has the transaction. */
const insert = (sql: SqlClient, nodes: ReadonlyArray<Merkle.Node>): Effect.Effect<void, SqlError> =>
  Effect.forEach(
    Arr.chunksOf(nodes, insertedAtOnce),
    (some) => sql`INSERT INTO audit_node ${sql.insert(some.map((node) => ({ ...node })))}`,
    { discard: true }
  )

/**
 * Writes rows of the audit, in order, with their places in the record, and what is new of the tree; gives its new end.
 * `known`: its end before, to be read where it is not known, or not the one that these rows come after. The caller has
 * the transaction.
 */
export const append = (
  sql: SqlClient,
  rows: ReadonlyArray<Row>,
  known: Option.Option<End>
): Effect.Effect<Option.Option<End>, SqlError> =>
  Effect.gen(function* () {
    if (rows.length === 0) return known
    for (const some of Arr.chunksOf(rows, insertedAtOnce)) {
      yield* sql`INSERT INTO command_audit ${sql.insert(some.map((row) => ({ ...row })))}`
    }
    const places = yield* sql<{ seq: number }>`
      INSERT INTO audit_position ${sql.insert(rows.map(({ id }) => ({ id })))} RETURNING seq`
    const size = Math.min(...places.map(({ seq }) => Number(seq))) - 1
    const fitting = Option.filter(known, ({ edge }) => edge.size === size)
    const before = yield* Option.match(fitting, {
      onNone: () => edge(sql, size),
      onSome: ({ edge }) => Effect.succeed(edge)
    })
    const after = grown(before, rows.map(AuditLeaf.encode))
    yield* insert(sql, after.nodes)
    return Option.some({ edge: after.edge, leaf: after.nodes.findLast(({ level }) => level === 0)?.hash ?? null })
  })

/** A tree with leaves more, and what is new of it. */
const grown = (before: Merkle.Edge, leaves: ReadonlyArray<Uint8Array>) => {
  let edge = before
  const nodes: Array<Merkle.Node> = []
  for (const leaf of leaves) {
    const next = Merkle.grow(edge, Merkle.leafHash(leaf))
    edge = next.edge
    nodes.push(...next.nodes)
  }
  return { edge, nodes }
}

/** A position of the record, and what its row is as a leaf, where there is one. */
export interface Placed {
  readonly seq: number
  readonly leaf: Uint8Array | undefined
}

/** To the byte. What is neither text nor null says what it is. */
const exact = AuditLeaf.columns
  .map((column, index) => {
    const value = `a.${column}`
    return `CASE typeof(${value}) WHEN 'text' THEN CAST(${value} AS BLOB) WHEN 'null' THEN NULL ELSE typeof(${value}) END AS c${index}`
  })
  .join(", ")
const cells = AuditLeaf.columns.map((_, index) => `c${index}`)
const lengths = cells.map((cell) => `COALESCE(length(CAST(${cell} AS BLOB)), -1)`).join(" || ' ' || ")
const bytes = cells.map((cell) => `COALESCE(${cell}, '')`).join(" || ")

/**
 * The record after a position, in its order. All of it comes as three values: what a row at a time would take is several
 * times that, where it comes from another thread.
 */
export const rowsAfter = (sql: SqlClient, seq: number, limit: number): Effect.Effect<ReadonlyArray<Placed>, SqlError> =>
  Effect.map(
    sql<{ seqs: string | null; lengths: string | null; bytes: Uint8Array | null }>`
      SELECT group_concat(seq, ' ') AS seqs, group_concat(lengths, ',') AS lengths,
        CAST(group_concat(bytes, '') AS BLOB) AS bytes
      FROM (
        SELECT seq, CASE WHEN c0 IS NULL THEN '' ELSE ${sql.literal(lengths)} END AS lengths,
          CASE WHEN c0 IS NULL THEN '' ELSE ${sql.literal(bytes)} END AS bytes
        FROM (
          SELECT p.seq AS seq, ${sql.literal(exact)}
          FROM audit_position AS p LEFT JOIN command_audit AS a ON a.id = p.id
          WHERE p.seq > ${seq} ORDER BY p.seq LIMIT ${limit}
        )
      )`,
    ([row]) => {
      if (row?.seqs == null || row.lengths === null) return []
      const all = row.bytes ?? Uint8Array.of()
      const perRow = row.lengths.split(",")
      let at = 0
      return row.seqs.split(" ").map((seq, index): Placed => {
        const lengths = perRow[index] ?? ""
        if (lengths === "") return { seq: Number(seq), leaf: undefined }
        const cells = lengths.split(" ").map((text) => {
          const length = Number(text)
          if (length < 0) return null
          at += length
          return all.subarray(at - length, at)
        })
        return { seq: Number(seq), leaf: AuditLeaf.encodeCells(cells) }
      })
    }
  )

/** The hash of a subtree as it is stored, where it is. */
export type Stored = (level: number, number: number) => Uint8Array | undefined

/** Nodes of one level, one after the other. */
interface Stretch {
  readonly first: number
  last: number
}

/** What is stored of some nodes, those of each level one after the other. */
export const stored = (sql: SqlClient, nodes: ReadonlyArray<Merkle.Node>): Effect.Effect<Stored, SqlError> => {
  const levels = new Map<number, Stretch>()
  for (const { level, number } of nodes) {
    const stretch = levels.get(level)
    if (stretch === undefined) levels.set(level, { first: number, last: number })
    else stretch.last = number
  }
  if (levels.size === 0) return Effect.succeed(() => undefined)
  // Of each level as one value, as above.
  const queries = Array.from(
    levels,
    ([level, { first, last }]) => sql`
      SELECT ${level} AS level, group_concat(number, ' ') AS numbers, CAST(group_concat(hash, '') AS BLOB) AS hashes FROM (
        SELECT number, CAST(hash AS BLOB) AS hash FROM audit_node
        WHERE level = ${level} AND number BETWEEN ${first} AND ${last} AND length(CAST(hash AS BLOB)) = ${hashLength}
        ORDER BY number)`
  )
  const all = queries.slice(1).reduce((all, one) => sql`${all} UNION ALL ${one}`, sql`${queries[0] ?? sql``}`)
  return Effect.map(sql<{ level: number; numbers: string | null; hashes: Uint8Array | null }>`${all}`, (rows) => {
    const found = new Map<number, Map<number, Uint8Array>>()
    for (const { hashes, level, numbers } of rows) {
      const ofLevel = new Map<number, Uint8Array>()
      for (const [index, number] of (numbers ?? "").split(" ").entries()) {
        const hash = hashes?.subarray(index * hashLength, (index + 1) * hashLength)
        if (hash !== undefined) ofLevel.set(Number(number), hash)
      }
      found.set(Number(level), ofLevel)
    }
    return (level, number) => found.get(level)?.get(number)
  })
}

const hashLength = 32

/**
 * Computes something from stored subtrees. Which of them it takes is found out by computing it without, so it must take
 * the same whatever their hashes are; then they are read in one statement. Dies where one is not there.
 */
export const compute = <A>(sql: SqlClient, from: (lookup: Merkle.Lookup) => A): Effect.Effect<A, SqlError> => {
  const wanted: Array<Pick<Merkle.Node, "level" | "number">> = []
  from((level, number) => {
    wanted.push({ level, number })
    return Merkle.emptyRoot
  })
  if (wanted.length === 0) return Effect.sync(() => from(() => Merkle.emptyRoot))
  const places = wanted.map(({ level, number }) => sql`(level = ${level} AND number = ${number})`)
  return Effect.map(sql<Merkle.Node>`SELECT level, number, hash FROM audit_node WHERE ${sql.or(places)}`, (rows) => {
    const found = new Map(rows.map(({ hash, level, number }) => [`${level}:${number}`, hash]))
    return from((level, number) => {
      const hash = found.get(`${level}:${number}`)
      if (hash === undefined) throw new Error("the tree over the audit has lost a node; run: mithrandir audit verify")
      return hash
    })
  })
}

/** Rows that are read at once where all of them are. */
export const rowsAtOnce = 500

/** Makes the tree over a record that has none. The caller has the transaction. */
export const build = (sql: SqlClient): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    let before = Merkle.emptyEdge
    while (true) {
      const rows = yield* rowsAfter(sql, before.size, rowsAtOnce)
      const leaves = rows.map(({ leaf, seq }, index) => {
        if (leaf !== undefined && seq === before.size + index + 1) return leaf
        throw new Error(`the audit has no entry at position ${before.size + index + 1}; restore it from a backup`)
      })
      const { edge, nodes } = grown(before, leaves)
      yield* insert(sql, nodes)
      before = edge
      if (rows.length < rowsAtOnce) return
    }
  })
