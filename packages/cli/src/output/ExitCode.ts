/** What the process's exit code says, of whatever may have happened. */
import type { Command, Event } from "@mithrandir/core"
import { JobSource } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import {
  discrepancy,
  type ExitCode,
  failed,
  interrupted,
  notAllowed,
  ok,
  unknown,
  unreachable,
  usage
} from "./ExitNumber.ts"

export * from "./ExitNumber.ts"

/** The command has printed everything there is to say, and this is its exit code. */
export class Ended extends Schema.TaggedError<Ended>()("Ended", { code: Schema.Int }) {}

/** It cannot be done, and this one line says why and what to do about it. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  code: Schema.Int,
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/** What was typed does not fit: `problem` says what would, and `help` is what to type to read more. */
export class Misused extends Schema.TaggedError<Misused>()("Misused", {
  problem: Schema.String,
  help: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/**
 * How the last line of a command's log ends when no connection could be made. The outcome is `failure`, as it
 * is where the upstream refused; a script that wants to try again later needs to tell the two apart.
 */
const neverConnected = JobSource.unsent.map((reason) => new JobSource.SourceUnavailable({ reason }).message)

/** How that line says that the target was not even seen: whatever the upstream answered then, nothing was sent. */
const neverSeen = /(^|: )the target could not be looked at: /

/** How a command that has ended, or not, leaves the process. */
export const ofCommand = (state: Pick<Command.CommandState, "logs" | "outcome" | "verified">): ExitCode => {
  switch (state.outcome) {
    case "success":
      return state.verified === false ? failed : ok
    case "failure":
      return isUnreached(state.logs.at(-1) ?? "") ? unreachable : failed
    default:
      // It was sent, and its end was not seen.
      return unknown
  }
}

const isUnreached = (last: string): boolean =>
  neverSeen.test(last) || neverConnected.some((words) => last.endsWith(words))

/** How passes leave the process: a discrepancy if that was asked for, then an upstream that gave no answer. */
export const ofPasses = (
  updates: ReadonlyArray<Pick<Event.ReconciliationUpdate, "status">>,
  options: { readonly tellDiscrepancy: boolean }
): ExitCode => {
  if (options.tellDiscrepancy && updates.some((update) => update.status === "discrepancy")) return discrepancy
  return updates.some((update) => update.status === "stale") ? unreachable : ok
}

/** By their tags, what the errors of core, of the client and of this package mean for a script. */
const byTag: Readonly<Record<string, ExitCode>> = {
  Misused: usage,
  AuditCursorInvalid: usage,
  ConfigInvalid: usage,
  ServiceNotFound: usage,
  ActionNotFound: usage,
  ActionNotSupported: usage,
  CommandInvalid: usage,
  CommandIdTaken: usage,
  HostNotLoopback: usage,
  HostsMissing: usage,
  ServiceInvalid: usage,
  ServerUnreachable: unreachable,
  // Asked for nothing but what is there.
  SourceUnavailable: unreachable,
  SourceInvalid: unreachable,
  // What was asked for may be done, and may not.
  AnswerLost: unknown
}

/** What a server's problem means, by its status. */
const ofStatus = (status: number): ExitCode => {
  switch (status) {
    case 401:
    case 403:
    case 421:
      return notAllowed
    case 502:
    case 504:
      return unreachable
    // It fits, and was refused for now.
    case 429:
      return failed
    default:
      return status >= 400 && status < 500 ? usage : failed
  }
}

/** The exit code for an error. What is not listed has simply failed. */
export const ofError = (error: unknown): ExitCode => {
  if (error instanceof Ended || error instanceof Refused) return isExitCode(error.code) ? error.code : failed
  if (typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string") {
    if (error._tag === "Problem" && "status" in error && typeof error.status === "number") return ofStatus(error.status)
    return byTag[error._tag] ?? failed
  }
  return failed
}

const all: ReadonlyArray<number> = [ok, failed, usage, discrepancy, notAllowed, unreachable, unknown, interrupted]

const isExitCode = (code: number): code is ExitCode => all.includes(code)
