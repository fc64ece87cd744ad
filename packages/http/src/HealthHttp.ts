/** Answers whether the server lives and can work. An upstream that is down does not make us unready. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Reconciler, Store } from "@mithrandir/core"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Mounted } from "./Mount.ts"
import * as Problem from "./Problem.ts"
import { type Check, Readiness } from "./Readiness.ts"

/** A check that takes longer has failed: those who ask give up sooner than we would. */
const checkTimeout = Duration.seconds(2)

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirHealth", (handlers) =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const reconciler = yield* Reconciler.Reconciler
      const checks: ReadonlyArray<Check> = [
        { name: "store", check: store.writable },
        { name: "reconciliation", check: inTime(reconciler) },
        ...(yield* Readiness)
      ]
      return handlers
        .handle("live", () => Effect.succeed({ status: "live" as const }))
        .handle("ready", () =>
          Effect.gen(function* () {
            const failures = (yield* Effect.forEach(checks, failure, { concurrency: "unbounded" })).flat()
            if (failures.length > 0) return yield* Problem.make("not-ready", { errors: failures })
            return { status: "ready" as const }
          })
        )
    })
  )

/** What is polled and had no pass for too long would be shown for ever as it was. */
const inTime = ({ overdue }: Context.Tag.Service<Reconciler.Reconciler>): Check["check"] =>
  Effect.flatMap(overdue, ({ length }) =>
    length === 0 ? Effect.void : Effect.fail({ message: `the last pass of ${length} of the services is too old` })
  )

const failure = ({ check, name }: Check): Effect.Effect<ReadonlyArray<Problem.FieldProblem>> =>
  check.pipe(
    Effect.timeoutFail({ duration: checkTimeout, onTimeout: () => ({ message: "it could not be told in time" }) }),
    Effect.as([]),
    Effect.catchAll(({ message }) => Effect.succeed([{ path: name, problem: message }])),
    // One that throws, or interrupts itself, has failed, and not the others with it.
    Effect.catchAllCause((cause) =>
      Effect.as(Effect.logError(`the readiness check "${name}" failed in a way that it should not`, cause), [
        { path: name, problem: "it could not be told" }
      ])
    )
  )
