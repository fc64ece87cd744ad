/**
 * The last fence: the secrets that this process was given are taken out of what it says when something goes wrong.
 * Errors of ours carry none; those of drivers, and what a server answers, are other people's words.
 */

/** What stands in a secret's place. */
export const redacted = "[redacted]"

/** A shorter one stands in ordinary words, which would be taken out with it. */
const minLength = 6

/** Every way of writing what was kept, the longest first: one may be a part of another. */
let known: ReadonlyArray<string> = []

/** Has a secret taken out from now on. */
export const keep = (secret: string): void => {
  if (secret.length < minLength) return
  const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(Buffer.from(secret).toString())]
  known = Array.from(new Set([...known, ...forms])).sort((a, b) => b.length - a.length)
}

/** Forgets what was kept, for another run. */
export const forget = (): void => {
  known = []
}

/** The same text, without what was kept. */
export const without = (text: string): string => known.reduce((rest, form) => rest.replaceAll(form, redacted), text)
