/**
 * `it`, whose tests run again where fibers yield far more often than by themselves: what holds only because two steps
 * happen to be taken in one breath does not hold there.
 */
import { it as once, type Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"

/** After so many operations. By default it is 2,048, which a commit or a command hardly comes to. */
const often = [17, 33, 64] as const

const isLong = process.env["MITHRANDIR_TEST_LONG"] !== undefined

let tests = 0

/** At full length each test under each number; else, if at all, under one, and the next test under the next. */
const again = (isShort: boolean) => (isLong ? often : isShort ? often.slice(tests++ % often.length).slice(0, 1) : [])

const interleaved =
  <R>(test: Vitest.Test<R>, isShort: boolean): Vitest.Test<R> =>
  (name, self, timeout) => {
    test(name, self, timeout)
    for (const ops of again(isShort)) {
      const yielding: typeof self = (...args) => Effect.withMaxOpsBeforeYield(self(...args), ops)
      test(`${name}, where fibers yield every ${ops} operations`, yielding, timeout)
    }
  }

const make = (isShort: boolean) =>
  // A test without fibers runs once.
  Object.assign((name: string, test: () => void | Promise<void>) => once(name, test), {
    effect: interleaved(once.effect, isShort),
    scoped: interleaved(once.scoped, isShort),
    // What waits for real time does so again at full length only.
    live: interleaved(once.live, false),
    scopedLive: interleaved(once.scopedLive, false)
  })

/** Once more in short, three times more at full length. */
export const it = make(true)

/** Three times more, but only at full length. */
export const itAtLength = make(false)
