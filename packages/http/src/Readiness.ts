/** What else must hold before the server calls itself ready: a port for whoever assembles it. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** One condition. The reason of a failure is shown to whoever asks: a sentence, and no internals. */
export interface Check {
  /** Stands before the reason of its failure, for people. */
  readonly name: string
  /** Run whenever somebody asks; fails while the condition does not hold. */
  readonly check: Effect.Effect<void, { readonly message: string }>
}

/** Checks beside the store being writable, which always counts. Default: none. */
export class Readiness extends Context.Reference<Readiness>()("@mithrandir/http/Readiness", {
  defaultValue: (): ReadonlyArray<Check> => []
}) {}
