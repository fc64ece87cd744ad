/**
 * For a program under test to require (`NODE_OPTIONS=--require`): kills it before one of its SQL statements, which
 * `MITHRANDIR_TEST_KILL_AT` names by its beginning, or by its number. What it was about to do is noted in the file
 * `MITHRANDIR_TEST_KILL_NOTE`, so that a test knows that it was killed there and nowhere else.
 */
const { writeFileSync } = require("node:fs")
const Sqlite = require("better-sqlite3")

const at = process.env.MITHRANDIR_TEST_KILL_AT ?? ""
const note = process.env.MITHRANDIR_TEST_KILL_NOTE ?? ""
const { prepare } = Sqlite.prototype
let number = 0

Sqlite.prototype.prepare = function (sql) {
  number += 1
  if (/^\d*$/.test(at) ? String(number) === at : sql.startsWith(at)) {
    writeFileSync(note, JSON.stringify({ sql, inTransaction: this.inTransaction }))
    process.kill(process.pid, "SIGKILL")
  }
  if (sql === "BEGIN") {
    // Of a small transaction nothing would leave memory before its end: here all of it does, a page at a time.
    this.pragma("cache_size = 1")
    this.pragma("cache_spill = 1")
  }
  return prepare.call(this, sql)
}
