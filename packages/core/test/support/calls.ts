/** All that can be asked of a source, and what it says where it fails. */
import * as Effect from "effect/Effect"
import { type ActionError, type ReadError, type Shape, SourceUnavailable } from "../../src/sources/JobSource.ts"
import { listed } from "../sources/JobSourceSuite.ts"

export const notSupported = Effect.die("the source does not support it")

/** What is read of it. `ping` and `stuck` understand nothing of what they are told, and are not among them. */
export const reads = (source: Shape): ReadonlyArray<Effect.Effect<unknown, ReadError>> => [
  source.counts,
  listed(source),
  source.find("job"),
  source.queue?.("mail") ?? notSupported,
  source.worker?.("mailer") ?? notSupported
]

/** What it is told to do. */
export const actions = ({ actions }: Shape): ReadonlyArray<Effect.Effect<unknown, ActionError>> => [
  actions.retryJob?.("job", "key") ?? notSupported,
  actions.deleteJob?.("job", "key") ?? notSupported,
  actions.purgeQueue?.("mail", "key") ?? notSupported,
  actions.restartService?.("mailer", "key") ?? notSupported
]

/** How a call failed, without the words. */
export interface Told {
  readonly tag: string
  readonly reason?: string
  readonly status?: number
}

/** Wants a call to fail, and gives how. */
export const told = (call: Effect.Effect<unknown, ActionError>): Effect.Effect<Told> =>
  Effect.map(Effect.orDie(Effect.flip(call)), (error) => ({
    tag: error._tag,
    ...(error instanceof SourceUnavailable ? { reason: error.reason } : {}),
    ...("status" in error && error.status !== undefined ? { status: error.status } : {})
  }))
