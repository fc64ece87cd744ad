/** `mithrandir audit check-proof`: whether an entry was in the record, by a proof and a public key alone. */
import { AuditEntry, AuditProof, type SignedNote } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TextFile from "../config/TextFile.ts"
import * as CheckpointFlags from "../line/CheckpointFlags.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as AuditFacts from "../output/AuditFacts.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"

const file = Flags.argument({ name: "FILE", help: "the proof, as audit prove writes it", schema: Flags.Path })

export const program = Program.make({
  name: "check-proof",
  summary: "Check a proof that an entry is in the record, without the record.",
  details: [
    "It reads the proof and nothing else: no database, no config, no server. What it shows is what was on the record when the owner of the key signed it. Take the key from where you trust it, and not from whoever gave you the proof."
  ],
  inputs: { file, publicKey: CheckpointFlags.requiredPublicKey, output: Flags.output(["table", "json"]) },
  examples: [
    {
      says: "By the public key that you have kept",
      line: 'mithrandir audit check-proof inc-7-0.tlog-proof --public-key "$(cat kept.key)"'
    },
    {
      says: "The same as JSON",
      line: 'mithrandir audit check-proof inc-7-0.tlog-proof --public-key "$(cat kept.key)" -o json'
    }
  ],
  exits: { ...ExitCode.wordsOf(ExitCode.ok, ExitCode.usage, ExitCode.interrupted), 1: "it proves nothing; or failed" },
  run: (given) =>
    Effect.gen(function* () {
      const text = yield* Effect.mapError(TextFile.read(given.file, maxBytes), ({ problem }) =>
        refuse(ExitCode.usage, `${given.file}: ${problem}`)
      )
      const proof = Either.fromOption(AuditProof.read(text), (): AuditProof.Flaw => "malformed")
      const proven = yield* Either.flatMap(proof, (proof) => AuditProof.check(proof, given.publicKey)).pipe(
        Either.mapLeft((flaw) => refuse(ExitCode.failed, `${given.file}: ${flawed(flaw, given.publicKey)}`))
      )
      yield* Output.data(given.output === "json" ? Output.json(asJson(proven)) : Output.facts(facts(proven)))
    }).pipe(Signals.interruptible)
})

/** An entry has a few states, params and lines, each of them bounded: beyond 16 MiB it is some other file. */
const maxBytes = 16 * 1024 * 1024

const refuse = (code: ExitCode.ExitCode, problem: string) => new ExitCode.Refused({ code, problem })

const flawed = (flaw: AuditProof.Flaw, { name }: SignedNote.Verifier): string => {
  switch (flaw) {
    case "malformed":
      return "malformed: it is no proof as audit prove writes them, or lost something on its way; ask for it again"
    case "unsigned":
      return `not signed: its checkpoint is not signed with the key ${name}, or was changed after`
    case "not-included":
      return "not included: its entry is not in the record that was signed, at that place, or was changed after"
  }
}

/** The entry; nothing where its columns are not as we write them. */
const entryOf = Schema.decodeUnknownOption(AuditEntry.Row)
const encode = Schema.encodeSync(AuditEntry.AuditEntry)

/** Positions of the record count from 1. */
const positionOf = ({ index }: AuditProof.Proven): number => index + 1

const rootOf = ({ checkpoint }: AuditProof.Proven): string => Buffer.from(checkpoint.root).toString("base64")

const asJson = (proven: AuditProof.Proven) => ({
  proven: true,
  entry: Option.match(entryOf(proven.row), { onNone: () => proven.row, onSome: encode }),
  position: positionOf(proven),
  checkpoint: { origin: proven.checkpoint.origin, size: proven.checkpoint.size, root: rootOf(proven) }
})

const facts = (proven: AuditProof.Proven): ReadonlyArray<readonly [string, string]> => [
  ["proof", "proven"],
  ...Option.match(entryOf(proven.row), {
    onNone: () => Object.entries(proven.row).map(([name, value]) => [name, value ?? ""] as const),
    onSome: AuditFacts.of
  }),
  ["position", `${positionOf(proven)} of ${proven.checkpoint.size}`],
  ["root", rootOf(proven)],
  ["origin", proven.checkpoint.origin]
]
