import { chmodSync, chownSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { DatabaseUnusable, type Mode } from "../../src/storage/Database.ts"
import * as Store from "../../src/storage/Store.ts"
import * as WriterLock from "../../src/storage/WriterLock.ts"
import { layerDatabase, makeFile } from "../support/house.ts"

const modes: ReadonlyArray<Mode> = ["writer", "standby", "reader"]
const endings = ["", "-wal", "-shm", "-journal", ".lock", ".lock-journal", ".server.json", ".server.json.new"]

const open = (file: string, mode: Mode) => Layer.build(Layer.provide(Store.layer, layerDatabase(file, mode)))

/** A database as an earlier run left it. */
const used = Effect.tap(makeFile, (file) => Effect.scoped(open(file, "writer")))

const refusal = (file: string, mode: Mode) =>
  Effect.flip(Effect.scoped(open(file, mode))).pipe(
    Effect.filterOrDieMessage((error) => error instanceof DatabaseUnusable, "it is refused for another reason"),
    Effect.tap(({ reason }) => Effect.sync(() => assert.strictEqual(reason, "exposed"))),
    Effect.map(({ message }) => message)
  )

/** Every file beside a database, with its rights. */
const rights = (file: string) =>
  readdirSync(dirname(file)).map((name) => [name, statSync(join(dirname(file), name)).mode & 0o777] as const)

/** Where modes say nothing. */
const skip = process.platform === "win32"
const notRoot = process.getuid?.() !== 0

describe.skipIf(skip)("a database whose files everybody may get at", () => {
  for (const ending of endings) {
    it.scoped(`m.db${ending}: is refused in every mode, in a line that says what to do, and left as it is`, () =>
      Effect.gen(function* () {
        const file = yield* used
        if (ending !== "" && ending !== ".lock") writeFileSync(`${file}${ending}`, "")
        for (const bits of [0o604, 0o602, 0o646]) {
          chmodSync(`${file}${ending}`, bits)
          const before = rights(file)
          for (const mode of modes) {
            const message = yield* refusal(file, mode)
            assert.include(message, `(test.db${ending} 0${bits.toString(8)})`)
            assert.include(message, `run: chmod o= '${file}${ending}'`)
            assert.notInclude(message, "\n")
          }
          assert.deepStrictEqual(rights(file), before)
        }
        chmodSync(`${file}${ending}`, 0o600)
        for (const mode of modes) yield* Effect.scoped(open(file, mode))
      })
    )
  }

  it.scoped("names all of them at once, quoted for a shell, by where they really are", () =>
    Effect.gen(function* () {
      const file = `${dirname(yield* makeFile)}/it's.db`
      yield* Effect.scoped(open(file, "writer"))
      chmodSync(file, 0o644)
      chmodSync(`${file}.lock`, 0o666)
      const link = `${file}.link`
      symlinkSync(file, link)
      const quoted = file.replace("'", "'\\''")
      for (const mode of modes) {
        assert.include(yield* refusal(link, mode), `chmod o= '${quoted}' '${quoted}.lock'`)
      }
    })
  )
})

describe.skipIf(skip)("a database that its group may use", () => {
  it.scoped("is taken, and what is made beside it has the rights that it has", () =>
    Effect.gen(function* () {
      const file = yield* used
      chmodSync(file, 0o660)
      yield* open(file, "writer")
      yield* open(file, "reader")
      assert.includeDeepMembers(rights(file), [
        ["test.db", 0o660],
        ["test.db-wal", 0o660],
        ["test.db-shm", 0o660]
      ])
    })
  )
})

describe.skipIf(skip)("what a server says of itself", () => {
  it.scoped("is believed only where nobody else can have said it", () =>
    Effect.gen(function* () {
      const file = yield* used
      const announced = Effect.provide(WriterLock.readAnnouncement(file), NodeFileSystem.layer)
      writeFileSync(`${file}.server.json`, '{"pid":1,"url":"http://127.0.0.1:1"}', { mode: 0o600 })
      assert.isTrue(Option.isSome(yield* announced))
      chmodSync(`${file}.server.json`, 0o602)
      assert.isTrue(Option.isNone(yield* announced))
    })
  )

  it.scoped("is for its owner alone, whatever was left there under that name", () =>
    Effect.gen(function* () {
      const file = yield* used
      const elsewhere = `${file}.elsewhere`
      writeFileSync(elsewhere, "kept")
      const word = { pid: process.pid, url: "http://127.0.0.1:1" }
      const announced = Effect.scoped(
        Effect.zipRight(
          WriterLock.announce(file, word),
          Effect.sync(() => statSync(`${file}.server.json`).mode & 0o777)
        )
      ).pipe(Effect.provide(NodeFileSystem.layer))
      writeFileSync(`${file}.server.json.new`, "", { mode: 0o666 })
      assert.strictEqual(yield* announced, 0o600)
      symlinkSync(elsewhere, `${file}.server.json.new`)
      assert.strictEqual(yield* announced, 0o600)
      assert.strictEqual(statSync(elsewhere).size, 4)
    })
  )
})

describe.skipIf(skip)("a directory that everybody may write to", () => {
  const logged = () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => lines.push(String(message)))
    return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
  }

  it.scoped("is warned of, unless only owners may take files away from it", () =>
    Effect.gen(function* () {
      const file = yield* used
      const warned = (bits: number) =>
        Effect.suspend(() => {
          const { layer, lines } = logged()
          chmodSync(dirname(file), bits)
          return Effect.as(Effect.scoped(open(file, "writer")).pipe(Effect.provide(layer)), lines)
        })
      assert.match((yield* warned(0o777)).join(), /^everybody on this machine may replace the database/)
      for (const bits of [0o700, 0o770, 0o775, 0o1777]) assert.deepStrictEqual(yield* warned(bits), [])
    })
  )

  it.scoped.skipIf(notRoot)("may have no file of somebody else's in it, who may have put it there (needs root)", () =>
    Effect.gen(function* () {
      for (const ending of ["", ".lock", ".server.json"]) {
        const file = yield* used
        if (ending === ".server.json") writeFileSync(`${file}${ending}`, "{}", { mode: 0o600 })
        chownSync(`${file}${ending}`, 4711, 4711)
        for (const bits of [0o777, 0o1777]) {
          chmodSync(dirname(file), bits)
          for (const mode of modes) {
            assert.include(
              yield* refusal(file, mode),
              `: test.db${ending} belongs to another user (4711), in a directory that everybody may write to; `
            )
          }
        }
        // Where only they or we could have put it, it is theirs.
        chmodSync(dirname(file), 0o755)
        for (const mode of modes) yield* Effect.scoped(open(file, mode))
      }
    })
  )
})
