/** Secrets that can be told from everything else, and the search for them in whatever came out. */
import { randomBytes } from "node:crypto"

export interface Canary {
  /** Where it was put. */
  readonly place: string
  /** The secret itself. Of characters that every form below writes in another way. */
  readonly text: string
  /** What is looked for: the part of it that is the same whatever quotes or escapes it. */
  readonly core: string
}

/** A cage of secrets, each its own. */
export const make = () => {
  const all: Array<Canary> = []

  /** A secret for a place. `dress` has what it is made of beside its core; it needs no `/`, `:` or `@` in a url. */
  const put = (place: string, dress: (core: string) => string = (core) => `p+${core}/=%"`): string => {
    const core = `canary${randomBytes(12).toString("hex")}`
    const text = dress(core)
    all.push({ place, text, core })
    return text
  }

  /** What is found of any of them, with where. Nothing: nothing came out. */
  const found = (where: string, content: string | Uint8Array): ReadonlyArray<string> => {
    const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : Buffer.from(content)
    const raw = bytes.toString("latin1")
    // As it is read by whoever undoes what urls and JSON do to it.
    const texts = [raw, unpercented(raw), unescaped(raw)].map((text) => text.toLowerCase())
    return all.flatMap(({ core, place }) =>
      texts.some((text) => text.includes(core)) || encoded(core).some((form) => bytes.includes(form))
        ? [`the secret of ${place} is in ${where}: ${excerpt(raw, core)}`]
        : []
    )
  }

  return { all, put, found }
}
export type Cage = ReturnType<typeof make>

/** What of an encoding does not depend on what stands before and after it. */
const encoded = (core: string): ReadonlyArray<Buffer> => [
  ...[0, 1, 2].flatMap((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), Buffer.from(core)])
    const inner = whole.toString("base64").slice(Math.ceil((shift * 8) / 6), Math.floor((whole.length * 8) / 6))
    return [Buffer.from(inner), Buffer.from(inner.replaceAll("+", "-").replaceAll("/", "_"))]
  }),
  Buffer.from(Buffer.from(core).toString("hex")),
  Buffer.from(core, "utf16le")
]

const unpercented = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

const unescaped = (text: string): string =>
  text.replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

const excerpt = (text: string, core: string): string => {
  const at = text.toLowerCase().indexOf(core)
  return at < 0 ? "(encoded)" : JSON.stringify(text.slice(Math.max(0, at - 160), at + core.length + 20))
}
