/** Where commands run: the port that keeps the place apart from the work. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import type { Params } from "../model/Command.ts"
import { CommandRunner } from "./CommandRunner.ts"

/** Runs commands somewhere. */
export class CommandDispatcher extends Context.Tag("@mithrandir/core/CommandDispatcher")<
  CommandDispatcher,
  {
    /**
     * Sees to it that a journaled command runs, here or elsewhere. Does not wait for it. Again is no harm. `unwritten`:
     * its params as they were sent, where the journal has them without their sensitive values; they are to be kept in
     * memory only.
     */
    readonly dispatch: (commandId: string, unwritten?: Params) => Effect.Effect<void>
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

    const dispatch = Effect.fn("CommandDispatcher.dispatch")((commandId: string, unwritten?: Params) =>
      // Where the layer has ended meanwhile the map interrupts whoever brings it something: that is left to the next one.
      Effect.exit(
        FiberMap.run(
          fibers,
          commandId,
          runner.run(commandId, unwritten).pipe(
            Effect.catchAllCause((cause) => Effect.logError("a command stopped before its end", cause)),
            Effect.annotateLogs({ commandId })
          ),
          { onlyIfMissing: true }
        )
      ).pipe(Effect.asVoid)
    )

    return CommandDispatcher.of({ dispatch })
  })
)
