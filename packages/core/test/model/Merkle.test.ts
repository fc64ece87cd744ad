import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import * as Merkle from "../../src/model/Merkle.ts"

const bytes = (hex: string) => Buffer.from(hex, "hex")
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** The entries of the reference tests of Certificate Transparency (transparency-dev/merkle, `testonly`), their roots and proofs. */
const entries = [
  ...["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
].map(bytes)
const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
]
const inclusions: ReadonlyArray<readonly [index: number, size: number, proof: ReadonlyArray<string>]> = [
  [0, 1, []],
  [
    0,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
    ]
  ],
  [
    5,
    8,
    [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  ],
  [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [
    1,
    5,
    [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    ]
  ]
]
const consistencies: ReadonlyArray<readonly [old: number, size: number, proof: ReadonlyArray<string>]> = [
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
    ]
  ],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    ]
  ]
]

/** A tree of some entries, grown one by one, and its subtrees. */
const treeOf = (entries: ReadonlyArray<Uint8Array>) => {
  const nodes = new Map<string, Uint8Array>()
  let edge = Merkle.emptyEdge
  for (const entry of entries) {
    const grown = Merkle.grow(edge, Merkle.leafHash(entry))
    for (const { hash, level, number } of grown.nodes) nodes.set(`${level}:${number}`, hash)
    edge = grown.edge
  }
  const lookup: Merkle.Lookup = (level, number) => {
    const hash = nodes.get(`${level}:${number}`)
    if (hash === undefined) throw new Error(`no node ${number} at level ${level}`)
    return hash
  }
  return { edge, lookup, nodes }
}

/** The definition of RFC 6962, section 2.1, word for word. */
const defined = (entries: ReadonlyArray<Uint8Array>): Buffer => {
  const sha = (...parts: ReadonlyArray<Uint8Array>) => createHash("sha256").update(Buffer.concat(parts)).digest()
  if (entries.length === 0) return sha()
  if (entries.length === 1) return sha(Uint8Array.of(0), entries[0] as Uint8Array)
  let k = 1
  while (k * 2 < entries.length) k *= 2
  return sha(Uint8Array.of(1), defined(entries.slice(0, k)), defined(entries.slice(k)))
}

/** Where the peaks of a tree of so many leaves are, the largest first: one for each bit of its size. */
const peaksOf = (size: number) => {
  const peaks: Array<{ readonly level: number; readonly number: number }> = []
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / 2)) {
    if (count % 2 === 1) peaks.unshift({ level, number: count - 1 })
  }
  return peaks
}

const numbered = (size: number) => Array.from({ length: size }, (_, index) => Buffer.from(`entry ${index}`))

describe("a Merkle tree", () => {
  it("has the published roots, by its edge and by its subtrees", () => {
    for (const [size, root] of roots.entries()) {
      const { edge, lookup } = treeOf(entries.slice(0, size))
      assert.strictEqual(hex(Merkle.rootOf(edge)), root)
      assert.strictEqual(hex(Merkle.root(size, lookup)), root)
    }
  })

  it("gives the published proofs, and takes them", () => {
    const { lookup } = treeOf(entries)
    for (const [index, size, proof] of inclusions) {
      assert.deepStrictEqual(Merkle.inclusionProof(index, size, lookup).map(hex), proof)
      const leaf = Merkle.leafHash(entries[index] ?? bytes(""))
      assert.isTrue(Merkle.verifyInclusion({ index, size, leaf }, proof.map(bytes), bytes(roots[size] ?? "")))
    }
    for (const [old, size, proof] of consistencies) {
      assert.deepStrictEqual(Merkle.consistencyProof(old, size, lookup).map(hex), proof)
      const head = (size: number) => ({ size, root: bytes(roots[size] ?? "") })
      assert.isTrue(Merkle.verifyConsistency(head(old), head(size), proof.map(bytes)))
    }
  })

  it("is as defined at every size, with a proof of each entry and of each size before, and of nothing else", () => {
    const most = 70
    const all = numbered(most)
    const { lookup } = treeOf(all)
    const heads = Array.from({ length: most + 1 }, (_, size) => ({ size, root: Merkle.root(size, lookup) }))
    for (const { root, size } of heads) {
      assert.strictEqual(hex(root), hex(defined(all.slice(0, size))))
      for (let index = 0; index < size; index++) {
        const proof = Merkle.inclusionProof(index, size, lookup)
        const leaf = Merkle.leafHash(all[index] ?? bytes(""))
        assert.isTrue(Merkle.verifyInclusion({ index, size, leaf }, proof, root))
        for (const other of [index - 1, index + 1, size]) {
          assert.isFalse(Merkle.verifyInclusion({ index: other, size, leaf }, proof, root))
        }
        assert.isFalse(Merkle.verifyInclusion({ index, size, leaf }, [...proof, leaf], root))
        if (proof.length > 0) assert.isFalse(Merkle.verifyInclusion({ index, size, leaf }, proof.slice(1), root))
      }
      for (const before of heads.slice(0, size + 1)) {
        const proof = Merkle.consistencyProof(before.size, size, lookup)
        assert.isTrue(Merkle.verifyConsistency(before, { size, root }, proof))
        if (before.size === 0 || before.size === size) continue
        assert.isFalse(Merkle.verifyConsistency({ ...before, root: Merkle.leafHash(root) }, { size, root }, proof))
        assert.isFalse(Merkle.verifyConsistency(before, { size, root: Merkle.leafHash(root) }, proof))
        assert.isFalse(Merkle.verifyConsistency(before, { size, root }, proof.slice(1)))
        assert.isFalse(Merkle.verifyConsistency(before, { size, root }, [...proof, root]))
      }
    }
  })

  it("grows from its edge as from its beginning, with its peaks where its size has them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), (size) => {
        const { edge, lookup, nodes } = treeOf(numbered(size))
        const peaks = peaksOf(size)
        assert.deepStrictEqual(
          peaks.map(({ level, number }) => hex(lookup(level, number))),
          edge.peaks.map(hex)
        )
        assert.strictEqual(
          peaks.reduce((sum, { level }) => sum + 2 ** level, 0),
          size
        )
        // Each subtree once: as many as there are leaves, and one for each pair.
        assert.strictEqual(
          nodes.size,
          Array.from({ length: 10 }, (_, level) => Math.floor(size / 2 ** level)).reduce((a, b) => a + b, 0)
        )
      }),
      { numRuns: 50 }
    )
  })

  it("tells a leaf from a node, whatever is in it", () => {
    const [left, right] = [Merkle.leafHash(bytes("00")), Merkle.leafHash(bytes("10"))]
    assert.isFalse(Merkle.isSame(Merkle.leafHash(Buffer.concat([left, right])), Merkle.nodeHash(left, right)))
  })
})
