/**
 * Signed notes: text with signatures beneath, as C2SP's `signed-note` and Go's `sumdb/note` have them, so that other
 * programs can check what we sign. Ed25519 (RFC 8032).
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign, verify } from "node:crypto"
import * as Option from "effect/Option"

/** Who signs, or whose signatures are believed. Names have no space and no `+` in them. */
interface Key {
  readonly name: string
  /** What its signatures begin with: four bytes of a hash of the name and the public key. */
  readonly id: Uint8Array
  readonly key: KeyObject
}

/** The private half: to sign with. */
export interface Signer extends Key {
  /** What it is. */
  readonly _tag: "Signer"
}

/** The public half: to check with. */
export interface Verifier extends Key {
  /** What it is. */
  readonly _tag: "Verifier"
}

/** Ed25519, where keys and signatures say what they are. */
const algorithm = 1

const keyId = (name: string, publicKey: Uint8Array): Uint8Array =>
  hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(algorithm), publicKey]), "buffer").subarray(
    0,
    4
  )

/** A key as it stands in a JWK: 32 bytes in base64url. */
const rawOf = (key: KeyObject, half: "x" | "d"): Buffer =>
  Buffer.from(key.export({ format: "jwk" })[half] ?? "", "base64url")

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8: RFC 8410, section 7. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")

const signerOf = (name: string, key: KeyObject): Signer => ({
  _tag: "Signer",
  name,
  key,
  id: keyId(name, rawOf(createPublicKey(key), "x"))
})

/** A new key. */
export const makeSigner = (name: string): Signer => signerOf(name, generateKeyPairSync("ed25519").privateKey)

/** The public half of a key. */
export const verifierOf = ({ id, key, name }: Signer): Verifier => ({
  _tag: "Verifier",
  name,
  id,
  key: createPublicKey(key)
})

const keyText = ({ id, name }: Key, raw: Uint8Array): string =>
  `${name}+${Buffer.from(id).toString("hex")}+${Buffer.concat([Uint8Array.of(algorithm), raw]).toString("base64")}`

/** A private key as it is kept: `PRIVATE+KEY+` and its name, id and bytes. Whoever has it can sign. */
export const signerText = (signer: Signer): string => `PRIVATE+KEY+${keyText(signer, rawOf(signer.key, "d"))}`

/** A public key as it is handed out: `name+id+bytes`. */
export const verifierText = (verifier: Verifier): string => keyText(verifier, rawOf(verifier.key, "x"))

const isName = (name: string): boolean => name !== "" && !/[\s+]/u.test(name)

/** The 32 bytes behind a name and an id, where all of it is well-formed. */
const parts = (text: string) => {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/u.exec(text)
  const [, name = "", id = "", encoded = ""] = match ?? []
  const bytes = decoded(encoded)
  return match === null || bytes?.length !== 33 || bytes[0] !== algorithm
    ? undefined
    : { name, id, raw: bytes.subarray(1) }
}

/** Base64 that is written in the one way. */
const decoded = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64")
  return bytes.toString("base64") === text ? bytes : undefined
}

const sameId = (key: Key, id: string): boolean => Buffer.from(key.id).toString("hex") === id

/** Reads a private key. */
export const readSigner = (text: string): Option.Option<Signer> => {
  const prefix = "PRIVATE+KEY+"
  const found = text.startsWith(prefix) ? parts(text.slice(prefix.length)) : undefined
  if (found === undefined) return Option.none()
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, found.raw]), format: "der", type: "pkcs8" })
  return Option.filter(Option.some(signerOf(found.name, key)), (signer) => sameId(signer, found.id))
}

/** Reads a public key. */
export const readVerifier = (text: string): Option.Option<Verifier> => {
  const found = parts(text)
  if (found === undefined) return Option.none()
  const jwk = { kty: "OKP", crv: "Ed25519", x: found.raw.toString("base64url") }
  const verifier: Verifier = {
    _tag: "Verifier",
    name: found.name,
    id: keyId(found.name, found.raw),
    key: createPublicKey({ key: jwk, format: "jwk" })
  }
  return Option.filter(Option.some(verifier), (verifier) => sameId(verifier, found.id))
}

/** Signs a text, which ends with a line end. Throws a `RangeError` for one that no note may have. */
export const note = (text: string, { id, key, name }: Signer): string => {
  if (!isText(text) || !isName(name)) throw new RangeError("no text for a note")
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), key)]).toString("base64")
  return `${text}\n— ${name} ${signature}\n`
}

/** Unicode without control characters but line ends, the last of which ends it. */
const isText = (text: string): boolean =>
  text.endsWith("\n") && Buffer.from(text).toString() === text && !/[^\P{Cc}\n]/u.test(text)

/** The text of a note, without asking who signed it; nothing where it is none. */
export const textOf = (signed: string): Option.Option<string> => Option.map(parsed(signed), ({ text }) => text)

/** The text of a note, where the owner of a key has signed it. Signatures of others are passed over. */
export const open = (signed: string, { id, key, name }: Verifier): Option.Option<string> =>
  Option.flatMap(parsed(signed), ({ signatures, text }) => {
    const own = signatures.find((one) => one.name === name && Buffer.compare(one.id, id) === 0)
    return own !== undefined && verify(null, Buffer.from(text), key, own.bytes) ? Option.some(text) : Option.none()
  })

interface Signature {
  readonly name: string
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

/** A note has no more signatures than anybody reads. */
const maxSignatures = 100

const parsed = (
  signed: string
): Option.Option<{ readonly text: string; readonly signatures: ReadonlyArray<Signature> }> => {
  const end = signed.lastIndexOf("\n\n")
  const text = signed.slice(0, end + 1)
  const below = signed.slice(end + 2)
  if (end === -1 || !isText(text) || !below.endsWith("\n")) return Option.none()
  const lines = below.slice(0, -1).split("\n")
  if (lines.length > maxSignatures) return Option.none()
  const signatures = lines.map(signature)
  return signatures.every((one) => one !== undefined) ? Option.some({ text, signatures }) : Option.none()
}

const signature = (line: string): Signature | undefined => {
  const [, name = "", encoded = ""] = /^— (\S+) (\S+)$/u.exec(line) ?? []
  const bytes = decoded(encoded)
  return isName(name) && bytes !== undefined && bytes.length > 4
    ? { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) }
    : undefined
}
