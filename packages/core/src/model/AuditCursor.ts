/** Where a page of the audit ended: the next one goes on after it, whatever is written meanwhile. */
import * as Option from "effect/Option"

/** What there is to a cursor. */
export interface AuditCursor {
  /** How the page was sorted, and with it the next. */
  readonly sortBy: string
  readonly sortOrder: "asc" | "desc"
  /** The place in the record of the last entry of the page: it never changes. */
  readonly seq: number
  /** The number of the next page. */
  readonly page: number
}

/** Opaque to whoever gets it: no promise is made of what is in it. */
export const text = ({ page, seq, sortBy, sortOrder }: AuditCursor): string =>
  Buffer.from(`${sortBy}.${sortOrder}.${seq}.${page}`).toString("base64url")

/** Reads it back. */
export const read = (text: string): Option.Option<AuditCursor> => {
  const [, sortBy = "", sortOrder = "", seq, page] =
    /^(\w{1,16})\.(asc|desc)\.([1-9]\d{0,15})\.([1-9]\d{0,15})$/.exec(Buffer.from(text, "base64url").toString()) ?? []
  return sortOrder === "asc" || sortOrder === "desc"
    ? Option.some({ sortBy, sortOrder, seq: Number(seq), page: Number(page) })
    : Option.none()
}
