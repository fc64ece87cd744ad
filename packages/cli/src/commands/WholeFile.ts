/** A file that is there only once it is whole. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Drivers, Failure } from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"

/**
 * Writes to a file of another name beside it, and renames that at the end, so that half of it is never taken for all.
 * What was there before stays until then. Whatever goes wrong or interrupts it, the half file is removed.
 */
export const write = (file: string, texts: Stream.Stream<string, Failure>): Effect.Effect<void, Failure, Drivers> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const half = path.join(path.dirname(file), `.${path.basename(file)}.${crypto.randomUUID()}.part`)
      const unless = <A, R>(effect: Effect.Effect<A, PlatformError, R>) =>
        Effect.mapError(effect, (error) => unwritable(file, "reason" in error ? error.reason : ""))

      const isDirectory = yield* fs.stat(file).pipe(
        Effect.map(({ type }) => type === "Directory"),
        Effect.orElseSucceed(() => false)
      )
      if (isDirectory) return yield* unwritable(file, "directory")
      yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(half)))
      const open = yield* unless(fs.open(half, { flag: "wx", mode: 0o600 }))
      const encoder = new TextEncoder()
      yield* Stream.runForEach(texts, (text) => unless(open.writeAll(encoder.encode(text))))
      // A name that survives a power cut must not stand for a content that did not.
      yield* unless(open.sync)
      yield* unless(fs.rename(half, file))
    })
  )

const unwritable = (file: string, reason: string) =>
  new ExitCode.Refused({
    code: ExitCode.failed,
    problem: `${file}: ${problems[reason] ?? "it could not be written; is the disk full?"}`
  })

const problems: Readonly<Record<string, string>> = {
  NotFound: "its directory does not exist; create it first",
  PermissionDenied: "no permission to write it",
  directory: "it is a directory; name a file"
}
