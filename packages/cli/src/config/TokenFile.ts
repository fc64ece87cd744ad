/** A file with nothing in it but a token: for whoever keeps secrets in files, as containers and service managers do. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfigInvalid } from "./ConfigInvalid.ts"
import * as Secret from "./Secret.ts"
import * as TextFile from "./TextFile.ts"

/** The token in a file, without the end of its line. One that everybody on the machine may read is refused. */
export const read = Effect.fn("TokenFile.read")(function* (file: string) {
  const refuse = (problem: string) => new ConfigInvalid({ mistakes: [{ source: file, path: "", problem }] })
  const [text, isOpen] = yield* Effect.all([TextFile.read(file), TextFile.isOpen(file)]).pipe(
    Effect.mapError(({ problem }) => refuse(problem))
  )
  if (isOpen) {
    return yield* refuse(
      `everybody on this machine may read it, or write it; run: chmod 600 '${file.replaceAll("'", "'\\''")}'`
    )
  }
  const token = text.trim()
  if (!Secret.isToken(token)) return yield* refuse(`expected nothing but a token: ${Secret.tokenText}`)
  return Secret.make(token)
})

/** Writes a token into a file that is not there yet, for its owner alone. */
export const write = Effect.fn("TokenFile.write")(function* (file: string, token: Redacted.Redacted) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.writeFileString(file, `${Redacted.value(token)}\n`, { flag: "wx", mode: 0o600 })
})
