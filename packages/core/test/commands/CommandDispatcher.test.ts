import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as CommandDispatcher from "../../src/commands/CommandDispatcher.ts"
import { CommandRunner } from "../../src/commands/CommandRunner.ts"

describe("a dispatcher", () => {
  it.scoped("leaves to the next process what comes as this one ends, and interrupts nobody who brings it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const runner = Layer.succeed(CommandRunner, { run: () => Effect.void })
      const context = yield* Layer.buildWithScope(Layer.provide(CommandDispatcher.layerInProcess, runner), scope)
      yield* Scope.close(scope, Exit.void)
      yield* Context.get(context, CommandDispatcher.CommandDispatcher).dispatch("late")
    })
  )
})
