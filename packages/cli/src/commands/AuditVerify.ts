/** `mithrandir audit verify`: whether the record is whole. */
import { AuditCheckpoints, Checkpoint, SignedNote } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as LocalAccess from "../access/LocalAccess.ts"
import * as SignedCheckpoints from "../access/SignedCheckpoints.ts"
import * as Settings from "../config/Settings.ts"
import * as CheckpointFlags from "../line/CheckpointFlags.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as AuditFindings from "../output/AuditFindings.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Progress from "../output/Progress.ts"
import * as Signals from "../output/Signals.ts"

const checkpoint = CheckpointFlags.checkpoint({
  help: "a copy of signed checkpoints that you have kept elsewhere",
  default: "those beside the database, where there are any"
})

const { config, database } = Flags.access

export const program = Program.make({
  name: "verify",
  summary: "See whether the record is whole: that nothing in it was changed, added or taken out.",
  details: [
    "It reads every entry, computes the tree over them anew, looks whether what keeps entries from being changed is there, and holds all that against signed checkpoints. It reads the database, also beside a server.",
    "Who has the database and its key can write another history and sign it. Only a checkpoint that somebody else has kept tells then: --checkpoint FILE, with the public key that you have kept with it."
  ],
  inputs: {
    checkpoint,
    publicKey: CheckpointFlags.publicKey,
    config,
    database,
    output: Flags.output(["table", "json"])
  },
  examples: [
    { says: "By what is beside the database", line: "mithrandir audit verify" },
    {
      says: "By what somebody else has kept",
      line: 'mithrandir audit verify --checkpoint kept.txt --public-key "$(cat kept.key)"'
    }
  ],
  exits: { ...ExitCode.ofLooking, 1: "it is not whole; or failed" },
  run: (given) =>
    Effect.gen(function* () {
      const { database } = yield* Settings.resolve(given)
      const { key, signed } = yield* signedOf(database, given)
      const progress = yield* Progress.make("verifying")
      const verifier = yield* LocalAccess.verifier(database)
      const verdict = yield* verifier.verify(signed, ({ of, read }) => progress?.(read, of) ?? Effect.void)
      const whole = verdict.findings.length === 0
      const facts = {
        whole,
        entries: verdict.size,
        root: Buffer.from(verdict.root).toString("base64"),
        origin: verdict.origin,
        publicKey: Option.getOrNull(Option.map(key, SignedNote.verifierText)),
        checkpoints: verdict.checkpoints,
        findings: verdict.findings.map(AuditFindings.words)
      }
      if (given.output === "json") yield* Output.data(Output.json(facts))
      else {
        yield* Output.data(
          Output.facts([
            ["record", whole ? "whole" : "NOT WHOLE"],
            ...facts.findings.map((finding, index) => [index === 0 ? "findings" : "", finding] as const),
            ["entries", String(facts.entries)],
            ["checkpoints", `${facts.checkpoints} fit`],
            ["root", facts.root],
            ["origin", facts.origin],
            ...(facts.publicKey === null ? [] : [["public key", facts.publicKey] as const])
          ])
        )
      }
      if (signed.length === 0) yield* Output.note(unsigned)
      if (!whole) return yield* new ExitCode.Ended({ code: ExitCode.failed })
    }).pipe(Effect.scoped, Signals.interruptible)
})

const unsigned =
  "no checkpoint to hold it against: somebody who has the database could have computed all of it anew; a server signs checkpoints"

/** The checkpoints that the owner of the key has signed. Those of nobody we know are refused: they prove nothing. */
const signedOf = (
  database: string,
  given: { readonly checkpoint: Option.Option<string>; readonly publicKey: Option.Option<SignedNote.Verifier> }
) =>
  Effect.gen(function* () {
    const key = Option.isSome(given.publicKey) ? given.publicKey : yield* SignedCheckpoints.keyBeside(database)
    const kept = yield* Effect.forEach(Option.toArray(given.checkpoint), SignedCheckpoints.kept)
    const notes = [...(yield* SignedCheckpoints.beside(database)), ...kept.flat()]
    if (notes.length === 0) return { key, signed: [] }
    if (Option.isNone(key)) {
      const { keyFile } = AuditCheckpoints.beside(database)
      return yield* new ExitCode.Refused({
        code: ExitCode.usage,
        problem: `whose signatures are to be believed? Name --public-key: there is no key at ${keyFile}`
      })
    }
    const signed = yield* Effect.forEach(notes, (note) =>
      Option.match(Checkpoint.open(note, key.value), {
        onSome: Effect.succeed,
        onNone: () => {
          const size = Option.match(Checkpoint.peek(note), { onNone: () => "?", onSome: ({ size }) => String(size) })
          return new ExitCode.Refused({
            code: ExitCode.failed,
            problem: `the checkpoint of size ${size} is not signed by ${key.value.name}, or was changed after`
          })
        }
      })
    )
    return { key, signed }
  })
