/** A file that is there only once it is whole. */
import * as NodeFs from "node:fs"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Drivers, Failure } from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"

type Texts = Stream.Stream<string, Failure>

/**
 * Writes to a file of another name beside it, and renames that at the end, so that half of it is never taken for all.
 * What was there before stays until then, and its mode for good; links stay links. Whatever goes wrong or interrupts it,
 * the half file is removed. What is there and no file, a pipe or a device, is written to as it is.
 */
export const write = (file: string, texts: Texts): Effect.Effect<void, Failure, Drivers> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const there = Option.getOrUndefined(yield* Effect.option(fs.stat(file)))
      if (there === undefined)
        return yield* /[/\\]$/.test(file) ? unwritable(file, "directory") : whole(file, yield* meant(file), texts)
      if (there.type === "Directory") return yield* unwritable(file, "directory")
      if (there.type !== "File") return yield* straight(file, there.type, texts)
      return yield* whole(file, yield* unless(file, fs.realPath(file)), texts, there.mode & 0o7777)
    })
  )

/** `named` is what errors call it. */
const whole = (named: string, file: string, texts: Texts, mode?: number) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    // As short as it can be: a name may be as long as the file system takes.
    const half = path.join(path.dirname(file), `.${crypto.randomUUID()}.part`)
    yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(half)))
    const open = yield* unless(named, fs.open(half, { flag: "wx", mode: 0o600 }))
    yield* Stream.runForEach(texts, (text) => unless(named, open.writeAll(encoder.encode(text))))
    if (mode !== undefined) yield* unless(named, fs.chmod(half, mode))
    // A name that survives a power cut must not stand for a content that did not.
    yield* unless(named, open.sync)
    yield* unless(named, fs.rename(half, file))
  })

const encoder = new TextEncoder()

/** Of a link that leads nowhere yet: where it leads. */
const meant = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const link = yield* Effect.option(fs.readLink(file))
    return Option.match(link, { onNone: () => file, onSome: (to) => path.resolve(path.dirname(file), to) })
  })

const straight = (file: string, type: FileSystem.File.Type, texts: Texts) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    if (type === "FIFO") yield* unless(file, untilRead(file))
    // Not "w", which would have every write say where: nothing can be sought in a pipe.
    const open = yield* unless(file, fs.open(file, { flag: "a" }))
    yield* Stream.runForEach(texts, (text) => unless(file, open.writeAll(encoder.encode(text))))
  })

/**
 * Opening a pipe that nobody reads would wait where nothing can interrupt it, and the process could not end. Kept open
 * for the scope: its reader would take a pipe that is closed for one that is done.
 */
const untilRead = (file: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => NodeFs.openSync(file, NodeFs.constants.O_WRONLY | NodeFs.constants.O_NONBLOCK),
      catch: (cause) => ({ cause })
    }),
    (open) => Effect.sync(() => NodeFs.closeSync(open))
  ).pipe(Effect.retry({ while: (error) => codeOf(error) === "ENXIO", schedule: Schedule.spaced("100 millis") }))

const unless = <A, E extends PlatformError | { readonly cause: unknown }, R>(
  file: string,
  effect: Effect.Effect<A, E, R>
) => Effect.mapError(effect, (error) => unwritable(file, codeOf(error)))

/** The system's own word for it. */
const codeOf = ({ cause }: { readonly cause?: unknown }): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"

const unwritable = (file: string, code: string) =>
  new ExitCode.Refused({
    code: ExitCode.failed,
    problem: `${file}: ${problems[code] ?? `it could not be written (${code})`}`
  })

const problems: Readonly<Record<string, string>> = {
  ENOENT: "its directory does not exist; create it first",
  ENOTDIR: "what should be its directory is a file",
  EACCES: "no permission to write it",
  EPERM: "no permission to write it",
  EROFS: "no permission to write it: nothing there can be changed",
  ENAMETOOLONG: "its name is too long",
  ENOSPC: "it could not be written: the disk is full",
  EDQUOT: "it could not be written: the disk is full",
  EFBIG: "it could not be written: it would be larger than a file may be",
  directory: "it is a directory; name a file"
}
