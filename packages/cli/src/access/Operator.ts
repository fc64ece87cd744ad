/** What a one-off run may change, whichever way it gets at the house. */
import type { Command, Event } from "@mithrandir/core"
import type * as Effect from "effect/Effect"
import type { Failure } from "../line/Program.ts"

export interface ReconcileRequest {
  /** Absent: each. */
  readonly service?: string
  readonly accept: boolean
}

/** A command that is in the journal. `replayed`: it already was, and nothing was started. */
export interface Accepted {
  readonly commandId: string
  readonly service: string
  readonly phase: Command.Phase
  readonly replayed: boolean
}

/** What changes something, and needs the one writer. */
export interface Operator {
  /** A pass now. */
  readonly reconcile: (request: ReconcileRequest) => Effect.Effect<ReadonlyArray<Event.ReconciliationUpdate>, Failure>
  /** Sends a command, and does not wait for it: it goes on without us. */
  readonly accept: (request: Command.CommandRequest) => Effect.Effect<Accepted, Failure>
  /**
   * Sends a command and follows it to its end, telling every phase. Of one that had ended before, that first, and then
   * its last phase alone.
   */
  readonly run: (
    request: Command.CommandRequest,
    tell: (status: Event.CommandStatus) => Effect.Effect<void>,
    endedBefore: Effect.Effect<void>
  ) => Effect.Effect<Command.CommandState, Failure>
}
