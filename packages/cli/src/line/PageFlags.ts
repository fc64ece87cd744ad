/** The flags of what is listed in pages, by time. */
import { Page, Timestamp } from "@mithrandir/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Flags from "./Flags.ts"
import type { Given } from "./Program.ts"

/** A date or a moment, of a day that there is. */
const Bound = Schema.compose(
  Schema.String.pipe(
    Schema.filter((text) => {
      const day = /^\d{4}-\d{2}-\d{2}(?=$|T)/.exec(text)?.[0]
      return day === undefined || isDay(day) || "expected a day that there is: that month has no such day"
    })
  ),
  Timestamp.Bound
)

const isDay = (day: string): boolean => {
  const at = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)
}

export const dates = {
  startDate: Flags.optional({
    name: "start-date",
    placeholder: "DATE",
    help: "from this day or moment on, UTC",
    schema: Bound
  }),
  endDate: Flags.optional({
    name: "end-date",
    placeholder: "DATE",
    help: "before this moment, or up to the end of this day, UTC",
    schema: Bound
  })
}

export const pages = {
  page: Flags.optional({
    name: "page",
    placeholder: "N",
    help: "which page",
    default: "1",
    schema: Flags.numeric(Page.PageNumber, "a page number, from 1")
  }),
  limit: Flags.optional({
    name: "limit",
    placeholder: "N",
    help: `how many entries a page has, 1 to ${Page.maxLimit}`,
    default: String(Page.defaultLimit),
    schema: Flags.numeric(Page.PageLimit, `a number of entries, 1 to ${Page.maxLimit}`)
  }),
  sortOrder: Flags.optional({
    name: "sort-order",
    placeholder: "asc|desc",
    help: "in which order",
    default: "desc",
    schema: Page.SortOrder
  })
}

/** What was typed of the dates. */
export const datesOf = (given: Given<typeof dates>) => ({
  ...present("startDate", given.startDate),
  ...present("endDate", given.endDate)
})

/** What was typed of the page, and what holds for what was not. */
export const pageOf = (given: Given<typeof pages>) => ({
  page: Option.getOrElse(given.page, () => 1),
  limit: Option.getOrElse(given.limit, () => Page.defaultLimit),
  sortOrder: Option.getOrElse(given.sortOrder, () => "desc" as const)
})

/** A field that is there where its value is: an absent one and an undefined one differ. */
export const present = <K extends string, A>(key: K, value: Option.Option<A>): { readonly [P in K]?: A } =>
  Option.isSome(value) ? ({ [key]: value.value } as { readonly [P in K]?: A }) : {}

/** `page 1 of 3; 120 entries in all`. */
export const remark = ({ page, total, totalPages }: Page.PageMeta, none: string): string => {
  if (total === 0) return none
  const which =
    page > totalPages ? `there is no page ${page}: the last is ${totalPages}` : `page ${page} of ${totalPages}`
  return `${which}; ${total} ${total === 1 ? "entry" : "entries"} in all`
}
