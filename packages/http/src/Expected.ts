/** What is said of a value that does not fit: what would. */
import type * as Schema from "effect/Schema"

/** Says all that would fit, once, where the framework has a line for each. */
export const oneOf = <A extends string>(
  schema: Schema.Schema<A> & { readonly literals: ReadonlyArray<A> }
): Schema.Schema<A> =>
  schema.annotations({
    message: () => ({ message: `expected one of: ${schema.literals.join(", ")}`, override: true })
  })

/** Of a body that is something else: the framework would print its type. What is wrong within speaks for itself. */
export const anObject = (): string => "expected an object"
