/** What must not be shown: secrets as a config has them, and urls with one in them. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { keep, redacted } from "../output/Redaction.ts"

export { redacted }

/** The names that environments allow; a secret that was put in a name's place seldom is one, and is never quoted. */
const variable = /^[A-Za-z_.-][A-Za-z0-9_.-]{0,127}$/

const FromEnvironment = Schema.Struct({
  env: Schema.String.pipe(Schema.pattern(variable)).annotations({ description: "the name of an environment variable" })
}).annotations({ title: "From the environment" })

/** A secret as it stands in a config: itself, or the name of the environment variable that has it. */
export const Secret = Schema.Union(
  Schema.String.pipe(Schema.filter((text) => text !== "", { title: "Itself", jsonSchema: { minLength: 1 } })),
  FromEnvironment
).annotations({
  description: 'a text, or { "env": "NAME" } for an environment variable'
})
export type Secret = typeof Secret.Type

/** What a token may be: headers cannot carry anything else, nor much more, and every request would fail. */
const headerText = /^[\x21-\x7e]{1,4096}$/

/** What a token from elsewhere has to be, in words. */
export const tokenText = "visible ASCII characters alone, without spaces"

/** Whether a header can carry it. */
export const isToken = (text: string): boolean => headerText.test(text)

/** A secret that is sent in a header. */
export const Token = Schema.Union(
  Schema.String.pipe(Schema.pattern(headerText, { title: "Itself", description: tokenText })),
  FromEnvironment
).annotations({
  description: `a text of ${tokenText}, or { "env": "NAME" } for an environment variable`
})

/** Finds the value of an environment variable; undefined where it is not set, or empty. */
export type Lookup = (name: string) => string | undefined

/** The secret itself; none where its variable is not set. */
export const reveal = (secret: Secret, lookup: Lookup): Option.Option<Redacted.Redacted> => {
  const text = typeof secret === "string" ? secret : lookup(secret.env)
  return Option.map(Option.fromNullable(text), make)
}

/** A secret that is at hand from now on: whatever goes wrong, it is not told. */
export const make = (text: string): Redacted.Redacted => {
  keep(text)
  return Redacted.make(text)
}

/** The same of the secrets that a url has in it. A user's name is not shown either, but may be an ordinary word. */
export const keepUrl = (text: string): void => {
  const { password, searchParams } = new URL(text)
  for (const part of [password, ...searchParams.values()]) {
    keep(part)
    keep(Option.getOrElse(Option.liftThrowable(decodeURIComponent)(part), () => part))
  }
}

/** Whether a url may have a secret in it. */
export const isInUrl = (text: string): boolean => {
  const { password, search } = new URL(text)
  return password !== "" || search !== ""
}

/** A secret as it may be shown. */
export type Shown = typeof redacted | { readonly env: string; readonly set: boolean }

/** What may be shown of a secret: where it is from, and whether it is there. */
export const show = (secret: Secret, lookup: Lookup): Shown =>
  typeof secret === "string" ? redacted : { env: secret.env, set: lookup(secret.env) !== undefined }

/** What may be shown of a url: everything but who logs in, and the query, which of a Redis url may be a password too. */
export const showUrl = (text: string): string => {
  const url = new URL(text)
  const userinfo = url.username !== "" || url.password !== "" ? `${redacted}@` : ""
  const query = url.search === "" ? "" : `?${redacted}`
  return `${url.protocol}//${userinfo}${url.host}${url.pathname === "/" ? "" : url.pathname}${query}`
}
