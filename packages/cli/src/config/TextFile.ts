/** A text file that a person wrote: of bounded size, in UTF-8, and with a plain word for why it cannot be read. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const mebibyte = 1024 * 1024

/** A file is written by hand; beyond 1 MiB it is some other file, and reading it would only fill memory. */
export const maxBytes = mebibyte

/** The file gives no text. `problem` says why, in half a sentence, and quotes nothing of it. */
export class TextFileUnreadable extends Schema.TaggedError<TextFileUnreadable>()("TextFileUnreadable", {
  /** There is no such file. */
  absent: Schema.Boolean,
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/** The whole text, without a byte order mark, which some editors put first. `most`: bytes, of whole MiB. */
export const read = Effect.fn("TextFile.read")(function* (file: string, most = maxBytes) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* fs.stat(file).pipe(Effect.mapError(unreadable))
  // A pipe may never end, and a device may never begin.
  if (info.type !== "File") return yield* refuse("expected a file")
  if (info.size > most) return yield* refuse(`expected a file of at most ${most / mebibyte} MiB`)
  const bytes = yield* fs.readFile(file).pipe(Effect.mapError(unreadable))
  return yield* Effect.try({ try: () => decode(bytes), catch: () => refuse("expected text in UTF-8") }).pipe(
    // Other encodings have it in every second place, and text has it nowhere.
    Effect.filterOrFail(
      (text) => !text.includes("\u0000"),
      () => refuse("expected text in UTF-8")
    )
  )
})

/** Bits of a file's mode that are of everybody on the machine. On Windows they mean nothing. */
const others = process.platform === "win32" ? 0 : 0o006

/** Whether everybody on the machine may read it, or write it. */
export const isOpen = Effect.fn("TextFile.isOpen")(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const { mode } = yield* Effect.mapError(fs.stat(file), unreadable)
  return (mode & others) !== 0
})

/** Takes a byte order mark away. */
const decode = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes)

const refuse = (problem: string) => new TextFileUnreadable({ absent: false, problem })

const unreadable = (error: PlatformError): TextFileUnreadable => {
  switch (error._tag === "SystemError" ? error.reason : undefined) {
    case "NotFound":
      return new TextFileUnreadable({ absent: true, problem: "there is no such file" })
    case "PermissionDenied":
      return refuse("it may not be read by this user")
    default:
      return refuse("it could not be read")
  }
}
