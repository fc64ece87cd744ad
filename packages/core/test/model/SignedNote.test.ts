import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import fc from "fast-check"
import * as Checkpoint from "../../src/model/Checkpoint.ts"
import * as SignedNote from "../../src/model/SignedNote.ts"

/** The keys and the note of Go's `golang.org/x/mod/sumdb/note`. */
const published = {
  signer: "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
  verifier: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
}
const note = `${published.text}\n${published.signature}`

const signer = Option.getOrThrow(SignedNote.readSigner(published.signer))
const verifier = Option.getOrThrow(SignedNote.readVerifier(published.verifier))

describe("a signed note", () => {
  it("is the published one, byte for byte, by the published key", () => {
    assert.strictEqual(SignedNote.note(published.text, signer), note)
    assert.deepStrictEqual(SignedNote.open(note, verifier), Option.some(published.text))
  })

  it("keys are read as they are written", () => {
    assert.strictEqual(SignedNote.signerText(signer), published.signer)
    assert.strictEqual(SignedNote.verifierText(verifier), published.verifier)
    assert.strictEqual(SignedNote.verifierText(SignedNote.verifierOf(signer)), published.verifier)
    const own = SignedNote.makeSigner("example.com/log")
    const read = Option.getOrThrow(SignedNote.readVerifier(SignedNote.verifierText(SignedNote.verifierOf(own))))
    assert.deepStrictEqual(SignedNote.open(SignedNote.note("a\n", own), read), Option.some("a\n"))
  })

  it("keys of which anything is missing or changed are none", () => {
    const { verifier } = published
    for (let from = 0; from < verifier.length; from++) {
      for (let to = from + 1; to <= verifier.length; to++) {
        if (to - from === verifier.length) continue
        assert.isTrue(Option.isNone(SignedNote.readVerifier(verifier.slice(from, to))))
      }
      const changed = `${verifier.slice(0, from)}${verifier[from] === "A" ? "B" : "A"}${verifier.slice(from + 1)}`
      assert.isTrue(Option.isNone(SignedNote.readVerifier(changed)), changed)
    }
    assert.isTrue(Option.isNone(SignedNote.readSigner(verifier)))
    assert.isTrue(Option.isNone(SignedNote.readSigner(published.signer.replace("c74f", "c74e"))))
  })

  it("says nothing once a byte of it was changed, or where somebody else signed it", () => {
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.constantFrom("A", "\n", " ", "é"), (at, other) => {
        fc.pre(note[at] !== other)
        const changed = note.slice(0, at) + other + note.slice(at + 1)
        assert.isTrue(Option.isNone(SignedNote.open(changed, verifier)), changed)
      }),
      { numRuns: 500 }
    )
    const stranger = SignedNote.makeSigner("PeterNeumann")
    assert.isTrue(Option.isNone(SignedNote.open(SignedNote.note(published.text, stranger), verifier)))
  })

  it("may have other signatures beside", () => {
    const [, , line = ""] = SignedNote.note("a\n", SignedNote.makeSigner("witness")).split("\n")
    assert.isTrue(Option.isSome(SignedNote.open(`${published.text}\n${line}\n${published.signature}`, verifier)))
    assert.isTrue(Option.isNone(SignedNote.open(`${published.text}\n${line}\n`, verifier)))
  })

  it("has no control characters, and a line end at its end", () => {
    for (const text of ["", "a", "a\r\n", "a\u0000\n", "\ud800\n"]) {
      assert.throws(() => SignedNote.note(text, signer), RangeError)
    }
  })
})

describe("a checkpoint", () => {
  const origin = "example.com/behind-the-sofa"
  /** The one of C2SP's `tlog-checkpoint`. */
  const text = `${origin}\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n`

  it("reads and writes the published one", () => {
    const read = Option.getOrThrow(Checkpoint.read(text))
    assert.deepStrictEqual([read.origin, read.size], [origin, 20_852_163])
    assert.strictEqual(Checkpoint.text(read), text)
    const signed = Checkpoint.sign(read, signer)
    assert.deepStrictEqual(Checkpoint.open(signed, verifier), Option.some(read))
    assert.deepStrictEqual(Checkpoint.peek(signed), Option.some(read))
  })

  it("passes over lines below, and reads nothing that is written in another way", () => {
    assert.isTrue(Option.isSome(Checkpoint.read(`${text}more\n`)))
    const others = [
      text.replace("2085", "02085"),
      text.replace("=", ""),
      text.replace("CsU", "Cs"),
      `\n${text}`,
      "a\n1\n"
    ]
    for (const other of others) assert.isTrue(Option.isNone(Checkpoint.read(other)), other)
  })
})
