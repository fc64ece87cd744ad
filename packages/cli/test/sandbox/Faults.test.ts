import { readFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { formatShort } from "../../src/config/DurationText.ts"
import * as Faults from "../../src/sandbox/Faults.ts"
import { parseFaults } from "../../src/sandbox/Faults.ts"

const millis = (text: string) =>
  Either.map(parseFaults(text), (faults) =>
    Object.fromEntries(Object.entries(faults).map(([name, length]) => [name, Duration.toMillis(length)]))
  )

describe("parseFaults", () => {
  it("reads names and durations", () => {
    assert.deepStrictEqual(millis("vanish=20s,down=60s"), Either.right({ vanish: 20_000, down: 60_000 }))
    assert.deepStrictEqual(
      millis(" down = 1.5m , downFor=250ms,vanish=24h "),
      Either.right({ down: 90_000, downFor: 250, vanish: 86_400_000 })
    )
  })

  it("reads nothing as no faults", () => {
    for (const text of [" none ", "none"]) assert.deepStrictEqual(millis(text), Either.right({}))
  })

  it("names the part that does not fit", () => {
    for (const [text, part] of [
      ["vanish=20s,explode=1s", "explode=1s"],
      ["vanish", "vanish"],
      ["vanish=20", "vanish=20"],
      ["vanish=-1s", "vanish=-1s"],
      ["vanish=0s", "vanish=0s"],
      ["vanish=25h", "vanish=25h"],
      ["vanish=soon", "vanish=soon"],
      ["vanish=1s=2s", "vanish=1s=2s"],
      ["vanish=1s,vanish=2s", "vanish=2s"],
      ["vanish=1s,", ""],
      ["", ""],
      ["=1s", "=1s"],
      ["toString=1s", "toString=1s"],
      ["downFor=1s", "downFor"],
      ["slow=1s,slowBy=1s,lieFor=1s", "lieFor"]
    ] as const) {
      const left = Either.flip(parseFaults(text))
      assert.deepInclude(Either.getOrThrow(left), { _tag: "FaultsInvalid", part }, text)
    }
  })

  it("reads back what it writes", () => {
    const every = Faults.names
      .map((name, at) => `${name}=${["100ms", "1.5s", "90s", "2m", "1.5h", "333ms"][at % 6]}`)
      .join(",")
    const read = Either.getOrThrow(parseFaults(every))
    assert.deepStrictEqual(Either.getOrThrow(parseFaults(Faults.formatFaults(read))), read)
    assert.deepStrictEqual(Either.getOrThrow(parseFaults(Faults.formatFaults({}))), {})
    assert.strictEqual(Faults.formatFaults(Faults.standard), "vanish=2m,down=3m")
  })
})

describe("the table of faults", () => {
  it("stands in the documentation as it is", async () => {
    const page = await readFile(new URL("../../../../docs/sandbox.md", import.meta.url), "utf8")
    const rows = Faults.settings.map(({ fault, name, usually, what }) => {
      const means = name === fault ? `how often: ${what}` : what
      return `| \`${name}\` | ${means} | ${usually === undefined ? "never" : formatShort(usually)} |`
    })
    assert.include(page, ["| setting | means | unless told otherwise |", "|---|---|---|", ...rows, ""].join("\n"))
  })
})
