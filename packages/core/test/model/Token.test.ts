import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import * as Token from "../../src/model/Token.ts"

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

const token = (fields: Partial<Token.Token> = {}): Token.Token => ({
  id: "0123456789abcdef",
  actor: "ann",
  role: "viewer",
  createdAt: DateTime.unsafeMake(0),
  createdBy: "local:root",
  expiresAt: null,
  revokedAt: null,
  ...fields
})

describe("a token that is made", () => {
  const minted = Array.from({ length: 200 }, () => Token.mint())
  const texts = minted.map(({ text }) => Redacted.value(text))

  it("is its id and 256 bits, as text that goes into a header or a URL as it is", () => {
    for (const [index, text] of texts.entries()) {
      const [, id, secret] = /^mth_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/.exec(text) ?? []
      assert.strictEqual(id, minted[index]?.id)
      const bytes = Buffer.from(secret ?? "", "base64url")
      assert.strictEqual(bytes.length * 8, 256)
      // No bit of the text is without meaning: another text is another secret.
      assert.strictEqual(bytes.toString("base64url"), secret)
    }
  })

  it("has an id and a secret that no other has, and in which every bit varies", () => {
    const secrets = texts.map((text) => text.slice(-43))
    assert.strictEqual(new Set(minted.map(({ id }) => id)).size, minted.length)
    assert.strictEqual(new Set(secrets).size, minted.length)
    const varies = (all: ReadonlyArray<Buffer>) => {
      for (let bit = 0; bit < (all[0]?.length ?? 0) * 8; bit++) {
        const set = all.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length
        // One in 10^14 that a fair coin falls so rarely on one side: not in the life of this test.
        assert.isTrue(set > 45 && set < 155, `bit ${bit} is set in ${set} of ${all.length}`)
      }
    }
    varies(minted.map(({ id }) => Buffer.from(id, "hex")))
    varies(secrets.map((secret) => Buffer.from(secret, "base64url")))
  })

  it("does not show where it is printed", () => {
    const made = Token.mint()
    const secret = Redacted.value(made.text).slice(-43)
    for (const shown of [JSON.stringify(made), String(made.text), `${made.text}`]) assert.notInclude(shown, secret)
  })

  it("is read as what was to be kept of it: its id, and the hash of the whole text", () => {
    for (const [index, text] of texts.entries()) {
      const { hash, id } = minted[index] ?? { hash: "", id: "" }
      assert.strictEqual(hash, sha256(text))
      assert.deepStrictEqual(Token.read(text), Option.some({ id, hash }))
    }
  })
})

describe("read", () => {
  const good = `mth_0123456789abcdef_${"A".repeat(43)}`

  it("takes no text of another form", () => {
    assert.isTrue(Option.isSome(Token.read(good)))
    const texts = [
      "",
      "mth_",
      good.slice(0, -1),
      `${good}A`,
      `${good}=`,
      `${good}\n`,
      ` ${good}`,
      `Bearer ${good}`,
      good.replace("mth_", "MTH_"),
      good.replace("mth_", "ghp_"),
      good.replace("abcdef", "ABCDEF"),
      good.replace("abcdef", "abcde"),
      good.replace("abcdef_", "abcdef-"),
      good.replace("AAA", "AA+"),
      good.replace("AAA", "AA/"),
      good.replace("AAA", "AAä"),
      good.replace("AAA", "A\u0000A")
    ]
    for (const text of texts) assert.isTrue(Option.isNone(Token.read(text)), JSON.stringify(text))
  })

  it("takes nothing from strangers, however long", () => {
    fc.assert(fc.property(fc.string(), (text) => assert.isTrue(Option.isNone(Token.read(text)))))
    assert.isTrue(Option.isNone(Token.read(`mth_0123456789abcdef_${"A".repeat(1_000_000)}`)))
  })
})

describe("isSame", () => {
  const hash = fc.string({ maxLength: 20 }).map(sha256)

  it("says so of one hash, and of no two", () => {
    fc.assert(
      fc.property(hash, hash, (one, other) => {
        assert.isTrue(Token.isSame(one, `${one}`))
        assert.strictEqual(Token.isSame(one, other), one === other)
      })
    )
  })

  it("sees one changed digit, wherever it is, and what is missing or too much", () => {
    fc.assert(
      fc.property(hash, fc.nat({ max: 63 }), fc.integer({ min: 1, max: 15 }), (one, at, by) => {
        const digit = ((Number.parseInt(one.charAt(at), 16) + by) % 16).toString(16)
        assert.isFalse(Token.isSame(one, `${one.slice(0, at)}${digit}${one.slice(at + 1)}`))
        assert.isFalse(Token.isSame(one, one.slice(0, at)))
        assert.isFalse(Token.isSame(one.slice(0, at), one))
        assert.isFalse(Token.isSame(one, `${one}${digit}`))
      })
    )
  })

  it("takes no two texts for the same that are no hashes", () => {
    for (const [one, other] of [
      ["", sha256("")],
      ["no hash", "none either"],
      ["zz", ""],
      ["abzz", "abyy"]
    ] as const) {
      assert.isFalse(Token.isSame(one, other), `${one} ${other}`)
      assert.isFalse(Token.isSame(other, one), `${other} ${one}`)
    }
  })
})

describe("flaw", () => {
  const moment = fc.integer({ min: 0, max: 4_000_000_000_000 })

  it("is that it has expired from the very moment on that it expires at", () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: -2, max: 2 }), (expiresAt, offset) => {
        const found = Token.flaw(token({ expiresAt: DateTime.unsafeMake(expiresAt) }), expiresAt + offset)
        assert.strictEqual(found, offset >= 0 ? "expired" : undefined)
      })
    )
  })

  it("is that it is revoked, at any time and whether it has expired or not", () => {
    fc.assert(
      fc.property(moment, moment, fc.option(moment), (now, revokedAt, expiresAt) => {
        const one = token({
          revokedAt: DateTime.unsafeMake(revokedAt),
          expiresAt: expiresAt === null ? null : DateTime.unsafeMake(expiresAt)
        })
        assert.strictEqual(Token.flaw(one, now), "revoked")
      })
    )
  })

  it("is none of a token that is to last", () => {
    fc.assert(fc.property(moment, (now) => assert.isUndefined(Token.flaw(token(), now))))
  })
})

describe("a role", () => {
  it("covers itself and what is less", () => {
    const covered = {
      viewer: ["viewer"],
      operator: ["viewer", "operator"],
      admin: ["viewer", "operator", "admin"]
    } as const
    for (const role of Token.Role.literals) {
      assert.deepStrictEqual(
        Token.Role.literals.filter((needed) => Token.covers(role, needed)),
        [...covered[role]],
        role
      )
    }
  })
})

describe("TokenActor", () => {
  const isTaken = (text: unknown) => Either.isRight(Schema.decodeUnknownEither(Token.TokenActor)(text))

  it("takes names as people and programs have them", () => {
    const names = ["a", "7", "ann", "Ann.Lee@example.com", "ci-deploy_2", "locals", "x".repeat(64), "localhost"]
    for (const name of names) assert.isTrue(isTaken(name), name)
  })

  it("takes none that could be taken for the program's own", () => {
    const own = ["local", "sandbox", "anonymous"]
    const names = [...own, ...own.map((name) => name.toUpperCase()), "Local", "sandBox", "local:root", "token:ann"]
    for (const name of names) assert.isFalse(isTaken(name), name)
  })

  it("takes nothing that could forge a line or hide in one", () => {
    const names = [
      "",
      "x".repeat(65),
      ".ann",
      "-ann",
      "_ann",
      "@ann",
      "ann lee",
      " ann",
      "ann ",
      "ann\n",
      "ann\nbob",
      "ann\u0000",
      "ann\u001b[2J",
      "ann/bob",
      "ann,bob",
      'ann"',
      "änn",
      "аnn",
      "ann\u202e",
      7,
      null
    ]
    for (const name of names) assert.isFalse(isTaken(name), JSON.stringify(name))
  })
})

describe("Expiry", () => {
  it("is a moment that can be stored: of the years 1970 to 9999", () => {
    const isTaken = (text: string) => Either.isRight(Schema.decodeEither(Token.Expiry)(text))
    for (const text of ["1970-01-01T00:00:00Z", "2030-01-01T00:00:00.250Z", "9999-12-31T23:59:59.999Z"]) {
      assert.isTrue(isTaken(text), text)
    }
    for (const text of ["1969-12-31T23:59:59.999Z", "+010000-01-01T00:00:00Z", "-000001-01-01T00:00:00Z", "soon"]) {
      assert.isFalse(isTaken(text), text)
    }
  })
})

describe("TokenId", () => {
  it("is 16 lower-case hexadecimal digits", () => {
    const isTaken = (text: string) => Either.isRight(Schema.decodeEither(Token.TokenId)(text))
    assert.isTrue(isTaken(Token.mint().id))
    for (const text of [
      "",
      "0123456789abcde",
      "0123456789abcdef0",
      "0123456789ABCDEF",
      "0123456789abcdeg",
      "..",
      "*"
    ]) {
      assert.isFalse(isTaken(text), text)
    }
  })
})
