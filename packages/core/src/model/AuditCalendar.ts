/**
 * How many entries of the audit there were in each hour: it says how many there are between two moments, and in which
 * hour the entry at some place is, in steps that do not grow with how many there are. Moments are texts as the database
 * has them: the first ten characters are their day, the first thirteen their hour.
 */

import type { Range } from "./Range.ts"

const dayLength = "2026-01-31".length
const hourLength = "2026-01-31 12".length

/** A range as whole hours, and what it takes of the hours before and after them, where it takes a part. */
export interface Split {
  readonly head?: Required<Range>
  readonly tail?: Required<Range>
  /** The first of the whole hours; nothing: from the very first on. */
  readonly first?: string
  /** The hour after the last of them; nothing: to the very last. */
  readonly last?: string
}

/** How many entries there are in the parts, which somebody has to count. */
export interface Parts {
  readonly head: number
  readonly tail: number
}

/** A place among entries in their order. */
export interface Place {
  /** What is not before this moment is passed over, where they descend; what is before it, where they ascend. */
  readonly bound?: string
  /** And so many of what is left. */
  readonly skip: number
}

const hourOf = (moment: string): string => moment.slice(0, hourLength)

/** Sorts after every moment of an hour, and before every other. */
const after = (hour: string): string => `${hour};`

/** Whether an hour begins with it: as bounds on a whole second are written. */
const isWhole = (moment: string): boolean => moment.slice(hourLength) === ":00:00"

/** What there is to a range. */
export const split = ({ from, to }: Range): Split => {
  if (from !== undefined && to !== undefined && from >= to) return { first: "", last: "" }
  const hasHead = from !== undefined && !isWhole(from)
  const hasTail = to !== undefined && !isWhole(to)
  if (hasHead && to !== undefined && hourOf(from) === hourOf(to)) {
    return { head: { from, to }, first: after(hourOf(from)), last: hourOf(to) }
  }
  return {
    ...(hasHead ? { head: { from, to: after(hourOf(from)) } } : {}),
    ...(hasTail ? { tail: { from: hourOf(to), to } } : {}),
    ...(from === undefined ? {} : { first: hasHead ? after(hourOf(from)) : hourOf(from) }),
    ...(to === undefined ? {} : { last: hourOf(to) })
  }
}

/** The hours of a day that have entries, in their order, without the day: a year of them takes some 100 KiB. */
interface Day {
  readonly name: string
  readonly hours: Array<string>
  readonly counts: Array<number>
  count: number
}

export class AuditCalendar {
  /** In their order. */
  readonly #days: Array<Day> = []

  /** Counts entries of one hour, or of a moment in it. */
  add(moment: string, count = 1): void {
    const name = moment.slice(0, dayLength)
    const at = this.#search(name)
    let day = this.#days[at]
    if (day?.name !== name) {
      day = { name, hours: [], counts: [], count: 0 }
      this.#days.splice(at, 0, day)
    }
    const { counts, hours } = day
    const hour = moment.slice(dayLength, hourLength)
    // Nearly always the last.
    let index = hours.length
    while (index > 0 && (hours[index - 1] ?? "") >= hour) index--
    if (hours[index] !== hour) {
      hours.splice(index, 0, hour)
      counts.splice(index, 0, 0)
    }
    counts[index] = (counts[index] ?? 0) + count
    day.count += count
  }

  /** How many entries there are in a range. */
  count(split: Split, parts: Parts): number {
    let count = parts.head + parts.tail
    for (const { inside } of this.#stretches(split)) count += inside
    return count
  }

  /** Where the entry is that comes after so many of a range: fewer than there are. */
  seek(split: Split, parts: Parts, offset: number, order: "asc" | "desc"): Place {
    const isAscending = order === "asc"
    const near = isAscending ? parts.head : parts.tail
    if (offset < near) return { skip: offset }
    let skip = offset - near
    const stretches = this.#stretches(split)
    for (const { day, inside } of isAscending ? stretches : stretches.reverse()) {
      if (inside <= skip) skip -= inside
      else {
        const hours = hoursOf(day).filter(([hour]) => isWithin(hour, split))
        for (const [hour, count] of isAscending ? hours : hours.reverse()) {
          if (count > skip) return { bound: isAscending ? hour : after(hour), skip }
          skip -= count
        }
      }
    }
    const bound = isAscending ? split.tail?.from : split.head?.to
    return { ...(bound === undefined ? {} : { bound }), skip }
  }

  /** The days that have something of the whole hours, and how many entries. */
  #stretches({ first, last }: Split): Array<{ readonly day: Day; readonly inside: number }> {
    const from = first === undefined ? 0 : this.#search(first.slice(0, dayLength))
    const to = last === undefined ? this.#days.length : this.#search(after(last.slice(0, dayLength)))
    return this.#days.slice(from, to).map((day) => {
      const isWholly =
        (first === undefined || day.name > first.slice(0, dayLength)) &&
        (last === undefined || day.name < last.slice(0, dayLength))
      if (isWholly) return { day, inside: day.count }
      let inside = 0
      for (const [hour, count] of hoursOf(day)) if (isWithin(hour, { first, last })) inside += count
      return { day, inside }
    })
  }

  /** Where a day is, or would be. */
  #search(name: string): number {
    let low = 0
    let high = this.#days.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#days[middle]?.name ?? "") < name) low = middle + 1
      else high = middle
    }
    return low
  }
}

const hoursOf = ({ counts, hours, name }: Day) =>
  hours.map((hour, index) => [`${name}${hour}`, counts[index] ?? 0] as const)

const isWithin = (
  hour: string,
  { first, last }: { readonly first?: string | undefined; readonly last?: string | undefined }
) => (first === undefined || hour >= first) && (last === undefined || hour < last)
