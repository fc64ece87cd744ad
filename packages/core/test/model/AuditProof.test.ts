import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import fc from "fast-check"
import * as AuditLeaf from "../../src/model/AuditLeaf.ts"
import * as AuditProof from "../../src/model/AuditProof.ts"
import * as Checkpoint from "../../src/model/Checkpoint.ts"
import * as Merkle from "../../src/model/Merkle.ts"
import * as SignedNote from "../../src/model/SignedNote.ts"

const cell = fc.option(fc.string({ unit: "grapheme" }))
const row = fc.record(Object.fromEntries(AuditLeaf.columns.map((column) => [column, cell]))) as fc.Arbitrary<
  Readonly<Record<(typeof AuditLeaf.columns)[number], string | null>>
>

describe("a leaf", () => {
  it("is read as it was written, and another row has other bytes", () => {
    fc.assert(
      fc.property(row, row, (one, other) => {
        const bytes = AuditLeaf.encode(one)
        assert.deepStrictEqual(AuditLeaf.decode(bytes), Option.some(one))
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        assert.strictEqual(Merkle.isSame(bytes, AuditLeaf.encode(other)), isSame)
      })
    )
  })

  it("stays as it was first published", () => {
    const row = Object.fromEntries(AuditLeaf.columns.map((column) => [column, null]))
    const bytes = AuditLeaf.encode({ ...row, id: "c1", timestamp: "é" } as AuditLeaf.Row)
    assert.strictEqual(Buffer.from(bytes).toString("hex"), `01010000000263310100000002c3a9${"00".repeat(8)}`)
  })

  it("is not read where a byte is missing or too many", () => {
    fc.assert(
      fc.property(row, fc.nat(), (row, at) => {
        const bytes = AuditLeaf.encode(row)
        assert.isTrue(Option.isNone(AuditLeaf.decode(bytes.subarray(0, at % bytes.length))))
        assert.isTrue(Option.isNone(AuditLeaf.decode(Buffer.concat([bytes, Uint8Array.of(0)]))))
      })
    )
  })
})

describe("a proof", () => {
  const signer = SignedNote.makeSigner("example.com/audit")
  const verifier = SignedNote.verifierOf(signer)
  const leaves = Array.from({ length: 11 }, (_, index) =>
    AuditLeaf.encode(
      Object.fromEntries(AuditLeaf.columns.map((column) => [column, `${column} ${index}`])) as AuditLeaf.Row
    )
  )
  const nodes = new Map<string, Uint8Array>()
  const edge = leaves.reduce((edge, leaf) => {
    const grown = Merkle.grow(edge, Merkle.leafHash(leaf))
    for (const { hash, level, number } of grown.nodes) nodes.set(`${level}:${number}`, hash)
    return grown.edge
  }, Merkle.emptyEdge)
  const checkpoint = Checkpoint.sign({ origin: signer.name, size: edge.size, root: Merkle.rootOf(edge) }, signer)
  const proofOf = (index: number): AuditProof.AuditProof => ({
    leaf: leaves[index] ?? Buffer.of(),
    index,
    path: Merkle.inclusionProof(index, edge.size, (level, number) => nodes.get(`${level}:${number}`) ?? Buffer.of()),
    checkpoint
  })

  it("of every entry is read as it was written, and proves it", () => {
    for (const index of leaves.keys()) {
      const read = Option.getOrThrow(AuditProof.read(AuditProof.text(proofOf(index))))
      const proven = Either.getOrThrow(AuditProof.check(read, verifier))
      assert.strictEqual(proven.row.id, `id ${index}`)
      assert.deepStrictEqual([proven.index, proven.checkpoint.size], [index, 11])
    }
  })

  it("proves nothing where anything of it was changed", () => {
    const flaw = (proof: Partial<AuditProof.AuditProof>, by = verifier) =>
      Either.flip(AuditProof.check({ ...proofOf(3), ...proof }, by)).pipe(Either.getOrThrow)
    assert.strictEqual(flaw({ leaf: leaves[4] ?? Buffer.of() }), "not-included")
    assert.strictEqual(flaw({ index: 4 }), "not-included")
    assert.strictEqual(flaw({ path: proofOf(3).path.slice(1) }), "not-included")
    assert.strictEqual(flaw({ leaf: Buffer.from("nonsense") }), "malformed")
    assert.strictEqual(flaw({ checkpoint: "nonsense" }), "malformed")
    assert.strictEqual(flaw({ checkpoint: checkpoint.replace("\n11\n", "\n12\n") }), "unsigned")
    assert.strictEqual(flaw({}, SignedNote.verifierOf(SignedNote.makeSigner(signer.name))), "unsigned")
  })

  it("is not read where it is no proof", () => {
    const text = AuditProof.text(proofOf(3))
    for (const other of [
      "",
      text.replace("@v1", "@v2"),
      text.replace("index 3", "index 03"),
      text.split("\n\n")[0] ?? ""
    ]) {
      assert.isTrue(Option.isNone(AuditProof.read(other)))
    }
  })
})
