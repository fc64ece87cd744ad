/** A list of things, printed in the form that was asked for. */
import { Csv } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Output from "./Output.ts"

/** How one kind of thing is listed. `A` is the thing, and what it is encoded to has `fields`. */
export interface Listing<A> {
  /** The names of everything that there is to say of one: the heads of the CSV. */
  readonly fields: ReadonlyArray<string>
  /** What a table shows. */
  readonly columns: ReadonlyArray<Output.Column<A>>
  /** As the API has it. */
  readonly encode: (row: A) => Csv.Row
}

/** What a schema describes, with everything that it says of one. */
export const make = <F extends Schema.Struct.Fields>(
  schema: Schema.Struct<F> & Schema.Schema<Schema.Struct.Type<F>, Schema.Struct.Encoded<F>>,
  columns: ReadonlyArray<Output.Column<Schema.Struct.Type<F>>>
): Listing<Schema.Struct.Type<F>> => {
  const encode = Schema.encodeSync(schema)
  return { fields: Object.keys(schema.fields), columns, encode: (row) => ({ ...encode(row) }) }
}

/** The forms of a list; the first unless told otherwise. */
export const formats = ["table", "json", "ndjson", "csv"] as const satisfies ReadonlyArray<Output.Format>

/** What is said beside the list. */
export interface Words {
  /** On stderr where there is nothing to list. */
  readonly none?: string
  /** On stderr beside all forms but JSON, which has it in `meta`. */
  readonly remark?: string
  /** What the JSON document has beside `data`. */
  readonly meta?: unknown
}

/** Prints all of a list that fits in memory. */
export const print = <A>(
  listing: Listing<A>,
  format: Output.Format,
  rows: ReadonlyArray<A>,
  { meta, none, remark }: Words
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const encoded = rows.map(listing.encode)
    switch (format) {
      case "json":
        return yield* Output.data(Output.json({ data: encoded, ...(meta === undefined ? {} : { meta }) }))
      case "table":
        if (rows.length > 0) yield* Output.data(Output.table(listing.columns, rows))
        break
      case "ndjson":
      case "csv": {
        const text = [opening(listing, format), ...encoded.map((row) => line(listing, format, row))].join("")
        if (text !== "") yield* Output.data(text.slice(0, -1))
      }
    }
    if (none !== undefined && rows.length === 0) yield* Output.note(none)
    if (remark !== undefined) yield* Output.note(remark)
  })

/** The forms that can be written a row at a time. */
export type StreamFormat = "json" | "ndjson" | "csv"

/** What stands before the rows of a list that is written a row at a time. */
export const opening = <A>({ fields }: Listing<A>, format: StreamFormat): string => {
  switch (format) {
    case "json":
      return '{"data":[\n'
    case "ndjson":
      return ""
    case "csv":
      return Csv.head(fields)
  }
}

/** One row, with the end of its line. JSON has commas between rows: before all but the first. */
export const line = <A>({ fields }: Listing<A>, format: StreamFormat, row: Csv.Row, isFirst = true): string => {
  switch (format) {
    case "json":
      return `${isFirst ? "" : ","}${Output.compactJson(row)}\n`
    case "ndjson":
      return `${Output.compactJson(row)}\n`
    case "csv":
      return Csv.row(fields, row)
  }
}

/** What stands after the rows. */
export const closing = (format: StreamFormat): string => (format === "json" ? "]}\n" : "")
