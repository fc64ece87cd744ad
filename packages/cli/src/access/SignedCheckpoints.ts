/** Signed checkpoints as files have them: those beside a database, and those that somebody has kept elsewhere. */
import * as FileSystem from "@effect/platform/FileSystem"
import { AuditCheckpoints, SignedNote } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"

/**
 * The notes beside a database, the oldest first; none where nothing was signed. One that was cut short at the end is
 * passed over, and said: a process that was killed leaves it, or a disk that was full, and it proves nothing.
 */
export const beside: (database: string) => Effect.Effect<ReadonlyArray<string>, never, FileSystem.FileSystem> =
  Effect.fn("SignedCheckpoints.beside")(function* (database) {
    const fs = yield* FileSystem.FileSystem
    const { file } = AuditCheckpoints.beside(database)
    const text = yield* Effect.catchAll(fs.readFileString(file), (error) =>
      error._tag === "SystemError" && error.reason === "NotFound"
        ? Effect.succeed("")
        : Effect.as(Output.note(Output.printable(`${file} cannot be read, and is passed over`)), "")
    )
    if (AuditCheckpoints.isCutShort(text)) {
      yield* Output.note(Output.printable(`${file} ends in the middle of a checkpoint: that one is passed over`))
    }
    return AuditCheckpoints.notesIn(text)
  })

/** The notes in a file that somebody named. There has to be one, and none is passed over because it is cut short. */
export const kept: (file: string) => Effect.Effect<ReadonlyArray<string>, ExitCode.Refused, FileSystem.FileSystem> =
  Effect.fn("SignedCheckpoints.kept")(function* (file) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(file), () => refuse(`--checkpoint: ${file} cannot be read`))
    // Whoever pastes a note into a file may leave out the end of its last line.
    const notes = AuditCheckpoints.notesIn(`${text}\n`)
    return notes.length === 0 ? yield* refuse(`--checkpoint: there is no checkpoint in ${file}`) : notes
  })

/** The public half of the key beside a database, where it is there and may be read. */
export const keyBeside: (
  database: string
) => Effect.Effect<Option.Option<SignedNote.Verifier>, never, FileSystem.FileSystem> = Effect.fn(
  "SignedCheckpoints.keyBeside"
)(function* (database) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.option(fs.readFileString(AuditCheckpoints.beside(database).keyFile))
  const signer = Option.flatMap(text, (text) => SignedNote.readSigner(text.trim()))
  return Option.map(signer, SignedNote.verifierOf)
})

const refuse = (problem: string) => new ExitCode.Refused({ code: ExitCode.usage, problem })
