/** What both reports do with figures. */

/** The one in the middle. */
export const median = (all: ReadonlyArray<number>): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

/** As people read it. */
export const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3)

/** How far it is. */
export const say = (text: string): void => console.error(text)
