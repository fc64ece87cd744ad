/** Properties of calls to a source: whatever comes of one is a value that fits, or a typed failure, in time. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import fc from "fast-check"
import type { ActionError, Shape } from "../../src/sources/JobSource.ts"

/** At full length or not. */
export const isLong = process.env["MITHRANDIR_TEST_LONG"] === "1"

/** A call, and what its value has to be. */
export interface Call {
  readonly name: string
  readonly call: (source: Shape) => Effect.Effect<unknown, ActionError>
  readonly fits: (value: unknown) => boolean
}

/** Longer than a source of these tests may take, whose deadline is a second. */
const patience = "10 seconds"

const typed: ReadonlyArray<string> = ["SourceUnavailable", "SourceInvalid", "TargetNotFound", "ActionRejected"]

/** The error of a call, if it has one. A value that does not fit, a defect and silence are failures of the test. */
export const errorOf = (source: Shape, { call, fits, name }: Call): Effect.Effect<ActionError | undefined> =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(Effect.timeoutFail(call(source), { duration: patience, onTimeout: () => "hung" }))
    if (exit._tag === "Success") {
      assert.isTrue(fits(exit.value), `${name}: ${JSON.stringify(exit.value)}`)
      return undefined
    }
    const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
    if (error === undefined || typeof error === "string") return assert.fail(`${name}: ${Cause.pretty(exit.cause)}`)
    assert.include(typed, error._tag)
    return error
  })

/** Holds where the effect succeeds for each of so many values. */
export const holds = <A>(numRuns: number, arbitrary: fc.Arbitrary<A>, run: (value: A) => Effect.Effect<void>) =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(arbitrary, (value) => Effect.runPromise(run(value))),
      { numRuns }
    )
  )
