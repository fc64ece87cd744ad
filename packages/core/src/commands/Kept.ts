/** How much of a command is kept: pages of the audit are read whole, and what is in them is there for ever. */
import { createHash } from "node:crypto"

/** The most bytes that a state may have as JSON. Where it has more, a note of it is kept. */
export const maxStateBytes = 64 * 1024

/** The most bytes that params may have as JSON, which is what a request has room for. More are refused. */
export const maxParamsBytes = 64 * 1024

/** How deep params may be nested: what walks them does so by recursion. A request over HTTP has no deeper ones. */
export const maxParamsDepth = 32

/** The most characters of a line of the logs. */
export const maxLineChars = 2_000

/** What is kept in the place of a state that is too large. */
export interface Note {
  /** How many bytes it has as JSON, in UTF-8. */
  readonly omittedBytes: number
  /** Lower-case hex SHA-256 of those bytes. */
  readonly sha256: string
}

/** Whether a state was not kept whole. */
export const isNote = (kept: unknown): kept is Note =>
  typeof kept === "object" && kept !== null && "omittedBytes" in kept && "sha256" in kept

/** A state as it is kept, and, if it is not kept whole, a line that says so. `which` names it in that line. */
export const state = (which: string, json: unknown): { readonly kept: unknown; readonly line?: string } => {
  const text = JSON.stringify(json) ?? "null"
  const omittedBytes = Buffer.byteLength(text)
  if (omittedBytes <= maxStateBytes) return { kept: json }
  const kept: Note = { omittedBytes, sha256: createHash("sha256").update(text).digest("hex") }
  return {
    kept,
    line: `the state ${which} is too large to keep: ${omittedBytes} bytes of JSON, of ${maxStateBytes} at most; its digest is kept`
  }
}

/** A line as it is kept. What an action gives may be anything, whatever its types say. */
export const line = (text: unknown): string => {
  if (typeof text !== "string") return "(what was to be said here is no text)"
  const rest = text.length - maxLineChars
  return rest <= 0 ? text : `${text.slice(0, maxLineChars)}… (${rest} more characters)`
}
