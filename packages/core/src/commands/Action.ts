/** What one kind of command means: its precondition, its snapshot, its execution, its proof. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type ActionType, Params } from "../model/Command.ts"
import type { Job } from "../model/Job.ts"
import { type ActionError, ActionRejected, type ReadError, type Shape } from "../sources/JobSource.ts"

/** What an action is about: one target of one source, and the key under which it is applied at most once. */
export interface Order {
  readonly source: Shape
  readonly target: string
  readonly params: Params
  /** The commandId. */
  readonly key: string
}

/** What looking again showed. */
export interface Proof {
  /** JSON: the target as it is now. */
  readonly after: unknown
  /** Whether the effect is there; none where it cannot be told. */
  readonly verified: Option.Option<boolean>
}

/** One kind of command. `before` is what `snapshot` gave: JSON, kept in the journal over a crash. */
export interface Action {
  readonly actionType: ActionType
  readonly params: Schema.Schema<Params, Params>
  readonly isSupported: (source: Shape) => boolean
  /** Reads the target as it is. JSON. */
  readonly snapshot: (order: Order) => Effect.Effect<unknown, ReadError>
  /** Why it must not run, in a sentence, if it must not. */
  readonly refusal: (before: unknown, order: Order) => Option.Option<string>
  /** That nothing is to be done, in a sentence, where that is so: it ends `success` without touching upstream. */
  readonly isDone: (before: unknown, order: Order) => Option.Option<string>
  /** Asks upstream; gives a line for the logs. */
  readonly execute: (order: Order) => Effect.Effect<string, ActionError>
  /**
   * Looks for the effect. Where upstream did not say that it acted (`answered`), only what nothing else can have done
   * proves anything.
   */
  readonly verify: (before: unknown, order: Order, answered: boolean) => Effect.Effect<Proof, ReadError>
  /** Doing it again has no other effect than doing it once, even where the upstream honours no keys. */
  readonly isRepeatable: boolean
  /** Which jobs it changes while it runs: the one that is the target, or those of the queue that is. */
  readonly touches: "job" | "queue" | "nothing"
  /** What to expect, once it has succeeded, of a job that it may have touched: `undefined` is absence. */
  readonly effected: (job: Job, before: unknown, proof: Proof) => Job | undefined
}

/** No params. An empty struct would take any. */
export const noParams: Schema.Schema<Params, Params> = Params.pipe(
  Schema.filter((params) => Object.keys(params).map((key) => ({ path: [key], message: "this action takes no params" })))
)

/** `isSupported` is asked before: this is what a source that changed its mind gets. */
export const unsupported: Effect.Effect<never, ActionError> = new ActionRejected({
  problem: "it does not support this action"
})
