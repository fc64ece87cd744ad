/** Rows as CSV (RFC 4180): for spreadsheets, which must not take a cell for a formula. */
import { stringify } from "csv-stringify/sync"
import { compactJson, printable } from "./Printable.ts"

/** A row as the API has it: JSON values under their names. */
export type Row = Readonly<Record<string, unknown>>

/** The line of heads. */
export const head = (fields: ReadonlyArray<string>): string => line(fields)

/**
 * A line for a row, its cells in the order of `fields`. What is absent or null is an empty cell, text is itself, and
 * everything nested is JSON. A cell that a spreadsheet might take for a formula has an apostrophe in front, and so has
 * one that begins with an apostrophe: who reads a cell that begins with one takes it away, and has the value again.
 */
export const row = (fields: ReadonlyArray<string>, values: Row): string =>
  line(fields.map((field) => guarded(cell(values[field]))))

/** What some spreadsheets take for the end of a cell, unless that is quoted. */
const separators = /;/

/** With the line end that RFC 4180 asks for. */
const line = (cells: ReadonlyArray<string>): string =>
  stringify([[...cells]], { record_delimiter: "windows", quoted_match: separators })

const cell = (value: unknown): string => {
  if (value === undefined || value === null) return ""
  return typeof value === "string" ? printable(value) : compactJson(value)
}

/** Spreadsheets skip spaces, and some read the wide forms of these signs as the signs. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/

const guarded = (text: string): string => (text.startsWith("'") || formula.test(text) ? `'${text}` : text)
