/** What a log's tree was at one time, to be signed: C2SP's `tlog-checkpoint`. */
import * as Option from "effect/Option"
import type { Head } from "./Merkle.ts"
import * as SignedNote from "./SignedNote.ts"

/** How large the tree of a log was, and its root. */
export interface Checkpoint extends Head {
  /** Which log: no two have the same. */
  readonly origin: string
}

/** As it is signed: origin, size, root in base64, each on a line. */
export const text = ({ origin, root, size }: Checkpoint): string =>
  `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`

/** Signed. */
export const sign = (checkpoint: Checkpoint, signer: SignedNote.Signer): string =>
  SignedNote.note(text(checkpoint), signer)

const bytesOfRoot = 32

/** Reads what a note says. Lines that others have added below are passed over. */
export const read = (text: string): Option.Option<Checkpoint> => {
  const [, origin = "", size = "", encoded = ""] =
    /^([^\n]+)\n(0|[1-9]\d{0,15})\n([^\n]+)\n(?:[^\n]+\n)*$/.exec(text) ?? []
  const root = Buffer.from(encoded, "base64")
  return root.length === bytesOfRoot && root.toString("base64") === encoded && Number.isSafeInteger(Number(size))
    ? Option.some({ origin, size: Number(size), root })
    : Option.none()
}

/** Reads a signed one, where the owner of a key has signed it. */
export const open = (note: string, verifier: SignedNote.Verifier): Option.Option<Checkpoint> =>
  Option.flatMap(SignedNote.open(note, verifier), read)

/** Reads a signed one, whoever signed it. */
export const peek = (note: string): Option.Option<Checkpoint> => Option.flatMap(SignedNote.textOf(note), read)
