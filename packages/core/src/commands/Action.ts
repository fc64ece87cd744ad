/** What one kind of command means: its params, its precondition, its snapshot, its execution, its proof. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type ActionType, type CommandInvalid, invalid, Params } from "../model/Command.ts"
import type { Job } from "../model/Job.ts"
import type { ServiceId } from "../model/Service.ts"
import type { RegisteredService } from "../services/ServiceRegistry.ts"
import * as Foreign from "../sources/Foreign.ts"
import { type ActionError, ActionRejected, type ReadError, type Shape } from "../sources/JobSource.ts"

/** Marks params that are never written down. */
export { Secret, sensitive } from "../model/Sensitive.ts"

/** What an action is about: one target of one service, and the key under which it is applied at most once. */
export interface Order<P = Params> {
  /** The service's id. */
  readonly service: ServiceId
  /** The service's source: how to talk to it. */
  readonly source: Shape
  /** What to act on: 1 to 256 characters, no control characters, as the client sent it. */
  readonly target: string
  /** As the action's Schema decodes them. */
  readonly params: P
  /** The commandId: hand it to an upstream that applies a key at most once. */
  readonly key: string
}

/** What looking again showed. */
export interface Proof {
  /** JSON: the target as it is now. */
  readonly after: unknown
  /** Whether the effect is there; none where it cannot be told. */
  readonly verified: Option.Option<boolean>
}

/** Which jobs an action changes while it runs: the one that is the target, or those of the queue that is. */
export type Touches = "job" | "queue" | "nothing"

/**
 * What `make` is told of an action. `before` is always what `snapshot` gave, as JSON: it is kept in the journal over a
 * crash, and shown in the audit. Of more than 64 KiB only the size and a digest are kept, and after a crash `verify` gets
 * those.
 */
export interface Definition<P = Params, I extends object = Params> {
  /** What clients call it: 1 to 64 characters, one name once in a catalog. */
  readonly actionType: ActionType
  /**
   * What its params must be. `I` is what a client sends, as JSON. A field that is `sensitive` is kept in memory only.
   * Default: none may be sent.
   */
  readonly params?: Schema.Schema<P, I>
  /** Whether a service can do it. Default: every service. */
  readonly isSupported?: (service: Pick<RegisteredService, "id" | "type" | "source">) => boolean
  /**
   * Reads the target as it is. JSON, without secrets; `null` where it does not exist. It has as long as a command of
   * the service may take.
   */
  readonly snapshot: (order: Order<P>) => Effect.Effect<unknown, ReadError>
  /** Why it must not run, in a sentence, if it must not. Default: it always may. */
  readonly refusal?: (before: unknown, order: Order<P>) => Option.Option<string>
  /** That nothing is to be done, in a sentence, where that is so: it ends `success` untouched. Default: never. */
  readonly isDone?: (before: unknown, order: Order<P>) => Option.Option<string>
  /** Asks upstream; gives a line for the logs, without secrets. Interrupted when the command's deadline passes. */
  readonly execute: (order: Order<P>) => Effect.Effect<string, ActionError>
  /**
   * Looks for the effect. Where upstream did not say that it acted (`answered`), only what nothing else can have done
   * proves anything. It has ten seconds; what does not answer in time, or throws, does not tell. Default: takes another
   * snapshot, and says that it cannot tell.
   */
  readonly verify?: (before: unknown, order: Order<P>, answered: boolean) => Effect.Effect<Proof, ReadError>
  /**
   * Doing it again has no other effect than doing it once, even where the upstream honours no keys: a command that a
   * crash cut off is sent again. Default: false; such a command is looked for.
   */
  readonly isRepeatable?: boolean
  /** Default: nothing, so that no pass leaves a difference out because of it. */
  readonly touches?: Touches
  /**
   * What to expect, once it has succeeded, of a job that it may have touched: `undefined` is absence. Default: the job
   * as it was.
   */
  readonly effected?: (job: Job, before: unknown, proof: Proof, order: Order<P>) => Job | undefined
}

/** An action with the order that it is to carry out; its members are those of `Definition`, defaults filled in. */
export interface Bound {
  /** Reads the target as it is. */
  readonly snapshot: Effect.Effect<unknown, ReadError>
  /** Why it must not run, if it must not. */
  readonly refusal: (before: unknown) => Option.Option<string>
  /** That nothing is to be done, where that is so. */
  readonly isDone: (before: unknown) => Option.Option<string>
  /** Asks upstream. */
  readonly execute: Effect.Effect<string, ActionError>
  /** Looks for the effect. */
  readonly verify: (before: unknown, answered: boolean) => Effect.Effect<Proof, ReadError>
  /** What to expect of a job, once it has succeeded. */
  readonly effected: (job: Job, before: unknown, proof: Proof) => Job | undefined
}

/** One kind of command, as `make` gives it. */
export interface Action {
  /** What clients call it. */
  readonly actionType: ActionType
  /** What its params must be, and which of them are sensitive. */
  readonly params: Schema.Schema.AnyNoContext
  /** Whether a service can do it. */
  readonly isSupported: (service: Pick<RegisteredService, "id" | "type" | "source">) => boolean
  /** Takes an order whose params are as they were sent; fails, quoting none of them, where they do not fit. */
  readonly bind: (order: Order) => Effect.Effect<Bound, CommandInvalid>
  /** Doing it again has no other effect than doing it once. */
  readonly isRepeatable: boolean
  /** Which jobs it changes while it runs. */
  readonly touches: Touches
}

/**
 * An action. Only `actionType`, `snapshot` and `execute` must be said:
 *
 * ```ts
 * const promote = Action.make({
 *   actionType: "promote-job",
 *   params: Schema.Struct({ priority: Schema.Int, token: Action.Secret }),
 *   snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
 *   execute: ({ key, params, target }) =>
 *     Effect.as(mySystem.promote(target, params.priority, Redacted.value(params.token), key), "it was promoted")
 * })
 * ```
 */
export const make = <P = Params, I extends object = Params>(definition: Definition<P, I>): Action => {
  const { effected, execute, isDone, isSupported, refusal, snapshot, verify } = definition
  // Without a Schema nothing says what `P` is but its default, which is what `noParams` gives.
  const params = definition.params ?? (noParams as unknown as Schema.Schema<P, I>)
  const decode = Schema.decodeUnknown(params, { onExcessProperty: "error" })

  const carryOut = (order: Order<P>): Bound => {
    const look = Effect.map(
      Foreign.run(() => snapshot(order)),
      asJson
    )
    return {
      snapshot: look,
      refusal: (before) => asOption(refusal?.(before, order)),
      isDone: (before) => asOption(isDone?.(before, order)),
      execute: Foreign.run(() => execute(order)),
      verify: (before, answered) =>
        verify === undefined
          ? Effect.map(look, (after) => ({ after, verified: Option.none() }))
          : Effect.map(
              Foreign.run(() => verify(before, order, answered)),
              ({ after, verified }) => ({
                after: asJson(after),
                verified: Option.filter(verified, Predicate.isBoolean)
              })
            ),
      effected: (job, before, proof) => (effected === undefined ? job : effected(job, before, proof, order))
    }
  }

  return {
    actionType: definition.actionType,
    params,
    isSupported: isSupported ?? (() => true),
    bind: (order) =>
      Foreign.run(() => decode(order.params)).pipe(
        Effect.mapBoth({
          onFailure: invalid("params"),
          onSuccess: (decoded) => carryOut({ ...order, params: decoded })
        })
      ),
    isRepeatable: definition.isRepeatable ?? false,
    touches: definition.touches ?? "nothing"
  }
}

/** What is shown, judged and written alike; what is none is a defect here, and not in the middle of a commit. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? "null")

/** A refusal that is no Option would pass for none, and the command would run. */
const asOption = (given: Option.Option<string> | undefined): Option.Option<string> => {
  if (given === undefined) return Option.none()
  if (!Option.isOption(given)) throw new TypeError("a precondition gave no Option")
  return given
}

/** No params. An empty struct would take any. */
export const noParams: Schema.Schema<Params, Params> = Params.pipe(
  Schema.filter((params, _, ast) => {
    const [first, ...more] = Object.entries(params).map(
      ([key, value]) => new ParseResult.Pointer(key, params, new ParseResult.Unexpected(value))
    )
    return first === undefined || new ParseResult.Composite(ast, params, [first, ...more])
  })
)

/** `isSupported` is asked before: this is what a source that changed its mind gets. */
export const unsupported: Effect.Effect<never, ActionError> = new ActionRejected({
  problem: "it does not support this action"
})
