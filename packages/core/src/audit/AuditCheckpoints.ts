/**
 * Signs what the record is, again and again, with a key that is not in the database: whoever has a copy of what was
 * signed can tell for ever whether the record was changed after.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Checkpoint from "../model/Checkpoint.ts"
import * as Merkle from "../model/Merkle.ts"
import * as SignedNote from "../model/SignedNote.ts"
import * as Loop from "../services/Loop.ts"
import * as AuditTree from "../storage/AuditTree.ts"
import * as Exposure from "../storage/Exposure.ts"
import { Store, type StoreUnreadable } from "../storage/Store.ts"
import { originOf } from "./AuditVerifier.ts"

/** The key cannot be used. `problem` says why and what to do. */
export class AuditKeyUnusable extends Schema.TaggedError<AuditKeyUnusable>()("AuditKeyUnusable", {
  /** Where it is. */
  file: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.problem}`
  }
}

/** Where things are. */
export interface Options {
  /** The private key: made where it is not there, for its owner alone. Keep a copy elsewhere, and out of backups of the database. */
  readonly keyFile: string
  /** What was signed, one note after the other: added to, never changed. */
  readonly file: string
}

/** Where they are if nobody says otherwise: beside the database. */
export const beside = (database: string): Options => ({
  keyFile: `${database}.audit-key`,
  file: `${database}.checkpoints`
})

/** What was signed. */
export interface Shape {
  /** The newest; none before the first, and where nothing is signed. */
  readonly newest: Effect.Effect<Option.Option<string>>
  /** To check signatures with: `name+id+key`. None where nothing is signed. */
  readonly verifier: Effect.Effect<Option.Option<string>>
}

/** Nothing was signed yet, or nothing is signed here. */
export class AuditCheckpointNotFound extends Schema.TaggedError<AuditCheckpointNotFound>()(
  "AuditCheckpointNotFound",
  {}
) {
  override get message() {
    return "no checkpoint of the record was signed yet; a server signs one as it starts, unless its database is thrown away"
  }
}

const none: Shape = { newest: Effect.succeedNone, verifier: Effect.succeedNone }

/** What was signed of the record. Without a layer of its own: nothing is. */
export class AuditCheckpoints extends Context.Reference<AuditCheckpoints>()("@mithrandir/core/AuditCheckpoints", {
  defaultValue: () => none
}) {}

/** What is signed later than somebody asks for it: a server answers before it goes to work. */
export const later: Effect.Effect<{
  /** To be provided meanwhile. Nothing, until it is told. */
  readonly checkpoints: Shape
  /** Says what is signed. */
  readonly tell: (checkpoints: Shape) => Effect.Effect<void>
}> = Effect.map(Ref.make(none), (told) => ({
  checkpoints: {
    newest: Effect.flatMap(Ref.get(told), ({ newest }) => newest),
    verifier: Effect.flatMap(Ref.get(told), ({ verifier }) => verifier)
  },
  tell: (checkpoints) => Ref.set(told, checkpoints)
}))

/** Signed as soon as the record has grown by so many entries, */
const everyEntries = 1_000

/** or once it has grown at all, so long after the last; */
const everyInterval = Duration.minutes(1)

/** and looked at so often. */
const lookInterval = Duration.seconds(1)

const load = ({ keyFile }: Options, origin: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const unusable = (problem: string) => new AuditKeyUnusable({ file: keyFile, problem })
    const text = fs.readFileString(keyFile)
    // Whole or not at all: half a key, left by a process that was killed, would keep every later one from starting.
    const half = `${keyFile}.new`
    const made = Effect.scoped(
      Effect.gen(function* () {
        const file = yield* fs.open(half, { flag: "w", mode: 0o600 })
        const signer = SignedNote.signerText(SignedNote.makeSigner(origin))
        yield* file.writeAll(new TextEncoder().encode(`${signer}\n`))
        yield* file.sync
        // Whoever else makes one at the same time was first.
        yield* Effect.ensuring(fs.link(half, keyFile), Effect.ignore(fs.remove(half)))
      })
    )
    const isMissing = Effect.map(fs.exists(keyFile), (exists) => !exists)
    yield* Effect.whenEffect(made, isMissing).pipe(
      Effect.catchIf(
        (error) => error._tag === "SystemError" && error.reason === "AlreadyExists",
        () => Effect.void
      ),
      Effect.mapError((error) => unusable(`the key could not be made (${error.message}); name another file`))
    )
    if (!(yield* Exposure.isTrusted(keyFile))) {
      return yield* unusable(
        "everybody on this machine may get at it; make a new one, and keep it from them: chmod 600"
      )
    }
    const found = yield* Effect.mapError(text, (error) => unusable(`it could not be read (${error.message})`))
    return yield* Option.match(SignedNote.readSigner(found.trim()), {
      onNone: () => unusable("it holds no private key as we write them; name another file, or restore it"),
      onSome: Effect.succeed
    })
  })

/** The notes of a file, in their order. What stands between them is passed over. */
export const notesIn = (text: string): ReadonlyArray<string> =>
  text.match(/(?:^|(?<=\n))[^\n—][^\n]*\n\d+\n[^\n]+\n(?:[^\n]+\n)*\n(?:— \S+ \S+\n)+/g) ?? []

/**
 * Whether a file ends with something else than a whole note: as it does where a process lost its power in the middle of
 * one, or its disk was full. Such an end is no sign that anybody changed anything.
 */
export const isCutShort = (text: string): boolean => text !== "" && !/(?:^|\n)— \S+ \S+\n\n?$/.test(text)

/** More than a note has, so that the end of a file tells whether its last one is whole. */
const endBytes = 4_096

/** What is put to a signature that was cut short: none has more than two words, so that nobody takes it for one. */
const cutShort = " (cut short)\n\n"

/**
 * What goes between the end of a file and its next note, so that this one is found, and what was cut short before it is
 * not taken for a note that somebody changed.
 */
const gap = (end: string, note: string, isOwn: (note: string) => boolean): string => {
  const usual = end === "" || end.endsWith("\n\n") ? "" : "\n"
  const added = notesIn(`${end}${usual}${note}`).slice(notesIn(end).length)
  return added.at(-1) === note && added.every(isOwn) ? usual : cutShort
}

const make = (options: Options) =>
  Effect.gen(function* () {
    const store = yield* Store
    const fs = yield* FileSystem.FileSystem
    const origin = originOf(store.logId)
    const signer = yield* load(options, origin)
    const verifier = SignedNote.verifierOf(signer)

    const before = yield* fs.readFileString(options.file).pipe(
      Effect.map((text) => notesIn(text).filter(isOwn).at(-1)),
      Effect.catchAll(() => Effect.succeed(undefined))
    )
    const newest = yield* Ref.make(Option.fromNullable(before))

    function own(note: string) {
      return Option.filter(Checkpoint.open(note, verifier), (one) => one.origin === origin)
    }

    function isOwn(note: string) {
      return Option.isSome(own(note))
    }

    const signed = Effect.map(Ref.get(newest), (note) =>
      Option.match(Option.flatMap(note, own), { onNone: () => undefined, onSome: (checkpoint) => checkpoint })
    )

    /** What the record is now, and whether it has grown from what was signed last. Nothing: not by so many yet. */
    const look = (last: Merkle.Head | undefined, by: number) =>
      store.read((sql) =>
        Effect.gen(function* () {
          const edge = yield* AuditTree.edge(sql)
          const now: Merkle.Head = { size: edge.size, root: Merkle.rootOf(edge) }
          if (last === undefined) return { now, hasGrown: true }
          if (last.size > now.size) return { now, hasGrown: false }
          if (last.size < now.size && now.size < last.size + by) return undefined
          const proof = yield* AuditTree.compute(sql, (lookup) => Merkle.consistencyProof(last.size, now.size, lookup))
          return { now, hasGrown: Merkle.verifyConsistency(last, now, proof) }
        })
      )

    const write = (note: string) =>
      Effect.scoped(
        Effect.gen(function* () {
          const file = yield* fs.open(options.file, { flag: "a+", mode: 0o600 })
          // Each time: a disk that was full a minute ago leaves half a note as well as a process that was killed.
          const { size } = yield* file.stat
          yield* file.seek(size > endBytes ? size - BigInt(endBytes) : 0n, "start")
          const end = Option.match(yield* file.readAlloc(endBytes), {
            onNone: () => "",
            onSome: (bytes) => new TextDecoder().decode(bytes)
          })
          yield* file.writeAll(new TextEncoder().encode(`${gap(end, note, isOwn)}${note}\n`))
          yield* file.sync
        })
      )

    /** Signs, if the record has grown by so many. */
    const sign = (by: number): Effect.Effect<void, StoreUnreadable> =>
      Effect.gen(function* () {
        const last = yield* signed
        const seen = yield* look(last, by)
        if (seen === undefined) return
        const { hasGrown, now } = seen
        if (!hasGrown) {
          return yield* Effect.logError(
            "the record is not what was signed of it before: nothing is signed; run: mithrandir audit verify"
          ).pipe(Effect.annotateLogs({ signed: last?.size, size: now.size }))
        }
        if (last?.size === now.size) return
        const note = Checkpoint.sign({ origin, ...now }, signer)
        yield* Effect.catchAll(write(note), (error) =>
          Effect.logError("a checkpoint could not be written to its file", error.message)
        )
        yield* Ref.set(newest, Option.some(note))
        const root = Buffer.from(now.root).toString("base64")
        yield* Effect.logInfo("checkpoint of the record").pipe(
          Effect.annotateLogs({ size: now.size, root, publicKey: SignedNote.verifierText(verifier) })
        )
      })

    yield* Effect.addFinalizer(() =>
      Effect.whenEffect(Effect.ignoreLogged(sign(1)), store.isWriter).pipe(Effect.catchAllCause(() => Effect.void))
    )

    let seen = -1
    let signedAt = 0
    const round = Effect.gen(function* () {
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const isDue = now - signedAt >= Duration.toMillis(everyInterval)
      const moved = yield* store.newest
      // Whoever ends a command tells it: where nothing was told, nothing was written.
      if (moved === seen && !isDue) return
      seen = moved
      yield* sign(isDue ? 1 : everyEntries)
      if (isDue) signedAt = now
    })
    yield* Effect.forkScoped(
      Effect.zipRight(
        store.gained,
        Loop.keep("signing the record", Effect.repeat(round, Schedule.spaced(lookInterval)))
      )
    )

    return { newest: Ref.get(newest), verifier: Effect.succeedSome(SignedNote.verifierText(verifier)) }
  })

/** Signs the record of the store's database for as long as the layer lives and this process is the writer. */
export const layer = (
  options: Options
): Layer.Layer<AuditCheckpoints, AuditKeyUnusable, Store | FileSystem.FileSystem> =>
  Layer.scoped(AuditCheckpoints, make(options))
