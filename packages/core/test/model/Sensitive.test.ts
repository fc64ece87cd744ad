import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import type { Params } from "../../src/model/Command.ts"
import { conceal, flaw, redacted, Secret, sensitive } from "../../src/model/Sensitive.ts"

/** A Schema, a value that fits it, and what is to be left of it. Every secret begins with `hush-`. */
interface Case {
  readonly schema: Schema.Schema<unknown, unknown>
  readonly value: unknown
  readonly visible: unknown
}

/** Generated Schemas are of any type; nothing here looks at what they decode to. */
const of = <A, I>(schema: Schema.Schema<A, I>, value: unknown, visible: unknown): Case => ({
  schema: schema as unknown as Case["schema"],
  value,
  visible
})

const hasSecret = ({ value, visible }: Case) => JSON.stringify(value) !== JSON.stringify(visible)
const secret = fc.nat().map((n) => `hush-${n}`)

const plain: fc.Arbitrary<Case> = fc.oneof(
  fc.string().map((text) => of(Schema.String, text, text)),
  fc.integer().map((n) => of(Schema.Int, n, n)),
  fc.integer().map((n) => of(Schema.NumberFromString, String(n), String(n))),
  fc.constant(of(Schema.Literal("a", "b"), "a", "a")),
  fc.jsonValue().map((json) => of(Schema.Unknown, json, json))
)

const hidden: fc.Arbitrary<Case> = fc.oneof(
  secret.map((text) => of(sensitive(Schema.String), text, redacted)),
  secret.map((text) => of(Secret, text, redacted)),
  secret.map((text) => of(Schema.Redacted(Schema.String), text, redacted)),
  secret.map((text) => of(sensitive(Schema.Array(Schema.String)), [text, text], redacted)),
  secret.map((text) => of(sensitive(Schema.Struct({ pin: Schema.String })), { pin: text }, redacted)),
  secret.map((text) => of(sensitive(Schema.Unknown), { deep: [{ pin: text }] }, redacted)),
  // Only what it decodes to is marked.
  secret.map((text) =>
    of(
      Schema.transform(Schema.String, Schema.RedactedFromSelf(Schema.String), {
        strict: true,
        decode: (value) => Redacted.make(value),
        encode: Redacted.value
      }),
      text,
      redacted
    )
  ),
  secret.map((pin) =>
    of(Schema.parseJson(Schema.Struct({ pin: sensitive(Schema.String) })), JSON.stringify({ pin }), redacted)
  ),
  secret.map((pin) => of(Schema.TemplateLiteral("pin-", sensitive(Schema.String)), `pin-${pin}`, redacted))
)

const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "0"), { maxLength: 5 })

type Presence = "required" | "optional" | "absent" | "default" | "renamed" | "maybe"
const presence = fc.constantFrom<Presence>("required", "optional", "absent", "default", "renamed", "maybe")

const fieldOf = (how: Presence, key: string, { schema, value }: Case) => {
  switch (how) {
    case "required":
      return schema
    case "renamed":
      return Schema.propertySignature(schema).pipe(Schema.fromKey(`${key}_1`))
    case "default":
      return Schema.optionalWith(schema, { default: () => value })
    case "maybe":
      return Schema.optionalWith(schema, { as: "Option" })
    default:
      return Schema.optionalWith(schema, { exact: true })
  }
}

const structOf = (fields: ReadonlyArray<readonly [string, Presence, Case]>, asClass: boolean): Case => {
  const shape = Object.fromEntries(fields.map(([key, how, field]) => [key, fieldOf(how, key, field)]))
  const there = fields.filter(([, how]) => how !== "absent")
  const entries = (side: "value" | "visible") =>
    Object.fromEntries(there.map(([key, how, field]) => [how === "renamed" ? `${key}_1` : key, field[side]]))
  const schema = asClass ? class extends Schema.Class<object>("Generated")(shape) {} : Schema.Struct(shape)
  return of(schema as unknown as Case["schema"], entries("value"), entries("visible"))
}

const { anything, struct } = fc.letrec<{ anything: Case; struct: Case }>((tie) => ({
  anything: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.oneof(plain, hidden),
    tie("struct"),
    tie("anything").map(({ schema, value, visible }) => of(Schema.Array(schema), [value, value], [visible, visible])),
    tie("anything").map(({ schema, value, visible }) => of(Schema.Chunk(schema), [value], [visible])),
    tie("anything").map(({ schema, value, visible }) => of(Schema.NullOr(schema), value, visible)),
    tie("anything").map(({ schema, value, visible }) =>
      of(
        Schema.suspend(() => schema),
        value,
        visible
      )
    ),
    tie("anything").map(({ schema, value, visible }) => of(schema.pipe(Schema.filter(() => true)), value, visible)),
    tie("anything").map(({ schema, value, visible }) =>
      of(
        Schema.Record({ key: Schema.String, value: schema }),
        { x: value, y: value, __proto: value },
        { x: visible, y: visible, __proto: visible }
      )
    ),
    fc
      .tuple(tie("anything"), tie("anything"))
      .map(([one, other]) =>
        of(
          Schema.Tuple([one.schema], other.schema),
          [one.value, other.value, other.value],
          [one.visible, other.visible, other.visible]
        )
      )
  ),
  struct: fc
    .tuple(keys, fc.boolean())
    .chain(([names, asClass]) =>
      fc
        .tuple(...names.map((name) => fc.tuple(fc.constant(name), presence, tie("anything"))))
        .map((fields) => structOf(fields, asClass))
    )
}))

const shown = (schema: Case["schema"], value: unknown) => conceal(schema, value as Params)

describe("conceal", () => {
  it("replaces every sensitive value, leaves everything else, and does nothing more when done again", () => {
    let withSecrets = 0
    fc.assert(
      fc.property(struct, (it) => {
        assert.isTrue(Either.isRight(Schema.decodeUnknownEither(it.schema, { onExcessProperty: "error" })(it.value)))
        const once = shown(it.schema, it.value)
        assert.deepStrictEqual(once.params, it.visible)
        assert.notInclude(JSON.stringify(once.params), "hush-")
        assert.strictEqual(once.isSensitive, hasSecret(it))
        assert.isFalse(once.isCopied)
        if (once.isSensitive) withSecrets++
        const twice = shown(it.schema, once.params)
        assert.deepStrictEqual(twice.params, once.params)
        assert.strictEqual(twice.isCopied, once.isSensitive)
      }),
      { numRuns: 500 }
    )
    assert.isAbove(withSecrets, 100)
  })

  it("lets nothing through in a marked place, whatever is there, and is settled after once", () => {
    fc.assert(
      fc.property(anything, fc.dictionary(keys.map(String), fc.jsonValue()), fc.jsonValue(), (it, other, json) => {
        const schema = Schema.Struct({ pin: sensitive(it.schema), other: it.schema })
        const once = conceal(schema, { ...other, other: json, pin: { hush: json } })
        assert.strictEqual(once.params.pin, redacted)
        assert.deepStrictEqual(conceal(schema, once.params).params, once.params)
      })
    )
  })

  it("puts something else in their place where it is told to", () => {
    const schema = Schema.Struct({ user: Schema.String, pin: Secret })
    assert.deepStrictEqual(conceal(schema, { user: "a", pin: "hush" }, "x").params, { user: "a", pin: "x" })
  })

  it("hides what any member of a union would, whichever it is a value of", () => {
    const schema = Schema.Union(
      Schema.Struct({ kind: Schema.Literal("pin"), value: sensitive(Schema.String) }),
      Schema.Struct({ kind: Schema.Literal("note"), value: Schema.String, note: Schema.String })
    )
    assert.deepStrictEqual(conceal(schema, { kind: "pin", value: "hush" }).params, { kind: "pin", value: redacted })
    assert.deepStrictEqual(conceal(schema, { kind: "note", value: "hush", note: "hello" }).params, {
      kind: "note",
      value: redacted,
      note: "hello"
    })
  })

  it("hides what has no place beside what is marked, and shows it where nothing is", () => {
    const marked = Schema.Struct({ pin: sensitive(Schema.String), list: Schema.Array(Secret) })
    assert.deepStrictEqual(conceal(marked, { pni: "hush", list: "hush" }).params, { pni: redacted, list: redacted })
    assert.deepStrictEqual(conceal(Schema.Struct({ a: Schema.String }), { b: "c" }).params, { b: "c" })
  })

  it("hides a record whole whose keys are marked, and stays a record at the top", () => {
    const record = Schema.Record({ key: sensitive(Schema.String), value: Schema.String })
    assert.deepStrictEqual(conceal(Schema.Struct({ record }), { record: { hush: "x" } }).params, { record: redacted })
    for (const schema of [record, sensitive(Schema.Struct({ a: Schema.String }))]) {
      const { isSensitive, params } = conceal(schema, { hush: "x" })
      assert.isTrue(isSensitive)
      assert.deepStrictEqual(params, { [redacted]: redacted })
      assert.deepStrictEqual(conceal(schema, params).params, params)
    }
  })

  it("hides whole what a transformation mixes into something marked", () => {
    const Pair = Schema.Struct({ a: Schema.String, b: Schema.String })
    const swapped = Schema.transform(Pair, Schema.Struct({ a: Schema.String, b: sensitive(Schema.String) }), {
      strict: true,
      decode: ({ a, b }) => ({ a: b, b: a }),
      encode: ({ a, b }) => ({ a: b, b: a })
    })
    const schema = Schema.Struct({ pair: swapped })
    assert.deepStrictEqual(conceal(schema, { pair: { a: "hush", b: "x" } }).params, { pair: redacted })
  })

  it("follows a Schema that contains itself, as deep as the value goes", () => {
    interface Tree {
      readonly name: string
      readonly pin?: string
      readonly children: ReadonlyArray<Tree>
    }
    const Tree: Schema.Schema<Tree> = Schema.Struct({
      name: Schema.String,
      pin: Schema.optionalWith(sensitive(Schema.String), { exact: true }),
      children: Schema.Array(Schema.suspend(() => Tree))
    })
    const leaf = (pin: string) => ({ name: "leaf", pin, children: [] })
    const tree = (pin: string) => ({ name: "root", children: [{ name: "twig", children: [leaf(pin), leaf(pin)] }] })
    assert.deepStrictEqual(conceal(Tree, tree("hush")).params, tree(redacted))
    const withDefault = Schema.Struct({ tree: Schema.optionalWith(Tree, { default: () => leaf("x") }) })
    assert.deepStrictEqual(conceal(withDefault, { tree: tree("hush") }).params, { tree: tree(redacted) })
  })
})

/** Something made of a Schema, and what is then sent in the place of what fitted that. */
interface Made {
  readonly schema: Schema.Schema.Any
  readonly value: unknown
}

/** Of what everything is secret: each text begins with `hush-`, each number has these digits. */
const digits = 4_711_000
const allSecret: fc.Arbitrary<Made> = fc.letrec<{ made: Made }>((tie) => ({
  made: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    secret.map((value) => ({ schema: Schema.String, value })),
    secret.map((value) => ({ schema: Schema.NonEmptyString.pipe(Schema.brand("Pin")), value })),
    secret.map((value) => ({ schema: Schema.Redacted(Schema.String), value })),
    secret.map((value) => ({ schema: Schema.Literal(value, "other"), value })),
    secret.map((value) => ({ schema: Schema.TemplateLiteral("hush-", Schema.String), value })),
    secret.map((value) => ({ schema: Schema.Unknown, value: { value } })),
    fc.constant({ schema: Schema.NumberFromString, value: String(digits) }),
    fc.constant({ schema: Schema.Union(Schema.Int, Schema.String), value: digits }),
    tie("made").map(({ schema, value }) => ({ schema: Schema.Array(schema), value: [value, value] })),
    tie("made").map(({ schema, value }) => ({ schema: Schema.Chunk(schema), value: [value] })),
    tie("made").map(({ schema, value }) => ({
      schema: Schema.Tuple(schema, Schema.optionalElement(schema)),
      value: [value]
    })),
    tie("made").map(({ schema, value }) => ({ schema: Schema.suspend(() => Schema.asSchema(schema) as never), value })),
    tie("made").map(({ schema, value }) => ({
      schema: Schema.Record({ key: Schema.String, value: schema }),
      value: { k: value }
    })),
    tie("made").map(({ schema, value }) => ({
      schema: Schema.Struct({ a: schema, b: Schema.optional(schema) }),
      value: { a: value, b: value }
    })),
    tie("made").map(({ schema, value }) => ({
      schema: class extends Schema.Class<object>("Inner")({ a: schema }) {} as unknown as Schema.Schema.Any,
      value: { a: value }
    }))
  )
})).made

type Fields = Record<"a" | "b" | "c", unknown>
type Combinator = (schema: Schema.Schema<Fields>, value: Fields) => readonly [Schema.Schema.Any, unknown]

const Host = Schema.Struct({ host: Schema.Literal("h") })

/** What people do with a struct that has the fields `a`, `b` and `c`, or what is left of them. */
const combinators: Record<string, Combinator> = {
  extend: (schema, value) => [Schema.extend(schema, Host), { ...value, host: "h" }],
  extended: (schema, value) => [Schema.extend(Host, schema), { ...value, host: "h" }],
  partial: (schema, value) => [Schema.partial(schema), value],
  partialWith: (schema, value) => [Schema.partialWith(schema, { exact: true }), value],
  required: (schema, value) => [Schema.required(schema), value],
  mutable: (schema, value) => [Schema.mutable(schema), value],
  pick: (schema, { a }) => [schema.pipe(Schema.pick("a")), { a }],
  omit: (schema, { b: _, ...value }) => [schema.pipe(Schema.omit("b")), value],
  pluck: (schema, value) => [Schema.pluck(schema, "a"), value],
  rename: (schema, value) => [Schema.rename(schema, { c: "d" }), value],
  typeSchema: (schema, value) => [Schema.typeSchema(schema), value],
  encodedSchema: (schema, value) => [Schema.encodedSchema(schema), value],
  encodedBoundSchema: (schema, value) => [Schema.encodedBoundSchema(schema), value],
  filter: (schema, value) => [Schema.filter(() => true)(schema), value],
  annotations: (schema, value) => [schema.annotations({ identifier: "Named" }), value],
  suspend: (schema, value) => [Schema.suspend(() => schema), value],
  attach: (schema, value) => [Schema.attachPropertySignature(schema, "kind", "k"), value],
  compose: (schema, value) => [Schema.compose(schema, Schema.typeSchema(schema)), value],
  union: (schema, value) => [Schema.Union(Schema.Struct({ a: Schema.Int }), schema), value]
}

describe("a mark", () => {
  it("on a struct hides each of its fields in whatever the struct becomes a part of", () => {
    const login = sensitive(Schema.Struct({ password: Schema.String }))
    const extended = Schema.extend(Schema.Struct({ host: Schema.String }), login)
    const sent = { host: "h", password: "hush" }
    assert.deepStrictEqual(conceal(extended, sent).params, { host: "h", password: redacted })
    const made: ReadonlyArray<Schema.Schema.AnyNoContext> = [
      Schema.partial(extended),
      Schema.required(Schema.partial(extended)),
      extended.pipe(Schema.pick("password"))
    ]
    for (const schema of made)
      assert.deepStrictEqual(conceal(schema, { password: "hush" }).params, { password: redacted })
    const typed = Schema.Struct({ pin: Schema.typeSchema(sensitive(Schema.NumberFromString)) })
    assert.deepStrictEqual(conceal(typed, { pin: 4711 }).params, { pin: redacted })
  })

  it("that would be lost is refused where the Schema is written down", () => {
    const marked = sensitive(Schema.Literal("a", "b"))
    assert.throws(() => Schema.TemplateLiteral("pin-", marked as Schema.Schema<"a" | "b">), /Unsupported/)
    assert.throws(() => Schema.Record({ key: marked, value: Schema.String }), /Unsupported/)
    const late = Schema.suspend(
      () => Schema.extend(sensitive(Schema.String), Schema.Struct({})) as Schema.Schema<string>
    )
    assert.match(flaw(late) ?? "", /Unsupported/)
    assert.isUndefined(flaw(sensitive(Schema.String)))
  })

  it("stays on whatever is made of what was marked", () => {
    const made = new Map<string, number>()
    const structs = Object.keys(combinators).filter((name) => name !== "pluck")
    // What was plucked is no struct any more.
    const ways = fc
      .tuple(fc.array(fc.constantFrom(...structs), { maxLength: 3 }), fc.constantFrom<Array<string>>([], ["pluck"]))
      .map(([names, last]) => [...names, ...last])
    fc.assert(
      fc.property(fc.tuple(allSecret, allSecret, allSecret), fc.boolean(), ways, ([a, b, c], asClass, names) => {
        const fields = { a: a.schema, b: Schema.optional(b.schema), c: Schema.optionalWith(c.schema, { exact: true }) }
        const whole = asClass ? class extends Schema.Class<object>("Whole")(fields) {} : Schema.Struct(fields)
        let schema = sensitive(Schema.asSchema(whole as unknown as Schema.Schema<Fields>))
        let value: Fields = { a: a.value, b: b.value, c: c.value }
        try {
          for (const name of names) {
            const it = combinators[name]?.(schema, value)
            schema = it?.[0] as typeof schema
            value = it?.[1] as Fields
            made.set(name, (made.get(name) ?? 0) + 1)
          }
        } catch (error) {
          // What cannot be made of it is refused where it is written down.
          return assert.match(String(error), /Unsupported/, names.join())
        }
        // Or where it is used, if it is suspended until then.
        if (flaw(schema) !== undefined) return
        const { isSensitive, params } = conceal(Schema.Struct({ it: schema }), { it: value })
        assert.isTrue(isSensitive, names.join())
        assert.notMatch(JSON.stringify(params), new RegExp(`hush-|${digits}`), names.join())
      }),
      { numRuns: 500 }
    )
    for (const name of Object.keys(combinators)) assert.isAbove(made.get(name) ?? 0, 0, name)
  })
})
