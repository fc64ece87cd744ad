/** What the stream tells, with the time at which it happened: much of it is told again, long after. */
import type { Client } from "@mithrandir/http"
import type * as DateTime from "effect/DateTime"
import * as Narrator from "./Narrator.ts"

/** What was told so far, and whether what comes next has just happened. */
export interface Retelling {
  readonly narration: Narrator.Narration
  readonly isLive: boolean
}

export const start: Retelling = { narration: Narrator.start, isLive: false }

/** Lines, and when that was: now, at a moment, or at one that nobody knows. */
export interface Told {
  readonly lines: ReadonlyArray<string>
  readonly at: DateTime.Utc | "now" | undefined
}

/** What to tell of a message. `began` is when we began to watch, in milliseconds. */
export const tell = (
  { isLive, narration }: Retelling,
  message: Client.StreamEvent,
  began: number
): readonly [Retelling, Told] => {
  // After a snapshot, and after the first pass since we watch, all that comes is new.
  if (message.event === "stream.ready") return [{ narration, isLive: true }, nothing]
  if (message.event === "stream.reset") return [{ narration, isLive: false }, nothing]
  const [next, lines] = Narrator.tellOf(narration, message, undefined)
  // A command's phase does not say when it was: what is told again goes without a time.
  if (message.event === "command.status")
    return [
      { narration: next, isLive },
      { lines, at: isLive ? "now" : undefined }
    ]
  const at = Narrator.momentOf(message.data)
  return [
    { narration: next, isLive: isLive || at.epochMillis >= began },
    { lines, at }
  ]
}

const nothing: Told = { lines: [], at: undefined }
