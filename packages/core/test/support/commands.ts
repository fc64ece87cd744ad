/** Sends commands and follows them, over a house that a test has built. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Commands } from "../../src/commands/Commands.ts"
import type { CommandRequest } from "../../src/model/Command.ts"

/** The phases of a command up to its end; moves the test clock for as long as it takes. */
export const ended = (commandId: string) =>
  Effect.gen(function* () {
    const commands = yield* Commands
    const fiber = yield* Effect.fork(Stream.runCollect(commands.follow(commandId)))
    for (let seconds = 0; seconds < 60 && fiber.unsafePoll() === null; seconds++) yield* TestClock.adjust("1 seconds")
    return Chunk.toReadonlyArray(yield* Fiber.join(fiber))
  })

/** Submits as `tester`, and follows to the end. */
export const run = (request: CommandRequest) =>
  Effect.gen(function* () {
    yield* Effect.flatMap(Commands, (commands) => commands.submit(request, "tester"))
    return yield* ended(request.commandId)
  })

/** Leaves a house at once, as a killed process would, while its command waits for what a test holds back. */
export const kill = (scope: Scope.CloseableScope) =>
  Effect.gen(function* () {
    const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("11 seconds")
    yield* Fiber.join(closing)
  })
