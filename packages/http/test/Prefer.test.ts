import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import * as Prefer from "../src/Prefer.ts"

const waitOf = (header: string | undefined) => Option.getOrUndefined(Prefer.wait(header))

describe("Prefer.wait", () => {
  it("is the seconds of wait, wherever it stands among the preferences", () => {
    const cases = [
      ["wait=10", 10],
      ["wait=0", 0],
      ["WAIT = 7 ", 7],
      ['wait="12"', 12],
      ["respond-async, wait=5", 5],
      ["wait=5; foo=bar, respond-async", 5],
      ['foo="a, wait=1", wait=2', 2],
      ['foo="a\\", wait=1", wait=3', 3]
    ] as const
    for (const [header, seconds] of cases) assert.strictEqual(waitOf(header), seconds, header)
  })

  it("has a bound", () => {
    assert.strictEqual(waitOf("wait=31"), Prefer.maxWaitSeconds)
    assert.strictEqual(waitOf(`wait=${"9".repeat(400)}`), Prefer.maxWaitSeconds)
  })

  it("is none where it is absent or malformed; the first counts, and no other", () => {
    const cases = [
      ...[undefined, "", ",", "wait", "wait=", "wait=x", "wait=-1", "wait=1.5", "wait=1e3", "wait=0x1", "waiting=5"],
      ...['wait="', 'foo="wait=5', "wait=x, wait=5", "handling=lenient", "a=wait=5", "wait = 5 6"]
    ]
    for (const header of cases) assert.strictEqual(waitOf(header), undefined, header)
  })

  it("takes whatever comes, and gives nothing or a number within its bounds", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'wait=,;"\\ 0159x'.split("")), maxLength: 40 }), (header) => {
        const seconds = waitOf(header)
        return seconds === undefined || (Number.isInteger(seconds) && seconds >= 0 && seconds <= Prefer.maxWaitSeconds)
      })
    )
  })

  it("reads a header as long as a server lets in within a blink", () => {
    const started = performance.now()
    for (const piece of [" ", '"', '"\\', "wait=1;", ",", "="]) waitOf(piece.repeat(16_384 / piece.length))
    assert.isBelow(performance.now() - started, 500)
  })
})
