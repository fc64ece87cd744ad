/** Where a page of the audit ended: the next one goes on after it, whatever is written meanwhile. */
import * as Option from "effect/Option"

/** What there is to a cursor. */
export interface AuditCursor {
  /** How the page was sorted, and with it the next. */
  readonly sortBy: string
  readonly sortOrder: "asc" | "desc"
  /** The last entry of the page: it never changes. */
  readonly id: string
  /** The number of the next page, less than 10^9. */
  readonly page: number
}

/** Opaque to whoever gets it: no promise is made of what is in it. */
export const text = ({ id, page, sortBy, sortOrder }: AuditCursor): string =>
  Buffer.from(`${sortBy}.${sortOrder}.${page}.${id}`).toString("base64url")

/** Reads it back. */
export const read = (text: string): Option.Option<AuditCursor> => {
  const [, sortBy = "", sortOrder = "", page, id = ""] =
    /^(\w{1,16})\.(asc|desc)\.([1-9]\d{0,8})\.(.+)$/s.exec(Buffer.from(text, "base64url").toString()) ?? []
  return sortOrder === "asc" || sortOrder === "desc"
    ? Option.some({ sortBy, sortOrder, id, page: Number(page) })
    : Option.none()
}
