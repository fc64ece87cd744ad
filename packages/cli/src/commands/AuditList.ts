/** `mithrandir audit list`: a page of what was done. */
import { AuditQuery } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Access from "../access/Access.ts"
import * as AuditFlags from "../line/AuditFlags.ts"
import * as Flags from "../line/Flags.ts"
import * as PageFlags from "../line/PageFlags.ts"
import * as Program from "../line/Program.ts"
import { listing } from "../output/AuditListing.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import * as Signals from "../output/Signals.ts"

const sortBy = Flags.optional({
  name: "sort-by",
  placeholder: "FIELD",
  help: AuditQuery.AuditSort.literals.join(", "),
  default: "timestamp",
  schema: AuditQuery.AuditSort
})

const cursor = Flags.optional({
  name: "cursor",
  placeholder: "CURSOR",
  help: "the page after the one whose meta.nextCursor (-o json) this is, with the same sorting and filters",
  default: "none: by --page",
  schema: Flags.Text
})

export const program = Program.make({
  name: "list",
  summary: "List what was done, a page at a time, the newest first.",
  inputs: {
    ...AuditFlags.filter,
    ...PageFlags.pages,
    sortBy,
    cursor,
    ...Flags.access,
    output: Flags.output(Listing.formats)
  },
  examples: [
    { says: "The latest", line: "mithrandir audit list" },
    { says: "What was done to one job", line: "mithrandir audit list --target mail-000013" },
    {
      says: "What is not known to have worked, since a day",
      line: "mithrandir audit list --outcome timeout --start-date 2026-01-31"
    },
    { says: "The third page of a hundred, as JSON", line: "mithrandir audit list --limit 100 --page 3 -o json" }
  ],
  exits: ExitCode.ofLooking,
  run: (given) =>
    Effect.gen(function* () {
      const query: AuditQuery.AuditQuery = {
        ...PageFlags.pageOf(given),
        sortBy: Option.getOrElse(given.sortBy, () => "timestamp" as const),
        ...Option.match(given.cursor, { onNone: () => ({}), onSome: (cursor) => ({ cursor }) }),
        ...AuditFlags.filterOf(given)
      }
      const { data, meta } = yield* Access.look(given, (reader) => reader.audit(query))
      yield* Listing.print(listing, given.output, data, { meta, remark: PageFlags.remark(meta, "no entries") })
    }).pipe(Signals.interruptible)
})
