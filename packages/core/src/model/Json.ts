/** What is JSON and what only looks like it: a Map that would be written as `{}`, a Date as a text, NaN as null. */
import * as Either from "effect/Either"

/** Where a value is no JSON, and why not. It quotes none of it. */
export interface Flaw {
  readonly path: ReadonlyArray<string | number>
  readonly problem: string
}

/**
 * A copy of a value, made of nothing but JSON, nested so deep at most. A property that is undefined is left out, as it
 * would be in JSON; whatever else would change by being written is a flaw.
 */
export const plain = (value: unknown, maxDepth: number, path: Flaw["path"] = []): Either.Either<unknown, Flaw> => {
  const refuse = (problem: string) => Either.left({ path, problem })
  if (value === null || typeof value === "string" || typeof value === "boolean") return Either.right(value)
  if (typeof value === "number") return Number.isFinite(value) ? Either.right(value) : refuse("is no number of JSON")
  if (typeof value !== "object" || !(Array.isArray(value) || isRecord(value))) return refuse("is no JSON")
  if (path.length >= maxDepth) return refuse(`is nested deeper than ${maxDepth}`)
  if (Array.isArray(value)) {
    const items: Array<unknown> = []
    for (let index = 0; index < value.length; index++) {
      const item = plain(value[index], maxDepth, [...path, index])
      if (Either.isLeft(item)) return item
      items.push(item.right)
    }
    return Either.right(items)
  }
  const entries: Array<[string, unknown]> = []
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    // As a key it would vanish from every copy of its object: checked, and then lost before it is recorded.
    if (key === "__proto__") return Either.left({ path: [...path, key], problem: "is no key that can be kept" })
    const copied = plain(item, maxDepth, [...path, key])
    if (Either.isLeft(copied)) return copied
    entries.push([key, copied.right])
  }
  return Either.right(Object.fromEntries(entries))
}

const isRecord = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
