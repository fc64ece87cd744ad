/** Runs what an embedder brings, so that however it ends, nothing of ours ends with it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { LazyArg } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/**
 * It was interrupted, and not by us: it waited at a queue that was shut down, or joined a fiber that was interrupted. A
 * mistake in the program, as a throw is one.
 */
export class Interrupted extends Error {
  override readonly name = "Interrupted"
  override readonly message = "it was interrupted from within"
}

/** How long what is given up may take to let go of what it holds. What takes longer is left to itself. */
const patience = "1 second"

/**
 * Runs an effect in a fiber of its own and waits for it. That it was interrupted is a defect here, `Interrupted`, unless
 * whoever waits is: an interruption that went on would end the loop that asked, or the request, without a word. And one
 * that cannot be interrupted does not keep whoever gives it up.
 */
export const run = <A, E, R>(effect: LazyArg<Effect.Effect<A, E, R>>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(restore(Effect.suspend(effect))), (fiber) =>
      restore(Fiber.await(fiber)).pipe(
        Effect.onInterrupt(() => letGo(fiber)),
        Effect.flatMap(Exit.matchEffect({ onSuccess: Effect.succeed, onFailure: settled }))
      )
    )
  )

const letGo = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  // Finalizers cannot be interrupted, and so could not give up waiting, unless they say so.
  Effect.zipRight(
    Fiber.interruptFork(fiber),
    Fiber.await(fiber).pipe(Effect.interruptible, Effect.timeoutOption(patience))
  )

/** What was interrupted because something beside it failed has failed. */
const settled = <E>(cause: Cause.Cause<E>): Effect.Effect<never, E> => {
  if (!Cause.isInterrupted(cause)) return Effect.failCause(cause)
  return Option.match(Cause.failureOption(cause), {
    onSome: Effect.fail,
    onNone: () =>
      Effect.failCause(
        Option.getOrElse(Cause.keepDefects(cause), (): Cause.Cause<never> => Cause.die(new Interrupted()))
      )
  })
}

/** The longest reason that is shown and kept. */
const maxReasonChars = 1_000

/** What to say of whatever something threw. The rest of it may be anything, secrets included. */
export const thrown = "it failed in a way that it should not; see the server's log"

/** Why an effect failed, in a sentence. Its types may promise an error with a message; the program may keep it or not. */
export const reason = (error: unknown): string => {
  const message = Predicate.hasProperty(error, "message") ? error.message : undefined
  if (typeof message !== "string" || message === "") return thrown
  return message.length > maxReasonChars ? `${message.slice(0, maxReasonChars)}…` : message
}
