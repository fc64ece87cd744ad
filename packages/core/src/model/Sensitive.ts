/** Which parts of a value must not be written or shown, by the Schema that the value is encoded under. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import type { Params } from "./Command.ts"

/** What is written and shown in the place of a sensitive value. */
export const redacted = "[redacted]"

const sensitiveId = Symbol.for("@mithrandir/core/sensitive")

/**
 * Marks a Schema: its values are kept in memory only, and "[redacted]" stands for them wherever they would be written
 * or shown. Whatever is made of a marked Schema later (extended, picked from, made partial, its type side alone) goes
 * on hiding what came from it. Mark the values of a record, not its keys.
 */
export const sensitive = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A, I, R> =>
  // A value of its own, so that two marks are told apart.
  Schema.make(marked(schema.ast, { [sensitiveId]: { sensitive: true } }))

/**
 * A Schema with a mark on it and on every part of it: what combines Schemas takes them apart, and keeps the annotations
 * of the parts, but not those of the whole.
 */
const marked = (schema: AST.AST, mark: AST.Annotations): AST.AST => {
  const known = new Map<AST.AST, AST.AST>()
  const of = (ast: AST.AST): AST.AST => {
    const copy = known.get(ast) ?? copied(ast)
    known.set(ast, copy)
    return copy
  }
  const typed = ({ annotations, type }: AST.Type) => new AST.Type(of(type), annotations)
  const copied = (ast: AST.AST): AST.AST => {
    const surrogate = Option.getOrUndefined(AST.getSurrogateAnnotation(ast))
    const annotations = {
      ...ast.annotations,
      ...(surrogate === undefined ? {} : { [AST.SurrogateAnnotationId]: of(surrogate) }),
      ...mark
    }
    switch (ast._tag) {
      case "Declaration":
        return new AST.Declaration(ast.typeParameters.map(of), ast.decodeUnknown, ast.encodeUnknown, annotations)
      case "TypeLiteral":
        return new AST.TypeLiteral(
          ast.propertySignatures.map(
            (it) => new AST.PropertySignature(it.name, of(it.type), it.isOptional, it.isReadonly, it.annotations)
          ),
          ast.indexSignatures.map((it) => new AST.IndexSignature(of(it.parameter), of(it.type), it.isReadonly)),
          annotations
        )
      case "TupleType":
        return new AST.TupleType(
          ast.elements.map((it) => new AST.OptionalType(of(it.type), it.isOptional, it.annotations)),
          ast.rest.map(typed),
          ast.isReadonly,
          annotations
        )
      case "Union":
        return AST.Union.make(ast.types.map(of), annotations)
      case "Suspend":
        return new AST.Suspend(() => of(ast.f()), annotations)
      case "Refinement":
        return new AST.Refinement(of(ast.from), ast.filter, annotations)
      case "Transformation":
        return new AST.Transformation(of(ast.from), of(ast.to), ast.transformation, annotations)
      case "Literal":
      case "Enums":
        // As a mere literal it would be taken up into a template, or for the key of a record, and its mark be lost: what
        // does that refuses a refinement.
        return new AST.Refinement(AST.annotations(ast, mark), () => Option.none(), annotations)
      default:
        return AST.annotations(ast, mark)
    }
  }
  return of(schema)
}

/** A secret text that is not empty: encoded a string, for handlers an Effect `Redacted`, which prints nothing of it. */
export const Secret = sensitive(Schema.Redacted(Schema.NonEmptyString))

/** Params without their sensitive values. */
export interface Concealed {
  readonly params: Params
  /** Whether there was any. */
  readonly isSensitive: boolean
  /** Whether one of them was the text that stands for one: it was copied from a record, and is none. */
  readonly isCopied: boolean
}

/**
 * Encoded params with `stand` in the place of every sensitive value; the rest as it was. What is there depends on the
 * Schema and on the keys, never on the values, and where the two do not fit each other a value counts as sensitive:
 *
 * 1. A value is replaced if it stands where any member of a union is marked, whichever member it is a value of.
 * 2. A value is replaced where the Schema has no place for it, beside places that are marked.
 * 3. What a transformation reads is replaced whole if it yields something marked and does not say out of what.
 * 4. A `Schema.Redacted` is sensitive without being marked.
 */
export const conceal = (
  schema: Pick<Schema.Schema.AnyNoContext, "ast">,
  params: Params,
  stand: string = redacted
): Concealed => {
  let isSensitive = false
  let isCopied = false
  const replace = (value: unknown) => {
    isSensitive = true
    if (value === redacted) isCopied = true
    return stand
  }
  const visible = walk([schema.ast], params, replace)
  // Hidden whole, keys included; and params stay a record.
  return { params: isRecord(visible) ? visible : { [stand]: stand }, isSensitive, isCopied }
}

/** Why it cannot be told what of a Schema is sensitive: it is suspended, and cannot be built. Absent: it can. */
export const flaw = (schema: Pick<Schema.Schema.AnyNoContext, "ast">): string | undefined =>
  Either.getOrUndefined(Either.flip(Either.try({ try: () => marks(schema.ast), catch: (error) => String(error) })))

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What a value is to be read by: the plain forms it may have, or that it is sensitive whatever it is. */
type Forms = ReadonlyArray<AST.AST> | "sensitive"

const walk = (alternatives: ReadonlyArray<AST.AST>, value: unknown, replace: (value: unknown) => string): unknown => {
  const forms = formsOf(alternatives)
  if (forms === "sensitive") return replace(value)
  if (forms.every((form) => marks(form).size === 0)) return value
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => inside(elementsAt(forms, index), item, replace))
  }
  if (isRecord(value)) {
    if (!forms.some((form) => AST.isTypeLiteral(form) || isAnything(form))) return replace(value)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, inside(propertiesAt(forms, key), item, replace)])
    )
  }
  // A text or a number that only marked records and lists were expected in the place of.
  return forms.every((form) => AST.isTypeLiteral(form) || AST.isTupleType(form)) ? replace(value) : value
}

const inside = (alternatives: ReadonlyArray<AST.AST>, value: unknown, replace: (value: unknown) => string): unknown =>
  alternatives.length === 0 ? replace(value) : walk(alternatives, value, replace)

const isAnything = (ast: AST.AST): boolean =>
  AST.isUnknownKeyword(ast) || AST.isAnyKeyword(ast) || AST.isObjectKeyword(ast)

/** How the alternatives encode: unions, refinements, suspensions and transformations taken apart. */
const formsOf = (alternatives: ReadonlyArray<AST.AST>): Forms => {
  const forms = new Set<AST.AST>()
  const seen = new Set<AST.AST>()
  const left = [...alternatives]
  for (let ast = left.pop(); ast !== undefined; ast = left.pop()) {
    if (seen.has(ast)) continue
    seen.add(ast)
    if (isMarked(ast)) return "sensitive"
    if (AST.isUnion(ast)) left.push(...ast.types)
    else if (AST.isRefinement(ast)) left.push(ast.from)
    else if (AST.isSuspend(ast)) left.push(ast.f())
    else if (AST.isTransformation(ast)) {
      // A class is encoded as the fields it was declared with.
      const fields = AST.getSurrogateAnnotation(ast)
      if (Option.isNone(fields) && yieldsMore(ast)) return "sensitive"
      left.push(Option.getOrElse(fields, () => ast.from))
    } else if (AST.isTypeLiteral(ast)) {
      // Keys cannot be replaced one by one.
      if (ast.indexSignatures.some(({ parameter }) => marks(parameter).size > 0)) return "sensitive"
      forms.add(ast)
    } else {
      if (!AST.isTupleType(ast) && marks(ast).size > 0) return "sensitive"
      forms.add(ast)
    }
  }
  return Array.from(forms)
}

const elementsAt = (forms: ReadonlyArray<AST.AST>, index: number): ReadonlyArray<AST.AST> =>
  forms.flatMap((form) => {
    if (isAnything(form)) return [form]
    if (!AST.isTupleType(form)) return []
    const element = form.elements[index]
    // What follows a rest shifts with the length: any of the rest may stand here.
    return element === undefined ? form.rest.map(({ type }) => type) : [element.type]
  })

const propertiesAt = (forms: ReadonlyArray<AST.AST>, key: string): ReadonlyArray<AST.AST> =>
  forms.flatMap((form) => {
    if (isAnything(form)) return [form]
    if (!AST.isTypeLiteral(form)) return []
    const property = form.propertySignatures.find(({ name }) => name === key)
    return [...(property === undefined ? [] : [property.type]), ...form.indexSignatures.map(({ type }) => type)]
  })

/** Whether what it decodes to is marked where what it decodes from is not. */
const yieldsMore = ({ from, to, transformation }: AST.Transformation): boolean => {
  if (AST.isTypeLiteralTransformation(transformation) && AST.isTypeLiteral(from) && AST.isTypeLiteral(to)) {
    const renamed = new Map(transformation.propertySignatureTransformations.map((it) => [it.to, it.from]))
    return to.propertySignatures.some(({ name, type }) => {
      const source = renamed.get(name) ?? name
      const origin = from.propertySignatures.find((property) => property.name === source)
      return !isCovered(type, origin?.type)
    })
  }
  // A Chunk, a Map, an Option: made of what it is encoded as. Any other may have mixed what it read.
  return AST.isDeclaration(to) ? !isCovered(to, from) : marks(to).size > 0
}

/** Whether whatever is marked in one Schema is so in another. */
const isCovered = (ast: AST.AST, by: AST.AST | undefined): boolean => {
  const covered = by === undefined ? new Set() : marks(by)
  return Array.from(marks(ast)).every((mark) => covered.has(mark))
}

const isMarked = (ast: AST.AST): boolean => ast.annotations[sensitiveId] !== undefined || isRedacted(ast)

const isRedacted = (ast: AST.AST): boolean =>
  Option.exists(AST.getTypeConstructorAnnotation(ast), ({ _tag }) => _tag === "effect/Redacted")

/**
 * Parts of a Schema that are looked at for marks. A recursive one goes on for ever on its decoded side; it repeats
 * itself long before this.
 */
const maxParts = 10_000

const known = new WeakMap<AST.AST, ReadonlySet<unknown>>()

/** The marks anywhere in a Schema, encoded side and decoded side. */
const marks = (ast: AST.AST): ReadonlySet<unknown> => {
  const before = known.get(ast)
  if (before !== undefined) return before
  const found = new Set<unknown>()
  const seen = new Set([ast])
  // The set grows while it is walked, breadth first.
  for (const part of seen) {
    if (part.annotations[sensitiveId] !== undefined) found.add(part.annotations[sensitiveId])
    if (isRedacted(part)) found.add(part)
    if (seen.size > maxParts) break
    for (const child of childrenOf(part)) seen.add(child)
  }
  known.set(ast, found)
  return found
}

const childrenOf = (ast: AST.AST): ReadonlyArray<AST.AST> => {
  switch (ast._tag) {
    case "Declaration":
      return ast.typeParameters
    case "TemplateLiteral":
      return ast.spans.map(({ type }) => type)
    case "TypeLiteral":
      return [
        ...ast.propertySignatures.map(({ type }) => type),
        ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])
      ]
    case "TupleType":
      return [...ast.elements.map(({ type }) => type), ...ast.rest.map(({ type }) => type)]
    case "Union":
      return ast.types
    case "Suspend":
      return [ast.f()]
    case "Refinement":
      return [ast.from]
    case "Transformation":
      return [ast.from, ast.to]
    default:
      return []
  }
}
