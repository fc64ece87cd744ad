/**
 * How a person, a supervisor or a terminal that closes stops us: Ctrl-C, SIGTERM, SIGHUP. The first asks, the second
 * does not.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as ExitCode from "./ExitCode.ts"
import * as Output from "./Output.ts"

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP"

/** One Ctrl-C can come twice: a terminal tells a whole group of processes, and npm, which is in it, hands it on. */
const echoMs = 1_000

/**
 * What has not let go by then is left to the system, which frees locks and sockets of whoever is gone. A server gives
 * commands that run ten seconds to end; a person who interrupted their own command is not kept waiting.
 */
const serverPatienceMs = 12_000
const personPatienceMs = 2_000

/**
 * Runs until it is told to stop, and says that it does. For what only ends when it is told to: SIGTERM and SIGHUP
 * are then no failure.
 */
export const untilStopped = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<void, E | ExitCode.Ended, R> =>
  stoppable(
    effect,
    { codeOf: (signal) => (signal === "SIGINT" ? ExitCode.interrupted : ExitCode.ok), patienceMs: serverPatienceMs },
    Output.note("stopping")
  ).pipe(
    Effect.tapError((error) => (error instanceof ExitCode.Ended ? stopped : Effect.void)),
    Effect.zipLeft(stopped)
  )

const stopped = Output.note("stopped")

/** Runs to its end, unless it is told to stop before: then `farewell` is said, and it has not done what it should. */
export const interruptible = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  farewell: Effect.Effect<void> = Effect.void
): Effect.Effect<void, E | ExitCode.Ended, R> =>
  stoppable(effect, { codeOf: () => ExitCode.interrupted, patienceMs: personPatienceMs }, farewell)

/**
 * Gives an effect a scope, and lets go of what it holds when it ends; but what takes longer than a person would wait, a
 * command that still runs, is left to the end of the process.
 */
export const scopedBriefly = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) => Scope.extend(effect, scope),
    (scope, exit) =>
      Effect.flatMap(Effect.forkDaemon(Scope.close(scope, exit)), (closing) =>
        Effect.timeoutOption(Effect.interruptible(Fiber.await(closing)), personPatienceMs)
      )
  )

interface Manner {
  readonly codeOf: (signal: Signal) => ExitCode.ExitCode
  readonly patienceMs: number
}

const stoppable = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  manner: Manner,
  farewell: Effect.Effect<void>
): Effect.Effect<void, E | ExitCode.Ended, R> =>
  Effect.raceFirst(
    Effect.asVoid(effect),
    Effect.flatMap(first(manner), (code) => Effect.zipRight(farewell, end(code)))
  )

const end = (code: ExitCode.ExitCode) => (code === ExitCode.ok ? Effect.void : new ExitCode.Ended({ code }))

const signals: ReadonlyArray<Signal> = ["SIGINT", "SIGTERM", "SIGHUP"]

/** The code to end with, at the first signal. From then on a second signal, or waiting too long, ends the process. */
const first = ({ codeOf, patienceMs }: Manner): Effect.Effect<ExitCode.ExitCode> =>
  Effect.async<ExitCode.ExitCode>((resume) => {
    const stop = (signal: Signal) => {
      for (const each of signals) process.off(each, stop)
      const code = codeOf(signal)
      const firstAt = performance.now()
      const again = () => {
        if (performance.now() - firstAt > echoMs) process.exit(ExitCode.interrupted)
      }
      for (const each of signals) process.on(each, again)
      // Whoever has ended by then is not kept for it.
      setTimeout(() => process.exit(code), patienceMs).unref()
      resume(Effect.succeed(code))
    }
    for (const each of signals) process.on(each, stop)
    return Effect.sync(() => {
      for (const each of signals) process.off(each, stop)
    })
  })
