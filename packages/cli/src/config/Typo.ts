/** Whether a word is another one, typed wrongly. */

/** A slip in a short word easily is another word. */
const shortWord = 4

/** How many slips still look like the same word. `word` is what tells it from others. */
export const patience = (word: string): number => (word.length <= shortWord ? 1 : 2)

/** Whether at most so many slips lead from one to the other: a letter too many, too few, another, two in turn. */
export const isWithin = (one: string, other: string, slips: number): boolean =>
  Math.abs(one.length - other.length) <= slips && distance(one, other) <= slips

const distance = (one: string, other: string): number => {
  let twoAgo: ReadonlyArray<number> = []
  let before: ReadonlyArray<number> = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const cost = one[i - 1] === other[j - 1] ? 0 : 1
      const inTurn = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      row.push(
        Math.min(
          at(before, j) + 1,
          at(row, j - 1) + 1,
          at(before, j - 1) + cost,
          inTurn ? at(twoAgo, j - 2) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    twoAgo = before
    before = row
  }
  return at(before, other.length)
}

const at = (row: ReadonlyArray<number>, index: number): number => row[index] ?? Number.POSITIVE_INFINITY
