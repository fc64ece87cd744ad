/** `mithrandir audit prove`: that an entry is in the record, for somebody who has neither the database nor a server. */
import { AuditCheckpoints, AuditProof, Checkpoint, Command } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LocalAccess from "../access/LocalAccess.ts"
import * as SignedCheckpoints from "../access/SignedCheckpoints.ts"
import * as Settings from "../config/Settings.ts"
import * as CheckpointFlags from "../line/CheckpointFlags.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import * as WholeFile from "./WholeFile.ts"

const id = Flags.argument({ name: "ID", help: "the command's id", schema: Command.CommandId })

const checkpoint = CheckpointFlags.checkpoint({
  help: "signed checkpoints that you have kept elsewhere, to prove it by",
  default: "those beside the database"
})

const { config, database } = Flags.access

export const program = Program.make({
  name: "prove",
  summary: "Prove that an entry is in the record, for somebody who has nothing but the public key.",
  details: [
    "The proof is a text (c2sp.org/tlog-proof): the entry with everything that is on the record of it, the newest signed checkpoint, and what leads from one to the other. Whoever gets it checks it with mithrandir audit check-proof, or with a program of their own.",
    "It reads the database, also beside a server, and needs no key."
  ],
  inputs: { id, checkpoint, file: Flags.file, config, database },
  examples: [
    { says: "To hand to an auditor", line: "mithrandir audit prove inc-7-0 --file inc-7-0.tlog-proof" },
    {
      says: "By a checkpoint that the auditor has kept",
      line: "mithrandir audit prove inc-7-0 --checkpoint kept.txt"
    }
  ],
  exits: {
    ...ExitCode.wordsOf(ExitCode.ok, ExitCode.usage, ExitCode.interrupted),
    1: "nothing is on the record under this id, or nothing signed; or failed"
  },
  run: (given) =>
    Effect.gen(function* () {
      const { database } = yield* Settings.resolve(given)
      const verifier = yield* LocalAccess.verifier(database)
      const from = Option.getOrElse(given.checkpoint, () => AuditCheckpoints.beside(database).file)
      const notes = yield* Option.match(given.checkpoint, {
        onNone: () => SignedCheckpoints.beside(database),
        onSome: SignedCheckpoints.kept
      })
      const newest = newestOf(notes, verifier.origin)
      if (newest === undefined) {
        return yield* failed(
          `there is no checkpoint of this record in ${from}; a server signs one as it starts, each minute in which something was done, and as it stops: mithrandir serve`
        )
      }
      const proof = yield* Effect.catchTag(verifier.prove(given.id, newest), "AuditEntryNotSigned", ({ size }) =>
        failed(
          `"${given.id}" is newer than every checkpoint in ${from}, of which the newest is of the first ${size} entries; a server signs within a minute, and as it stops: try again then`
        )
      )
      const text = AuditProof.text(proof)
      if (Option.isNone(given.file)) return yield* Output.chunk(text)
      yield* WholeFile.write(given.file.value, Stream.make(text))
      yield* Output.note(`written: ${Output.printable(given.file.value)}`)
    }).pipe(Effect.scoped, Signals.interruptible)
})

const failed = (problem: string) => new ExitCode.Refused({ code: ExitCode.failed, problem })

/** Of this record, whoever signed it: whom to believe is for whoever checks the proof. */
const newestOf = (notes: ReadonlyArray<string>, origin: string): string | undefined => {
  let newest: { readonly note: string; readonly size: number } | undefined
  for (const note of notes) {
    const of = Option.getOrUndefined(Checkpoint.peek(note))
    if (of?.origin === origin && of.size >= (newest?.size ?? 0)) newest = { note, size: of.size }
  }
  return newest?.note
}
