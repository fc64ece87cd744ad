/** What fields of the config are made of. */
import type * as Arr from "effect/Array"
import * as Schema from "effect/Schema"

/** What JSON Schema says of a text, in its words; the filter says the same. */
const textRule = { minLength: 1, maxLength: 256, pattern: "^\\S([\\s\\S]*\\S)?$" }

/** A word or a few: a name, or what is looked up by one. */
export const Text = Schema.String.pipe(
  Schema.filter((text) => text !== "" && text.trim() === text && Array.from(text).length <= textRule.maxLength, {
    jsonSchema: textRule
  })
).annotations({ description: "a text of 1 to 256 characters that neither begins nor ends with a space" })

/** What editors tell of a key. `default` is what holds where it is left out. */
type About<A> = {
  readonly description: string
  readonly default?: A
  readonly examples?: Arr.NonEmptyReadonlyArray<A>
}

/** A key that has to be there. */
export const required = <A, I>(schema: Schema.Schema<A, I>, about: About<A>) =>
  Schema.propertySignature(schema).annotations(about)

/** A key that may be left out. */
export const optional = <A, I>(schema: Schema.Schema<A, I>, about: About<A>) =>
  Schema.optionalWith(schema, { exact: true }).annotations(about)
