/** What is asked of the record: pages of fifty, all different. */
import { actionTypes, actors, days, makeDice, momentAt, queues } from "./Record.ts"

const day = (dice: (bound: number) => number) => momentAt(dice(days - 31) / days).slice(0, 10)

/** A month, in whole days. */
const month = (dice: (bound: number) => number) => {
  const from = dice(days - 31)
  return `startDate=${momentAt(from / days).slice(0, 10)}&endDate=${momentAt((from + 30) / days).slice(0, 10)}`
}

const of = (names: ReadonlyArray<string>, dice: (bound: number) => number) => names[dice(names.length)] ?? ""

/** With one filter at most, in the order of time. */
const simple: ReadonlyArray<(dice: (bound: number) => number) => string> = [
  (dice) => `endDate=${day(dice)}`,
  (dice) => month(dice),
  (dice) => `actionType=${of(actionTypes, dice)}&${month(dice)}`,
  (dice) => `actor=${of(actors, dice)}&endDate=${day(dice)}`,
  (dice) => `actor=${of(actors, dice)}`,
  (dice) => `target=${of(queues, dice)}`,
  (dice) => `target=job-${dice(1_000_000)}`,
  (dice) => `outcome=failure&startDate=${day(dice)}&sortOrder=asc`
]

/** As people ask: mostly for what is near the beginning. */
export const mixed = (count: number, seed: number): ReadonlyArray<string> =>
  distinct(count, seed, (dice, index) => `${simple[index % simple.length]?.(dice)}&page=${1 + dice(20)}`)

/** Wherever in the record, too: `deep` pages of those that have as many. */
export const flat = (count: number, seed: number, size: number): ReadonlyArray<string> => {
  const pages = size / 50
  return distinct(count, seed, (dice, index) => {
    if (index % 4 === 0) return `page=${1 + dice(pages)}`
    if (index % 4 === 1) return `actor=${of(actors, dice)}&page=${1 + dice(pages / actors.length)}`
    return `${simple[index % simple.length]?.(dice)}&page=1`
  })
}

const distinct = (count: number, seed: number, next: (dice: (bound: number) => number, index: number) => string) => {
  const dice = makeDice(seed)
  const found = new Set<string>()
  for (let index = 0; found.size < count && index < count * 20; index++) found.add(next(dice, index))
  return [...found].map((query) => `${query}&limit=50`)
}
