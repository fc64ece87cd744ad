/** `mithrandir discrepancies`: what differed, and when that changed. */
import { DiscrepancyLog, Event, Service } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as PageFlags from "../line/PageFlags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import * as Signals from "../output/Signals.ts"
import * as Wording from "../output/Wording.ts"

const service = Flags.optional({
  name: "service",
  alias: "s",
  placeholder: "SERVICE",
  help: "only this service",
  schema: Service.ServiceId
})

const status = Flags.optional({
  name: "status",
  placeholder: "STATUS",
  help: `only passes that ended so: ${Event.PassStatus.literals.join(", ")}`,
  schema: Event.PassStatus
})

export const program = Program.make({
  name: "discrepancies",
  summary: "List what differed and since when, the newest first.",
  details: [
    "A service has a new row when what is disputed changes, and when it turns stale or returns to verified; never one for each pass."
  ],
  inputs: {
    service,
    status,
    ...PageFlags.dates,
    ...PageFlags.pages,
    ...Flags.access,
    output: Flags.output(Listing.formats)
  },
  examples: [
    { says: "The latest", line: "mithrandir discrepancies" },
    { says: "What one service lost", line: "mithrandir discrepancies --service palantir --status discrepancy" },
    { says: "Since a day, for a spreadsheet", line: "mithrandir discrepancies --start-date 2026-01-31 -o csv" },
    { says: "Through a server, as JSON", line: "mithrandir discrepancies --url http://127.0.0.1:4410 -o json" }
  ],
  exits: ExitCode.ofLooking,
  run: (given) =>
    Effect.gen(function* () {
      const query: DiscrepancyLog.DiscrepancyQuery = {
        ...PageFlags.pageOf(given),
        ...PageFlags.present("service", given.service),
        ...PageFlags.present("status", given.status),
        ...PageFlags.datesOf(given)
      }
      const { data, meta } = yield* Access.look(given, (reader) => reader.discrepancies(query))
      yield* Listing.print(listing, given.output, data, { meta, remark: PageFlags.remark(meta, "no entries") })
    }).pipe(Signals.interruptible)
})

const listing = Listing.make(DiscrepancyLog.Discrepancy, [
  { head: "time", cell: (row) => Wording.moment(row.timestamp) },
  { head: "service", cell: (row) => row.service },
  { head: "status", cell: (row) => row.status },
  {
    head: "since",
    cell: ({ discrepancyDetails, status }) =>
      status === "discrepancy" && discrepancyDetails !== null ? Wording.moment(discrepancyDetails.since) : ""
  },
  {
    head: "what",
    cell: ({ discrepancyDetails, status }) =>
      status === "stale" ? Wording.unanswered : Wording.whatDiffered(discrepancyDetails ?? undefined)
  }
])
