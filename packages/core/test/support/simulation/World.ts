/**
 * A world to try commands in: a database file, an upstream, and one process after another, of which each may be stopped,
 * or killed between any two steps of its fibers. Everything in it follows from its seed, but the time that the system
 * takes to open files, which nothing depends on.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import { Commands } from "../../../src/commands/Commands.ts"
import { Reconciler } from "../../../src/reconciliation/Reconciler.ts"
import { actor, Book } from "./Book.ts"
import { Life } from "./Life.ts"
import { type CommandRow, RecordReader } from "./Record.ts"
import { Time } from "./Time.ts"
import { type Content, Upstream } from "./Upstream.ts"

/** What a world is like from its beginning. */
export interface Nature {
  readonly seed: number
  /** How much of a fiber runs in one turn. */
  readonly maxOps: number
  readonly honoursKeys: boolean
}

/** In memory where that can be had: a process that is killed leaves there what it leaves on a disk. */
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

/** As long as any command may take that was accepted in a world that is well from then on. */
const longestMs = 300_000

/** By then every request has come that is late. */
export const latestMs = 20_000

export class World {
  readonly time = new Time()
  readonly upstream: Upstream
  readonly book: Book
  readonly #nature: Nature
  readonly #directory = mkdtempSync(join(place, "mithrandir-model-"))
  readonly #file = join(this.#directory, "test.db")
  readonly #problems: Array<string> = []
  #reader: RecordReader | undefined
  #life: Life | undefined
  #lives = 0
  #isUnwritable = false
  #wasUnwritableAt = -1

  private constructor(nature: Nature) {
    this.#nature = nature
    this.upstream = new Upstream(this.time, nature.honoursKeys)
    this.book = new Book(this.upstream)
    this.upstream.onRequest = (request) =>
      void this.#problems.push(...this.book.request(request, this.#reader?.command(request.key), this.time.now))
  }

  /** `template`: a database that is migrated and otherwise empty. */
  static async make(nature: Nature, template?: string): Promise<World> {
    const world = new World(nature)
    if (template !== undefined) copyFileSync(template, world.#file)
    await world.begin()
    return world
  }

  get file(): string {
    return this.#file
  }

  /** A process starts, and takes up what it finds. */
  async begin(): Promise<void> {
    this.#lives += 1
    const { maxOps, seed } = this.#nature
    const { time, upstream } = this
    const setting = { file: this.#file, time, upstream, maxOps, seed: seed + this.#lives }
    this.#life = await Life.begin(this.#lives, setting)
    this.#reader = new RecordReader(this.#file)
    this.book.begin(this.#lives, this.#reader.read())
    this.#life.run(Effect.flatMap(Commands, (commands) => commands.recover))
  }

  kill(): void {
    this.check()
    this.#endReading()
    this.#life?.kill()
    this.#life = undefined
  }

  stop(): void {
    this.#life?.stop()
    this.check()
    this.#endReading()
    this.#life = undefined
  }

  post(id: string, content: Content): void {
    const { moment } = this.upstream
    const request = { commandId: id, service: "mail", ...content }
    const life = this.#life
    const fiber = life?.run(Effect.flatMap(Commands, (commands) => commands.submit(request, actor)))
    this.book.post({
      id,
      content,
      moment,
      answer: () => fiber?.unsafePoll() ?? null,
      mayBeUnavailable: () => this.#isUnwritable || this.#wasUnwritableAt >= moment
    })
    this.upstream.moment += 1
  }

  /** A pass, which may find the source silent, and is never to accuse it: nothing in this world is a discrepancy. */
  pass(): void {
    const judged = Effect.flatMap(Reconciler, (reconciler) => reconciler.run({})).pipe(
      Effect.flatMap(([update]) =>
        Effect.sync(() => {
          if (update?.status === "discrepancy") this.#problems.push(`a pass accused: ${JSON.stringify(update)}`)
        })
      ),
      Effect.catchAll(() => Effect.void)
    )
    this.#life?.run(judged)
  }

  /** Makes every commit fail, or none any more. */
  setWritable(isWritable: boolean): void {
    if (isWritable !== this.#isUnwritable) return
    const sql = isWritable
      ? "DROP TRIGGER broken"
      : "CREATE TRIGGER broken BEFORE UPDATE ON event_seq BEGIN SELECT RAISE(ABORT, 'broken'); END"
    // Somebody may be in the middle of a commit.
    while (!this.#write(sql)) this.turn(1)
    this.#isUnwritable = !isWritable
    this.#wasUnwritableAt = ++this.upstream.moment
  }

  /** Sets the clock on the wall. */
  step(ms: number): void {
    this.book.wasStepped = true
    this.time.step(ms)
  }

  turn(turns: number): void {
    this.#life?.turn(turns)
  }

  /** Lets time pass; nobody is left with anything to do. */
  wait(ms: number): void {
    this.time.pass(ms, () => this.#life?.settle())
  }

  /** Throws, saying what is wrong, if anything is. */
  check(): void {
    if (this.#reader !== undefined) this.#problems.push(...this.book.check(this.#reader.read(), this.#lives))
    if (this.#problems.length > 0) throw new Error(Array.from(new Set(this.#problems)).join("\n"))
  }

  /** The world is well from now on: everything ends, and what is late has come. */
  finish(): void {
    this.upstream.reads = "answer"
    this.upstream.faults = []
    this.setWritable(true)
    for (let waited = 0; waited < longestMs; waited += 10_000) {
      this.wait(10_000)
      this.check()
      if (waited >= latestMs && this.book.unfinished.length === 0) break
    }
    if (this.book.unfinished.length > 0) this.#problems.push(`for ever unfinished: ${this.book.unfinished.join()}`)
    const integrity = this.#reader?.integrity()
    if (integrity !== "ok") this.#problems.push(`the file is not whole: ${integrity}`)
    this.pass()
    this.wait(10_000)
    this.check()
  }

  /** A command as the file has it. */
  command(id: string): CommandRow | undefined {
    return this.#reader?.command(id)
  }

  /** All that happened, without what is never the same twice. */
  story(): string {
    const { applied, requests } = this.upstream
    const story = JSON.stringify({ record: this.#reader?.read(), applied, requests })
    return story.replaceAll(/\\"eventId\\":\\"[^"]*\\"/g, "")
  }

  end(): void {
    this.#endReading()
    this.#life?.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Writes to the file as another process would, unless it is just being written. */
  #write(sql: string): boolean {
    const db = new Sqlite(this.#file, { timeout: 0 })
    try {
      db.exec(sql)
      return true
    } catch (error) {
      if (error instanceof Sqlite.SqliteError && error.code === "SQLITE_BUSY") return false
      throw error
    } finally {
      db.close()
    }
  }

  #endReading(): void {
    this.#reader?.close()
    this.#reader = undefined
  }
}
