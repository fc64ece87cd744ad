/** A connection that reads in a thread of its own: while a query takes long there, everything here goes on. */
import { createRequire } from "node:module"
import { Worker } from "node:worker_threads"
import type * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

type Rows = ReadonlyArray<unknown>

/** What the thread is asked. */
interface Question {
  readonly id: number
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
  /** Rows as arrays, and not as records. */
  readonly isArrays: boolean
}

type Answer =
  | { readonly id: number; readonly rows: Rows }
  | { readonly id: number; readonly problem: { readonly message: string; readonly code?: string } }

/** What the thread has to begin with. */
interface Setting {
  readonly filename: string
  readonly driver: string
}

/**
 * The whole program of the thread. It goes there as text, so that it may name nothing from around it: a file of its own
 * would have to be found wherever this library is bundled to. No function in it has a name: a bundler that keeps names
 * puts a call of its own around those that have.
 */
const program = (require: NodeJS.Require): void => {
  const { parentPort, workerData } = require("node:worker_threads") as typeof import("node:worker_threads")
  const { driver, filename } = workerData as Setting
  let db: import("better-sqlite3").Database | undefined
  parentPort?.on("message", ({ id, isArrays, params, sql }: Question) => {
    try {
      // With the first question, so that the file is refused in an answer.
      db ??= new (require(driver) as typeof import("better-sqlite3"))(filename, { readonly: true })
      const statement = db.prepare(sql)
      const rows = statement.reader ? statement.raw(isArrays).all(...params) : []
      if (!statement.reader) statement.run(...params)
      parentPort.postMessage({ id, rows })
    } catch (error) {
      const { code, message } = error as { readonly code?: string; readonly message: string }
      parentPort.postMessage({ id, problem: { message, ...(code === undefined ? {} : { code }) } })
    }
  })
}

const read = (answer: Answer): Effect.Effect<Rows, SqlError> =>
  "rows" in answer
    ? Effect.succeed(answer.rows)
    : Effect.fail(new SqlError({ cause: new ThreadError(answer.problem), message: "Failed to execute statement" }))

type Transform = Parameters<Connection["execute"]>[2]

const transformed = (rows: Effect.Effect<Rows, SqlError>, transform: Transform) =>
  transform === undefined ? rows : Effect.map(rows, (rows) => transform(rows as ReadonlyArray<object>))

/** What SQLite said there, as it would say it here. */
class ThreadError extends Error {
  readonly code: string | undefined
  constructor({ code, message }: { readonly code?: string; readonly message: string }) {
    super(message)
    this.code = code
  }
}

/**
 * Opens a file to read alone. Questions are answered one after the other; who is interrupted waits no longer, but what
 * the thread is at goes on to its end. Fails only with the first question. Once a thread has ended, every question fails.
 */
export const make = (
  filename: string
): Effect.Effect<SqlClient.SqlClient, never, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const setting: Setting = { filename, driver: createRequire(import.meta.url).resolve("better-sqlite3") }
    // What the process was started with, and what stands in its environment, is none of the thread's.
    const apart = { eval: true, workerData: setting, execArgv: [], env: {} }
    const worker = new Worker(`(${program.toString()})(require)`, apart)
    yield* Scope.addFinalizer(
      scope,
      Effect.promise(() => worker.terminate())
    )
    // Alone it keeps no process from ending; a question does.
    worker.unref()

    const waiting = new Map<number, (answer: Effect.Effect<Rows, SqlError>) => void>()
    let ended: SqlError | undefined
    const forget = (id: number) => {
      waiting.delete(id)
      if (waiting.size === 0) worker.unref()
    }
    const settle = (id: number, answer: Effect.Effect<Rows, SqlError>) => {
      waiting.get(id)?.(answer)
      forget(id)
    }
    const end = (cause: unknown) => {
      ended ??= new SqlError({ cause, message: "the thread has ended" })
      for (const id of [...waiting.keys()]) settle(id, Effect.fail(ended))
    }
    worker.on("message", (answer: Answer) => settle(answer.id, read(answer)))
    worker.on("error", end)
    worker.on("exit", (code) => end(new Error(`exit code ${code}`)))

    let newest = 0
    const ask = (sql: string, params: ReadonlyArray<unknown>, isArrays = false) =>
      Effect.async<Rows, SqlError>((resume) => {
        if (ended !== undefined) return resume(Effect.fail(ended))
        const id = ++newest
        waiting.set(id, resume)
        worker.ref()
        worker.postMessage({ id, sql, params, isArrays } satisfies Question)
        return Effect.sync(() => forget(id))
      })

    const execute: Connection["execute"] = (sql, params, transform) => transformed(ask(sql, params), transform)
    const connection: Connection = {
      execute,
      executeRaw: (sql, params) => ask(sql, params),
      executeValues: (sql, params) => ask(sql, params, true) as Effect.Effect<ReadonlyArray<Rows>, SqlError>,
      // Nothing is kept prepared here.
      executeUnprepared: execute,
      executeStream: () => Stream.dieMessage("rows are read in pages here")
    }
    const semaphore = yield* Effect.makeSemaphore(1)
    return yield* SqlClient.make({
      acquirer: semaphore.withPermits(1)(Effect.succeed(connection)),
      transactionAcquirer: Effect.uninterruptibleMask((restore) =>
        restore(semaphore.take(1)).pipe(
          Effect.zipRight(Effect.flatMap(Effect.scope, (own) => Scope.addFinalizer(own, semaphore.release(1)))),
          Effect.as(connection)
        )
      ),
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]]
    })
  })
