/** Where commands run: the port that keeps the place apart from the work. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import { CommandRunner } from "./CommandRunner.ts"

export class CommandDispatcher extends Context.Tag("@mithrandir/core/CommandDispatcher")<
  CommandDispatcher,
  {
    /** Sees to it that a journaled command runs, here or elsewhere. Does not wait for it. Again is no harm. */
    readonly dispatch: (commandId: string) => Effect.Effect<void>
  }
>() {}

/** How long an ending process waits for commands that run. What is left then is finished by the next one. */
const patience = "10 seconds"

/** In this process: a command outlives the request that sent it, and ends with the layer at the latest. */
export const layerInProcess: Layer.Layer<CommandDispatcher, never, CommandRunner> = Layer.scoped(
  CommandDispatcher,
  Effect.gen(function* () {
    const runner = yield* CommandRunner
    const fibers = yield* FiberMap.make<string>()
    yield* Effect.addFinalizer(() =>
      // Finalizers cannot be interrupted, and so could not give up waiting, unless they say so.
      FiberMap.awaitEmpty(fibers).pipe(Effect.interruptible, Effect.timeout(patience), Effect.ignore)
    )

    const dispatch = Effect.fn("CommandDispatcher.dispatch")((commandId: string) =>
      Effect.asVoid(
        FiberMap.run(
          fibers,
          commandId,
          runner.run(commandId).pipe(
            Effect.catchAllCause((cause) => Effect.logError("a command stopped before its end", cause)),
            Effect.annotateLogs({ commandId })
          ),
          { onlyIfMissing: true }
        )
      )
    )

    return CommandDispatcher.of({ dispatch })
  })
)
