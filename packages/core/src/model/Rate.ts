/**
 * How often something may happen: so often at once, and then again as time goes by. The generic cell rate algorithm
 * (ITU-T I.371, annex A) as a virtual schedule: one number is all that is kept of whoever is limited.
 *
 * Invariants, each a property in the tests:
 * 1. At rest, exactly `times` are let through at once.
 * 2. In any stretch of time, at most `times` and one for each `per / times` of it are let through.
 * 3. Who is refused and comes back after `retryAfterMs` is let through; a refusal changes nothing.
 * 4. A clock that is set back refuses nobody for longer than `per`.
 */

/** At most so many times at once, and so many more in each stretch of `perMs` milliseconds. Whole, and at least 1. */
export interface Rate {
  readonly times: number
  readonly perMs: number
}

/**
 * When the next one would be due were they evenly spread; undefined: nothing happened so far. In milliseconds times
 * `times`, of which the even share is whole: a sum of fractions would soon let one too few through. Exact for clocks
 * of this century up to 2,000 times; beyond that it may miss by a few in a thousand.
 */
export type Due = number | undefined

/** Let through, or not: then after how many milliseconds it would be. */
export type Turn =
  | { readonly _tag: "Taken"; readonly due: number }
  | { readonly _tag: "Refused"; readonly retryAfterMs: number }

/** Takes a turn at a moment, in whole milliseconds. */
export const take = ({ perMs, times }: Rate, due: Due, now: number): Turn => {
  const [rest, full] = [now * times, (now + perMs) * times]
  // What a clock that ran ahead has left behind is no debt.
  const from = due === undefined || due < rest || due > full ? rest : due
  const wait = from + perMs - full
  return wait > 0 ? { _tag: "Refused", retryAfterMs: Math.ceil(wait / times) } : { _tag: "Taken", due: from + perMs }
}

/** Whether nothing is owed any more, so that it need not be kept. */
export const isAtRest = ({ times }: Rate, due: number, now: number): boolean => due <= now * times
