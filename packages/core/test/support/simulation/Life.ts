/** One process over a database file, from its start until it is stopped or killed. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Mithrandir from "../../../src/Mithrandir.ts"
import * as Database from "../../../src/storage/Database.ts"
import { NextTurn } from "../../../src/storage/NextTurn.ts"
import { service } from "../house.ts"
import type { Time } from "./Time.ts"
import { makeDice, Turns } from "./Turns.ts"
import type { Upstream } from "./Upstream.ts"

/** What a process runs in. */
export interface Setting {
  readonly file: string
  readonly time: Time
  readonly upstream: Upstream
  /** Decides the order in which fibers take their turns. */
  readonly seed: number
  /** How much of a fiber runs in one turn. */
  readonly maxOps: number
}

/** The files are real; nothing is asked over a network. */
const layerOutside = Layer.merge(
  NodeFileSystem.layer,
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make(() => Effect.dieMessage("nothing here listens"))
  )
)

/** Here the turns are those of fibers alone. */
const layerTurns = Layer.succeed(NextTurn, Effect.yieldNow())

/** Connections that end with a scope of their own, whoever opens them. */
const layerDriver = (connections: Scope.Scope) =>
  Layer.effect(
    Database.SqliteDriver,
    Effect.map(Reactivity.make, (reactivity) => ({
      open: (options) =>
        SqliteClient.make(options).pipe(
          Effect.provideService(Reactivity.Reactivity, reactivity),
          Scope.extend(connections)
        )
    }))
  )

/** What a command may take. */
export const commandTimeoutMs = 10_000

export class Life {
  readonly #turns: Turns
  readonly #setting: Setting
  readonly #house = Effect.runSync(Scope.make())
  /** Apart from the house: the system closes what a process had open, also where nothing of it runs any more. */
  readonly #connections = Effect.runSync(Scope.make())
  #context: Context.Context<Mithrandir.Mithrandir> | undefined
  #isOver = false

  private constructor(setting: Setting) {
    this.#setting = setting
    this.#turns = new Turns()
  }

  /** The house stands; nothing has been taken up. */
  static async begin(number: number, setting: Setting): Promise<Life> {
    const life = new Life(setting)
    const source = setting.upstream.source(number, () => !life.#isOver)
    const services = [service({ source }, { commandTimeout: commandTimeoutMs })]
    const layer = Mithrandir.layer({ services }).pipe(
      Layer.provide(Database.layerSqlite({ filename: setting.file, mode: "writer" })),
      Layer.provide(layerDriver(life.#connections)),
      Layer.provide(layerTurns),
      Layer.provide(layerOutside)
    )
    life.#context = await life.#awaited(life.#fork(Layer.buildWithScope(layer, life.#house), 2_048))
    // How often anybody had a turn until now depends on the system.
    life.#turns.shuffle(makeDice(setting.seed))
    return life
  }

  /** Starts something in it. */
  run<A, E>(effect: Effect.Effect<A, E, Mithrandir.Mithrandir>): Fiber.RuntimeFiber<A, E> {
    if (this.#context === undefined) throw new Error("it has not begun")
    return this.#fork(Effect.provide(effect, this.#context))
  }

  /** Lets its fibers take so many turns, or all that they want. */
  turn(turns: number): void {
    if (turns === Infinity) this.settle()
    else for (let turn = 0; turn < turns && this.#turns.take(); turn++) {}
  }

  settle(): void {
    this.#turns.settle()
  }

  /** Ends it as kill -9 does: nothing of it runs any more, and the file is what it was at this moment. */
  kill(): void {
    this.#isOver = true
    this.#turns.end()
    const files = [this.#setting.file, `${this.#setting.file}-wal`]
    const left = files.map((file) => (existsSync(file) ? readFileSync(file) : undefined))
    this.#close()
    // To close them tidied up.
    rmSync(`${this.#setting.file}-shm`, { force: true })
    files.forEach((file, index) => {
      const bytes = left[index]
      if (bytes === undefined) rmSync(file, { force: true })
      else writeFileSync(file, bytes, { mode: 0o600 })
    })
  }

  /** Ends it as SIGTERM does: with the time it takes. */
  stop(): void {
    const { time } = this.#setting
    const closing = this.#fork(Scope.close(this.#house, Exit.void))
    for (let seconds = 0; closing.unsafePoll() === null; seconds++) {
      if (seconds > 15) throw new Error("it does not stop within 15 seconds")
      time.pass(1_000, () => this.settle())
    }
    this.#isOver = true
    this.#turns.end()
    this.#close()
  }

  #close(): void {
    Effect.runSync(Scope.close(this.#connections, Exit.void))
  }

  #fork<A, E>(effect: Effect.Effect<A, E>, maxOps = this.#setting.maxOps): Fiber.RuntimeFiber<A, E> {
    const { seed, time } = this.#setting
    return Effect.runFork(
      effect.pipe(
        Effect.withClock(time.clock),
        Effect.withRandom(Random.make(seed)),
        Effect.withMaxOpsBeforeYield(maxOps),
        Effect.withTracerEnabled(false),
        Logger.withMinimumLogLevel(LogLevel.None)
      ),
      { scheduler: this.#turns, immediate: false }
    )
  }

  /** To open files takes the system its own time. */
  async #awaited<A, E>(fiber: Fiber.RuntimeFiber<A, E>): Promise<A> {
    while (true) {
      this.settle()
      const exit = fiber.unsafePoll()
      if (exit !== null) return Effect.runSync(exit)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
