/** Fastify and better-sqlite3, as somebody writes it by hand who knows both: statements are prepared once. */
import type { AddressInfo } from "node:net"
import Sqlite from "better-sqlite3"
import fastify from "fastify"
import { attend } from "../stream/Peer.ts"
import { makeDice, rowOf } from "./Record.ts"

const [, , file = "", counts = ""] = process.argv
const db = new Sqlite(file)
db.pragma("journal_mode = WAL")
db.pragma("synchronous = FULL")

const columns = { actionType: "action_type", target: "target", actor: "actor", outcome: "outcome" } as const

interface Query {
  readonly [name: string]: string | undefined
}

interface Row {
  readonly [column: string]: string | null
}

const prepared = new Map<string, Sqlite.Statement<Array<string | number>, Row>>()
const prepare = (sql: string) => {
  const known = prepared.get(sql) ?? db.prepare<Array<string | number>, Row>(sql)
  prepared.set(sql, known)
  return known
}

/** The day after one. */
const after = (day: string) => new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)

const json = (text: string | null | undefined): unknown => (text == null ? null : JSON.parse(text))

const app = fastify()
app.get<{ Querystring: Query }>("/reconciliation/audit", (request) => {
  const { endDate, limit = "50", page = "1", sortOrder = "desc", startDate } = request.query
  const where: Array<string> = []
  const params: Array<string | number> = []
  for (const [name, column] of Object.entries(columns)) {
    const value = request.query[name]
    if (value === undefined) continue
    where.push(`${column} = ?`)
    params.push(value)
  }
  if (startDate !== undefined) {
    where.push("timestamp >= ?")
    params.push(startDate)
  }
  if (endDate !== undefined) {
    where.push("timestamp < ?")
    params.push(after(endDate))
  }
  const from = `FROM command_audit ${where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`}`
  const order = sortOrder === "asc" ? "ASC" : "DESC"
  const rows = prepare(`SELECT * ${from} ORDER BY timestamp ${order}, rowid ${order} LIMIT ? OFFSET ?`).all(
    ...params,
    Number(limit),
    (Number(page) - 1) * Number(limit)
  )
  const total =
    counts === "counts" ? Number(prepare(`SELECT COUNT(*) AS total ${from}`).get(...params)?.["total"]) : undefined
  return {
    data: rows.map((row) => ({
      id: row["id"],
      timestamp: `${row["timestamp"]?.replace(" ", "T")}Z`,
      actor: row["actor"],
      actionType: row["action_type"],
      target: row["target"],
      outcome: row["outcome"],
      beforeState: json(row["before_state_json"]),
      afterState: json(row["after_state_json"]),
      commandParams: json(row["command_params_json"]),
      logs: json(row["logs_json"])
    })),
    meta: { page: Number(page), limit: Number(limit), total }
  }
})
await app.listen({ port: 0, host: "127.0.0.1" })
const [{ port }] = app.addresses() as [AddressInfo]

const dice = makeDice(2)
const insert = db.prepare("INSERT INTO command_audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
let next = 0
attend({ port, headers: {}, path: "/reconciliation/audit" }, (count) => {
  const moment = new Date().toISOString().replace("T", " ").replace("Z", "")
  for (let n = 0; n < count; n++) insert.run(...Object.values(rowOf(++next, moment, dice)))
})
