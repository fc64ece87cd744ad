/** When the next pass is due. */

/** A service that fails is asked ever more rarely, but never more rarely than this. */
export const maxBackoffMs = 60_000

/** How long to wait after so many failures in a row: twice as long after each, from the interval to a minute. */
export const backoffMs = (intervalMs: number, failures: number): number =>
  Math.max(intervalMs, Math.min(maxBackoffMs, intervalMs * 2 ** Math.min(failures - 1, 20)))

/** The first tick after now, of those at a fixed rate from an offset. Ticks that a long pass missed are left out. */
export const nextTickMs = (offsetMs: number, intervalMs: number, nowMs: number): number =>
  nowMs < offsetMs ? offsetMs : offsetMs + (Math.floor((nowMs - offsetMs) / intervalMs) + 1) * intervalMs
