import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as AuditCheckpoints from "../../src/audit/AuditCheckpoints.ts"
import * as AuditVerifier from "../../src/audit/AuditVerifier.ts"
import * as AuditProof from "../../src/model/AuditProof.ts"
import * as Checkpoint from "../../src/model/Checkpoint.ts"
import * as SignedNote from "../../src/model/SignedNote.ts"
import * as Store from "../../src/storage/Store.ts"
import { wholeCommand } from "../support/audited.ts"
import { layerDatabase, makeFile } from "../support/house.ts"

const place = AuditCheckpoints.beside

/** A store that signs, until the scope ends. */
const open = (database: string) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      Layer.merge(AuditVerifier.layer, AuditCheckpoints.layer(place(database))).pipe(
        Layer.provideMerge(Layer.provide(Store.layer, layerDatabase(database))),
        Layer.provide(NodeContext.layer)
      )
    )
    const store = Context.get(context, Store.Store)
    let written = 0
    const write = (count: number, prefix = "c") =>
      store.commit({
        writes: Array.from({ length: count }, () => `${prefix}-${written++}`).flatMap(wholeCommand),
        events: [{ name: "command.status", service: "mail", subject: "mail", data: "{}" }]
      })
    const { newest, verifier } = Context.get(context, AuditCheckpoints.AuditCheckpoints)
    return {
      newest,
      verifier: yield* verifier,
      verifying: Context.get(context, AuditVerifier.AuditVerifier),
      write
    }
  })

const sizes = (database: string, verifier: Option.Option<string>) =>
  AuditCheckpoints.notesIn(readFileSync(place(database).file, "utf8")).map((note) => {
    const key = Option.getOrThrow(Option.flatMap(verifier, SignedNote.readVerifier))
    return Option.getOrThrow(Checkpoint.open(note, key)).size
  })

/** The clock goes on, a second at a time, and what was due by then is done. */
const pass = (seconds: number) =>
  Effect.forEach(
    Array.from({ length: seconds }),
    () =>
      Effect.zipRight(
        TestClock.adjust("1 second"),
        // Files are written by threads that no test clock moves.
        Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      ),
    { discard: true }
  )

describe("checkpoints of the record", () => {
  it.scoped(
    "are signed at the start, after a thousand entries, each minute in which there was one, and at the end",
    () =>
      Effect.gen(function* () {
        const database = yield* makeFile
        const verifier = yield* Effect.scoped(
          Effect.gen(function* () {
            const { newest, verifier, verifying, write } = yield* open(database)
            yield* pass(2)
            assert.deepStrictEqual(sizes(database, verifier), [0])
            yield* write(999)
            yield* pass(3)
            assert.deepStrictEqual(sizes(database, verifier), [0])
            yield* write(1)
            yield* pass(3)
            assert.deepStrictEqual(sizes(database, verifier), [0, 1_000])
            yield* write(2)
            yield* pass(65)
            assert.deepStrictEqual(sizes(database, verifier), [0, 1_000, 1_002])
            yield* pass(65)
            assert.deepStrictEqual(sizes(database, verifier), [0, 1_000, 1_002])

            const note = Option.getOrThrow(yield* newest)
            const key = Option.getOrThrow(Option.flatMap(verifier, SignedNote.readVerifier))
            const proof = yield* verifying.prove("c-1001", note)
            const proven = AuditProof.check(Option.getOrThrow(AuditProof.read(AuditProof.text(proof))), key)
            assert.strictEqual(proven._tag === "Right" ? proven.right.row.id : proven.left, "c-1001")
            yield* write(1)
            const unsigned = yield* Effect.flip(verifying.prove("c-1002", note))
            assert.strictEqual(unsigned._tag, "AuditEntryNotSigned")
            assert.strictEqual((yield* Effect.flip(verifying.prove("nobody", note)))._tag, "AuditEntryNotFound")
            const checkpoints = [Option.getOrThrow(Checkpoint.open(note, key))]
            assert.deepStrictEqual((yield* verifying.verify(checkpoints)).findings, [])
            return verifier
          })
        )
        assert.deepStrictEqual(sizes(database, verifier), [0, 1_000, 1_002, 1_003])
        assert.strictEqual(statSync(place(database).keyFile).mode & 0o777, 0o600)
        assert.isTrue(existsSync(place(database).file))
      })
  )

  it.scoped("go on after a restart, with the same key, and nothing is signed of a history that is another one", () =>
    Effect.gen(function* () {
      const database = yield* makeFile
      const first = yield* Effect.scoped(Effect.tap(open(database), ({ write }) => write(5)))
      const second = yield* Effect.scoped(Effect.tap(open(database), () => pass(2)))
      assert.deepStrictEqual(second.verifier, first.verifier)
      assert.deepStrictEqual(sizes(database, first.verifier), [5])

      const db = new Sqlite(database)
      db.exec("UPDATE audit_node SET hash = zeroblob(32) WHERE level = 0 AND number = 4")
      db.close()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { newest, write } = yield* open(database)
          yield* write(3, "d")
          yield* pass(65)
          assert.deepStrictEqual(sizes(database, first.verifier), [5])
          assert.strictEqual(Option.getOrThrow(Option.flatMap(yield* newest, Checkpoint.peek)).size, 5)
        })
      )
    })
  )

  it.scoped(
    "a note that was cut short, anywhere, costs no other: the next one is found, and none that is false",
    () =>
      Effect.gen(function* () {
        const database = yield* makeFile
        const { file } = place(database)
        const grow = (prefix: string) => Effect.scoped(Effect.tap(open(database), ({ write }) => write(1, prefix)))
        const { verifier } = yield* Effect.zipRight(grow("a"), grow("b"))
        const notes = AuditCheckpoints.notesIn(readFileSync(file, "utf8")).slice(-2)
        const whole = Buffer.from(notes.map((note) => `${note}\n`).join(""))
        // Where each ends, without the empty line after it.
        const ends = [Buffer.byteLength(notes[0] ?? ""), whole.length - 1]

        const isLong = process.env["MITHRANDIR_TEST_LONG"] !== undefined
        // Every fifth place, and every one near an end.
        const isNear = (cut: number) => [0, ...ends].some((end) => Math.abs(cut - end) < 3)
        for (let cut = 0; cut <= whole.length; cut++) {
          if (!isLong && cut % 5 !== 0 && !isNear(cut)) continue
          const half = whole.subarray(0, cut)
          const isWhole = cut === 0 || ends.some((end) => cut === end || cut === end + 1)
          assert.strictEqual(AuditCheckpoints.isCutShort(half.toString()), !isWhole, `cut at ${cut}`)
          writeFileSync(file, half)
          yield* Effect.scoped(open(database))
          // One that has lost its last line end alone has it again, and comes once more: nobody has seen it.
          const kept = ends.flatMap((end, index) => (cut >= end - 1 ? [index + 1] : []))
          assert.deepStrictEqual(
            sizes(database, verifier),
            cut >= whole.length - 1 ? kept : [...kept, 2],
            `cut at ${cut}`
          )
          const after = readFileSync(file)
          assert.isTrue(after.subarray(0, cut).equals(half), `cut at ${cut}`)
          assert.isFalse(AuditCheckpoints.isCutShort(after.toString()), `cut at ${cut}`)
        }
      }),
    // A store for each place.
    120_000
  )

  it.scoped("a key that was half made when its process was killed is in nobody's way", () =>
    Effect.gen(function* () {
      const database = yield* makeFile
      const { keyFile } = place(database)
      writeFileSync(`${keyFile}.new`, "PRIVATE+KEY+mith", { mode: 0o600 })
      const { verifier } = yield* Effect.scoped(open(database))
      assert.isFalse(existsSync(`${keyFile}.new`))
      assert.strictEqual(statSync(keyFile).mode & 0o777, 0o600)
      assert.deepStrictEqual((yield* Effect.scoped(open(database))).verifier, verifier)
    })
  )

  it.scoped("a key that everybody may read, or that is none, is refused with a word of what to do", () =>
    Effect.gen(function* () {
      const database = yield* makeFile
      const { keyFile } = place(database)
      yield* Effect.scoped(open(database))
      chmodSync(keyFile, 0o644)
      const exposed = yield* Effect.flip(Effect.scoped(open(database)))
      assert.match(String(exposed), /chmod 600/)
      chmodSync(keyFile, 0o600)
      writeFileSync(keyFile, "nonsense\n")
      const nonsense = yield* Effect.flip(Effect.scoped(open(database)))
      assert.match(String(nonsense), /no private key/)
    })
  )
})
