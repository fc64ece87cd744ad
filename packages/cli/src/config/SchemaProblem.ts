/**
 * What is wrong with a value, a line each for the person who wrote it: where, and what would fit. Never the value
 * itself: it may be a secret, or stand where a secret should.
 */
import * as Arr from "effect/Array"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"

/** One thing that is wrong. */
export interface Problem {
  /** `services[0].url`; empty where the whole is meant. */
  readonly path: string
  readonly problem: string
}

/** The first thing that is wrong. */
export const firstProblem = (issue: ParseResult.ParseIssue): Problem => Arr.headNonEmpty(allProblems(issue))

/** Everything that is wrong, as far as it was looked for: only decoding with `errors: "all"` goes on after the first. */
export const allProblems = (issue: ParseResult.ParseIssue): Arr.NonEmptyReadonlyArray<Problem> =>
  walk(issue, { path: "", expected: undefined, keys: [] })

interface Place {
  readonly path: string
  /** What the outermost schema at this path says of itself. */
  readonly expected: string | undefined
  /** The keys that are known at this path. */
  readonly keys: ReadonlyArray<string>
}

const walk = (issue: ParseResult.ParseIssue, at: Place): Arr.NonEmptyReadonlyArray<Problem> => {
  switch (issue._tag) {
    case "Pointer":
      return walk(issue.issue, { ...at, path: append(at.path, issue.path), expected: undefined })
    case "Missing":
      return [{ path: at.path, problem: `is missing; ${expected(describe(issue.ast.type) ?? shape(issue.ast.type))}` }]
    case "Unexpected":
      return [{ path: at.path, problem: `is not known here; known: ${at.keys.join(", ")}` }]
    case "Composite": {
      const place = enter(issue.ast, at)
      if (place.expected !== undefined) return [leaf(place, issue.ast)]
      const issues = list(issue.issues)
      if (!AST.isUnion(issue.ast)) return Arr.flatMap(issues, (one) => walk(one, place))
      // Which of several plain values was meant cannot be told: name them all. Of objects, what marks them tells it.
      return issue.ast.types.some(AST.isTypeLiteral) ? walk(issues[0], place) : [leaf(place, issue.ast)]
    }
    case "Refinement": {
      if (issue.kind === "Predicate") {
        // A filter's own words are more precise than what its schema says of itself; of the whole, what was meant counts.
        if (saysWhere(issue.issue)) return walk(issue.issue, at)
        const said = issue.issue._tag === "Type" ? issue.issue.message : undefined
        if (said !== undefined && at.expected === undefined) return [{ path: at.path, problem: expected(said) }]
      }
      const place = enter(issue.ast, at)
      // Half a struct that failed is described by the part that failed.
      return issue.kind === "From" ? walk(issue.issue, place) : [leaf(place, issue.ast)]
    }
    case "Transformation":
      return walk(issue.issue, enter(issue.ast, at))
    case "Type":
      return [leaf({ ...at, expected: at.expected ?? issue.message ?? describe(issue.ast) }, issue.ast)]
    case "Forbidden":
      return [leaf(at, issue.ast)]
  }
}

const enter = (ast: AST.AST, at: Place): Place => ({
  path: at.path,
  expected: at.expected ?? describe(ast),
  keys: AST.isTypeLiteral(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : at.keys
})

const leaf = (at: Place, ast: AST.AST): Problem => ({
  path: at.path,
  problem: expected(at.expected ?? shape(ast))
})

const expected = (what: string) => what.replace(/^(?!expected )/, "expected ")

/** A schema's own words: its message, where it is fixed, else its description. */
const describe = (ast: AST.AST): string | undefined => {
  const own = ast.annotations
  const fixed = own[AST.MessageAnnotationId]
  const message: unknown = typeof fixed === "function" && fixed.length === 0 ? fixed() : undefined
  if (typeof message === "string") return message
  const description = own[AST.DescriptionAnnotationId]
  return typeof description === "string" ? description : undefined
}

/** What may be chosen, in words: `"table" or "json"`, `"table", "json" or "csv"`. */
export const choice = (texts: ReadonlyArray<string>): string => {
  const quoted = texts.map((text) => `"${text}"`)
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`
}

/** The words for what has none of its own. */
const shape = (ast: AST.AST): string => {
  switch (ast._tag) {
    case "TypeLiteral":
      return "an object"
    case "TupleType":
      return "a list"
    case "Refinement":
    case "Transformation":
      return shape(ast.from)
    case "Union":
      if (ast.types.every(AST.isTypeLiteral)) return "an object"
      return ast.types.every(AST.isLiteral)
        ? choice(ast.types.map((type) => (AST.isLiteral(type) ? String(type.literal) : "")))
        : String(ast).replaceAll(" | ", " or ")
    default:
      return String(ast)
  }
}

const saysWhere = (issue: ParseResult.ParseIssue): boolean => issue._tag === "Pointer" || issue._tag === "Composite"

const list = (
  issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>
): Arr.NonEmptyReadonlyArray<ParseResult.ParseIssue> => (isList(issues) ? issues : [issues])

const isList = (
  issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>
): issues is Arr.NonEmptyReadonlyArray<ParseResult.ParseIssue> => Array.isArray(issues)

const append = (path: string, added: ParseResult.Path): string => {
  const keys: ReadonlyArray<PropertyKey> = typeof added === "object" ? added : [added]
  return keys.reduce<string>((before, key) => {
    if (typeof key === "number") return `${before}[${key}]`
    return before === "" ? String(key) : `${before}.${String(key)}`
  }, path)
}
