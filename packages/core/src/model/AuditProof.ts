/** That one entry is in the record, for somebody who has nothing but this text and a public key: C2SP's `tlog-proof`. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as AuditLeaf from "./AuditLeaf.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { leafHash, verifyInclusion } from "./Merkle.ts"
import type * as SignedNote from "./SignedNote.ts"

/** What a proof consists of. */
export interface AuditProof {
  /** The entry, as `AuditLeaf` writes it. */
  readonly leaf: Uint8Array
  /** Its place in the tree, from 0 on: one less than in the record. */
  readonly index: number
  /** From its sibling up. */
  readonly path: ReadonlyArray<Uint8Array>
  /** The signed checkpoint under whose root it is. */
  readonly checkpoint: string
}

const header = "c2sp.org/tlog-proof@v1"

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")

/** As a file: by convention it ends with `.tlog-proof`. */
export const text = ({ checkpoint, index, leaf, path }: AuditProof): string =>
  [header, `extra ${base64(leaf)}`, `index ${index}`, ...path.map(base64), "", checkpoint].join("\n")

/** Why a proof proves nothing. */
export type Flaw = "malformed" | "unsigned" | "not-included"

/** Reads a file. */
export const read = (file: string): Option.Option<AuditProof> => {
  const [, leaf = "", index = "", path = "", checkpoint = ""] =
    /^c2sp\.org\/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9]\d{0,15})\n((?:\S{44}\n){0,64})\n([\s\S]+)$/.exec(file) ?? []
  return checkpoint === ""
    ? Option.none()
    : Option.some({
        leaf: Buffer.from(leaf, "base64"),
        index: Number(index),
        path: path
          .split("\n")
          .filter(Boolean)
          .map((line) => Buffer.from(line, "base64")),
        checkpoint
      })
}

/** What is proven. */
export interface Proven {
  /** The entry, as its table has it. */
  readonly row: Readonly<Record<(typeof AuditLeaf.columns)[number], string | null>>
  /** Its place in the tree, from 0 on. */
  readonly index: number
  /** Which tree that is. */
  readonly checkpoint: Checkpoint.Checkpoint
}

/** Checks a proof by nothing but itself and a key. */
export const check = (
  { checkpoint, index, leaf, path }: AuditProof,
  verifier: SignedNote.Verifier
): Either.Either<Proven, Flaw> => {
  const row = AuditLeaf.decode(leaf)
  if (Option.isNone(row) || Option.isNone(Checkpoint.peek(checkpoint))) return Either.left("malformed")
  const signed = Checkpoint.open(checkpoint, verifier)
  if (Option.isNone(signed)) return Either.left("unsigned")
  const { root, size } = signed.value
  return verifyInclusion({ index, size, leaf: leafHash(leaf) }, path, root)
    ? Either.right({ row: row.value, index, checkpoint: signed.value })
    : Either.left("not-included")
}
