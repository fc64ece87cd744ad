/** How far something is, on a terminal: a line that is drawn over. Elsewhere nothing: a log is no place for it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const width = 30

/** What it looks like. `doing`: "verifying". */
export const line = (doing: string, done: number, of: number): string => {
  const share = of === 0 ? 1 : Math.min(1, done / of)
  const full = Math.round(share * width)
  const bar = `${"█".repeat(full)}${"░".repeat(width - full)}`
  const [so, far] = [done, of].map((count) => count.toLocaleString("en"))
  return `${doing} ${bar} ${Math.floor(share * 100)} % (${so} of ${far})`
}

/** Says how far it is. */
export type Tell = (done: number, of: number) => Effect.Effect<void>

/** Draws on stderr, so that what is printed stays as it is; gone with the scope. Nothing where nobody would see it. */
export const make = (doing: string): Effect.Effect<Tell | undefined, never, Scope.Scope> => {
  const { stderr } = process
  if (stderr.isTTY !== true || process.env["TERM"] === "dumb") return Effect.succeed(undefined)
  const clear = "\r\u001b[2K"
  return Effect.as(
    Effect.addFinalizer(() => Effect.sync(() => stderr.write(clear))),
    (done: number, of: number) => Effect.sync(() => stderr.write(`${clear}${line(doing, done, of)}`))
  )
}
