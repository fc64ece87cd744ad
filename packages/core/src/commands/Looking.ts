/** Looks for the effect of a command: whatever comes of that changes nothing of what was done. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Monotonic from "../model/Monotonic.ts"
import * as Foreign from "../sources/Foreign.ts"
import type { Bound, Proof } from "./Action.ts"

/** Where to look, and for what. */
export interface Sight {
  readonly bound: Bound
  /** What the target was before the command; null where that is not known. */
  readonly before: unknown
  /** Whether upstream said that it acted. */
  readonly answered: boolean
}

/** What one look gave. Unseen: the target could not be read, or not in time. */
export type Seen =
  | { readonly _tag: "Seen"; readonly proof: Proof }
  | { readonly _tag: "Unseen" }
  | { readonly _tag: "Threw" }

/** What looking came to, and what is to be said of it. */
export interface Looked {
  readonly proof: Proof
  readonly lines: ReadonlyArray<string>
}

/** An effect that does not show at once, such as a restart, is looked for during five seconds. */
const maxLookingMs = 5_000
const interval = "250 millis"

/** What one look may take. Meanwhile it keeps others from their turn, which have a deadline. */
const longest = "10 seconds"

const untold: Proof = { after: null, verified: Option.none() }

/** What an action throws is a mistake in the program: it is for the log, and no reason not to end its command. */
export const logThrown = (defect: unknown): Effect.Effect<void> =>
  Effect.logError("a command's action failed in a way that it should not", Cause.die(defect))

/** Looks once. */
export const once = ({ answered, before, bound }: Sight): Effect.Effect<Seen> =>
  Effect.suspend(() => bound.verify(before, answered)).pipe(
    Effect.map((proof): Seen => ({ _tag: "Seen", proof })),
    Effect.timeoutTo({ duration: longest, onSuccess: identity, onTimeout: (): Seen => ({ _tag: "Unseen" }) }),
    Effect.catchAll(() => Effect.succeed<Seen>({ _tag: "Unseen" })),
    Effect.catchAllDefect((defect) => Effect.as(logThrown(defect), { _tag: "Threw" as const }))
  )

/** Looks until the effect shows, or for as long as it might. */
export const untilDecided = (sight: Sight): Effect.Effect<Looked> =>
  Effect.gen(function* () {
    const until = (yield* Monotonic.now) + maxLookingMs
    while (true) {
      const seen = yield* once(sight)
      // It would throw again.
      if (seen._tag === "Threw") return { proof: untold, lines: [`looked again: ${Foreign.thrown}`] }
      const proof = seen._tag === "Seen" ? seen.proof : untold
      const isDecided = seen._tag === "Seen" && !Option.contains(proof.verified, false)
      if (isDecided || (yield* Monotonic.now) >= until) return { proof, lines: [] }
      yield* Effect.sleep(interval)
    }
  })
