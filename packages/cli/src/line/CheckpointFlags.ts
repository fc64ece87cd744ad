/** The flags that say which signed checkpoints are meant, and whose signatures are believed. */
import { SignedNote } from "@mithrandir/core"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Flags from "./Flags.ts"

const Verifier = Schema.declare(
  (value): value is SignedNote.Verifier =>
    typeof value === "object" && value !== null && "_tag" in value && value._tag === "Verifier"
)

/** A public key as it is handed out. */
const PublicKey = Schema.transformOrFail(Schema.String, Verifier, {
  strict: true,
  decode: (text, _, ast) =>
    Option.match(SignedNote.readVerifier(text.trim()), {
      onNone: () => ParseResult.fail(new ParseResult.Type(ast, text)),
      onSome: ParseResult.succeed
    }),
  encode: (verifier) => ParseResult.succeed(SignedNote.verifierText(verifier))
}).annotations({ description: "name+id+key, as audit verify prints it and the server logs it" })

const words = { name: "public-key", placeholder: "KEY", help: "whose signatures are believed: name+id+key" }

/** Whose signatures are believed, where it may go without saying. */
export const publicKey = Flags.optional({
  ...words,
  default: "the key beside the database, where it is",
  schema: PublicKey
})

/** Whose signatures are believed, where whoever asks has to say it. */
export const requiredPublicKey = Flags.required({ ...words, schema: PublicKey })

/** A file of checkpoints that is not the one beside the database. */
export const checkpoint = (says: { readonly help: string; readonly default: string }) =>
  Flags.optional({ name: "checkpoint", placeholder: "FILE", ...says, schema: Flags.Path })
