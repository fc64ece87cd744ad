/** One row of the audit as the tree over it has it: every column, byte for byte, written in one way. */
import * as Option from "effect/Option"

/** The columns, in their order. */
export const columns = [
  "id",
  "timestamp",
  "actor",
  "action_type",
  "target",
  "outcome",
  "before_state_json",
  "after_state_json",
  "command_params_json",
  "logs_json"
] as const

/** What a row has in each of them: text, as bytes of UTF-8 where they are at hand, or nothing. */
export type Row = Readonly<Record<(typeof columns)[number], string | Uint8Array | null>>

/** Which way of writing this is. */
const version = 1

/**
 * The version, a byte. Then for each column: a byte 0 where it is null; or a byte 1, the length of its text in bytes (32
 * bits, the most significant first), and the text. Nothing else has the same bytes.
 */
export const encode = (row: Row): Uint8Array =>
  encodeCells(
    columns.map((column) => {
      const value = row[column]
      return typeof value === "string" ? Buffer.from(value) : value
    })
  )

/** The same of the values in the order of the columns, text as its bytes. */
export const encodeCells = (cells: ReadonlyArray<Uint8Array | null>): Uint8Array => {
  const size = cells.reduce((size, cell) => size + (cell === null ? 1 : headLength + cell.length), 1)
  const bytes = Buffer.allocUnsafe(size)
  let at = bytes.writeUInt8(version, 0)
  for (const cell of cells) {
    at = bytes.writeUInt8(cell === null ? 0 : 1, at)
    if (cell !== null) {
      at = bytes.writeUInt32BE(cell.length, at)
      bytes.set(cell, at)
      at += cell.length
    }
  }
  return bytes
}

const headLength = 5

/** Reads it back; nothing where it is not so written. */
export const decode = (bytes: Uint8Array): Option.Option<Readonly<Record<(typeof columns)[number], string | null>>> => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view[0] !== version) return Option.none()
  let at = 1
  const values: Array<[string, string | null]> = []
  for (const column of columns) {
    const tag = view[at]
    if (tag === 0) {
      values.push([column, null])
      at += 1
    } else {
      if (tag !== 1 || at + 5 > view.length) return Option.none()
      const end = at + 5 + view.readUInt32BE(at + 1)
      if (end > view.length) return Option.none()
      values.push([column, view.toString("utf8", at + 5, end)])
      at = end
    }
  }
  return at === view.length ? Option.some(Object.fromEntries(values) as never) : Option.none()
}
