/** Room for others between two steps. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * Lets everything else have its turn, also what came in over sockets. SQLite syncs while nothing else runs here: the
 * commits that were called for meanwhile join the next transaction.
 */
export class NextTurn extends Context.Reference<NextTurn>()("@mithrandir/core/storage/NextTurn", {
  defaultValue: (): Effect.Effect<void> =>
    Effect.async((resume) => {
      setImmediate(() => resume(Effect.void))
    })
}) {}
