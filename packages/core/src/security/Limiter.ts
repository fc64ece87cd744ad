/** Rates by key, in memory: of an actor, of an address. Plain and synchronous, as the gate is. */
import * as Rate from "../model/Rate.ts"

/**
 * Whoever is limited beyond these is forgotten, the longest known first: an attacker with many addresses is to use up
 * no memory. A key and a number are some 100 bytes.
 */
const maxKeys = 10_000

/** Counts for each key by itself. */
export interface Limiter {
  /** Takes a turn: undefined if there was one, else after how many milliseconds there is. */
  readonly take: (key: string, now: number) => number | undefined
}

/** One limiter, at rest. */
export const make = (rate: Rate.Rate): Limiter => {
  const dues = new Map<string, number>()
  return {
    take: (key, now) => {
      const turn = Rate.take(rate, dues.get(key), now)
      if (turn._tag === "Refused") return turn.retryAfterMs
      // The newest last, so that the first is the one that was heard of longest ago.
      dues.delete(key)
      dues.set(key, turn.due)
      for (const [oldest, due] of dues) {
        if (dues.size <= maxKeys && !Rate.isAtRest(rate, due, now)) break
        dues.delete(oldest)
      }
      return undefined
    }
  }
}
