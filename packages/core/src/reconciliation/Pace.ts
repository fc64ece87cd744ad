/** When the next pass is due. */

/** A service that fails is asked ever more rarely, but never more rarely than this. */
export const maxBackoffMs = 60_000

/**
 * How long to wait after so many failures in a row: twice as long after each, from the interval to a minute. A service
 * that asked to be left alone for longer (`askedMs`) is, up to that minute: what is said of it is to be of now.
 */
export const backoffMs = (intervalMs: number, failures: number, askedMs = 0): number =>
  Math.max(intervalMs, Math.min(maxBackoffMs, Math.max(askedMs, intervalMs * 2 ** Math.min(failures - 1, 20))))

/** The first tick after now, of those at a fixed rate from an offset. Ticks that a long pass missed are left out. */
export const nextTickMs = (offsetMs: number, intervalMs: number, nowMs: number): number =>
  nowMs < offsetMs ? offsetMs : offsetMs + (Math.floor((nowMs - offsetMs) / intervalMs) + 1) * intervalMs

/** When the last pass of a polled service began, while it goes on, or ended. */
export interface Beat {
  readonly isPassing: boolean
  readonly since: number
}

/** A busy process may be late by so much, and mean nothing by it. */
const graceMs = 60_000

/** Whether a service should have had a pass by now, or come to the end of the one that goes on. */
export const isOverdue = (
  { isPassing, since }: Beat,
  { intervalMs, maxPassMs }: { readonly intervalMs: number; readonly maxPassMs: number },
  nowMs: number
): boolean => nowMs - since > (isPassing ? maxPassMs : Math.max(intervalMs, maxBackoffMs)) + graceMs
