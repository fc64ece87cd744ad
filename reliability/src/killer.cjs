/**
 * For a server to require (`node --require`): kills it at a boundary, which `MITHRANDIR_TEST_KILL` names as JSON
 * (`Plan.Kill`), or its parent over IPC. The program itself knows nothing of it: what happens is seen in its SQL and its
 * HTTP.
 */
const { ClientRequest, ServerResponse } = require("node:http")
const Sqlite = require("better-sqlite3")

let kill = JSON.parse(process.env.MITHRANDIR_TEST_KILL ?? "{}")
let seen = 0
process.on("message", (next) => {
  kill = next
  seen = 0
  process.send("armed")
})
// Whoever kills it may be killed, too, and leaves nothing behind.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
process.channel?.unref()

const reach = (boundary) => {
  if (boundary !== kill.at) return
  seen += 1
  if (seen === kill.nth) process.kill(process.pid, "SIGKILL")
}

/** Which of the commits a statement belongs to; what ends a transaction, ends it. */
const commitOf = (sql) => {
  if (/^\s*INSERT INTO command\b/.test(sql)) return "T1"
  if (/^\s*UPDATE command SET phase = 'running'/.test(sql)) return "T2"
  return /^\s*INSERT INTO command_audit\b/.test(sql) ? "T3" : undefined
}

/** What each connection is in the middle of. */
const commits = new WeakMap()

const around = (statement, execute) => {
  const { database, source } = statement
  const commit = commits.get(database)
  const ends = /^\s*(BEGIN|COMMIT|ROLLBACK)\s*;?\s*$/.exec(source)?.[1]
  if (ends === "COMMIT" && commit !== undefined) reach(`${commit}:before`)
  const result = execute()
  if (ends !== undefined) commits.delete(database)
  if (ends === "COMMIT" && commit !== undefined) reach(`${commit}:after`)
  const own = commitOf(source)
  if (own !== undefined) {
    commits.set(database, own)
    reach(`${own}:inside`)
  }
  return result
}

const watched = new WeakSet()
const { prepare } = Sqlite.prototype
Sqlite.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql)
  const prototype = Object.getPrototypeOf(statement)
  if (!watched.has(prototype)) {
    watched.add(prototype)
    for (const name of ["all", "get", "run"]) {
      const execute = prototype[name]
      prototype[name] = function (...params) {
        return around(this, () => execute.apply(this, params))
      }
    }
  }
  return statement
}

const send = ClientRequest.prototype.end
ClientRequest.prototype.end = function (...rest) {
  if (this.method !== "GET") reach("call:before")
  return send.apply(this, rest)
}
const emit = ClientRequest.prototype.emit
ClientRequest.prototype.emit = function (name, ...rest) {
  if (name === "response" && this.method !== "GET") reach("call:after")
  return emit.call(this, name, ...rest)
}

const reply = ServerResponse.prototype.end
ServerResponse.prototype.end = function (...rest) {
  if (this.req?.method !== "POST" || this.req.url !== "/commands/run") return reply.apply(this, rest)
  reach("reply:before")
  this.once("finish", () => reach("reply:after"))
  return reply.apply(this, rest)
}
