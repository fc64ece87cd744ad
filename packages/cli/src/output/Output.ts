/** What is printed, and where: data on stdout, everything else on stderr. */
import { Printable } from "@mithrandir/http"
import CliTable from "cli-table3"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import pico from "picocolors"
import { stdoutColours } from "./Terminal.ts"

export { stdoutColours, takesColours } from "./Terminal.ts"

/** The forms that data is printed in. No command has them all. */
export type Format = "table" | "lines" | "json" | "ndjson" | "csv"

/** Data, for stdout. */
export const data = (text: string): Effect.Effect<void> => Console.log(text)

/**
 * Data, once whoever reads stdout has taken what was printed before: for what may be longer than memory is wide.
 * `text` ends with a line end.
 */
export const chunk = (text: string): Effect.Effect<void> => Effect.zipRight(data(text.slice(0, -1)), taken)

const taken = Effect.async<void>((resume) => {
  if (process.stdout.writableLength === 0) resume(Effect.void)
  else process.stdout.write("", () => resume(Effect.void))
})

/** Everything that is not data, for stderr. */
export const note = (text: string): Effect.Effect<void> => Console.error(text)

/** What looks wrong and stops nobody, for stderr. */
export const warnings = (all: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(all, (one) => note(`mithrandir: warning: ${printable(one)}`), { discard: true })

/**
 * Lines about something that happens now, for stderr unless told otherwise: each with the time, but for those that are
 * indented, which belong to the one before.
 */
export const happening = (lines: ReadonlyArray<string>, print = note): Effect.Effect<void> =>
  Effect.flatMap(DateTime.now, (now) => happened(lines, now, print))

/** The same of something that happened at a moment, or nobody knows when: then without a time. */
export const happened = (
  lines: ReadonlyArray<string>,
  moment: DateTime.Utc | undefined,
  print = note
): Effect.Effect<void> => {
  const at = moment === undefined ? "" : `${DateTime.formatIso(moment).slice(0, 19)}Z `
  return Effect.forEach(lines, (line) => print(line.startsWith(" ") ? printable(line) : `${at}${printable(line)}`), {
    discard: true
  })
}

/** Text and JSON from elsewhere, made safe for a terminal. */
export const { compactJson, json, printable } = Printable

export interface Column<A> {
  readonly head: string
  readonly cell: (row: A) => string
  /** Where colours are taken: in which this row's is. */
  readonly hue?: (row: A) => "red" | "yellow" | "green"
}

/** Columns under their heads, without lines between them, so that a table can be read, cut and searched alike. */
export const table = <A>(
  columns: ReadonlyArray<Column<A>>,
  rows: ReadonlyArray<A>,
  colours = stdoutColours()
): string => {
  const paint = pico.createColors(colours)
  const drawn = new CliTable({
    head: columns.map((column) => paint.bold(column.head.toUpperCase())),
    chars: noLines,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 }
  })
  const draw = (row: A) => (column: Column<A>) => {
    const text = printable(column.cell(row))
    return column.hue === undefined ? text : paint[column.hue(row)](text)
  }
  for (const row of rows) drawn.push(columns.map(draw(row)))
  return trimmed(drawn.toString())
}

/** Names and values, one a line. */
export const facts = (entries: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join("\n")
}

const noLines = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: ""
}

const trimmed = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
