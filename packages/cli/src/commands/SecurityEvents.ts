/** `mithrandir security events`: refusals, and what became of tokens. */
import { SecurityEvent, type SecurityLog } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as PageFlags from "../line/PageFlags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import * as Signals from "../output/Signals.ts"
import * as Wording from "../output/Wording.ts"

const kind = Flags.optional({
  name: "kind",
  placeholder: "KIND",
  help: `only this kind: ${SecurityEvent.SecurityEventKind.literals.join(", ")}`,
  schema: SecurityEvent.SecurityEventKind
})

const actor = Flags.optional({ name: "actor", placeholder: "ACTOR", help: "only of this actor", schema: Flags.Text })
const address = Flags.optional({
  name: "address",
  placeholder: "ADDRESS",
  help: "only from this IP address",
  schema: Flags.Text
})

export const program = Program.make({
  name: "events",
  summary: "List who tried what and was not let, and what became of tokens, the newest first.",
  details: [
    "What repeats within seconds is one row with a count. Kept for 90 days, at most 100,000; what became of tokens is kept for ever."
  ],
  inputs: {
    kind,
    actor,
    address,
    ...PageFlags.dates,
    ...PageFlags.pages,
    ...Flags.access,
    output: Flags.output(Listing.formats)
  },
  examples: [
    { says: "The latest", line: "mithrandir security events" },
    {
      says: "Tokens that were refused, since a day",
      line: "mithrandir security events --kind unauthenticated --start-date 2026-01-31"
    }
  ],
  exits: ExitCode.ofLooking,
  run: (given) =>
    Effect.gen(function* () {
      const query: SecurityLog.SecurityQuery = {
        ...PageFlags.pageOf(given),
        ...PageFlags.present("kind", given.kind),
        ...PageFlags.present("actor", given.actor),
        ...PageFlags.present("address", given.address),
        ...PageFlags.datesOf(given)
      }
      const { data, meta } = yield* Access.look(given, (reader) => reader.securityEvents(query))
      yield* Listing.print(listing, given.output, data, { meta, remark: PageFlags.remark(meta, "no entries") })
    }).pipe(Signals.interruptible)
})

const listing = Listing.make(SecurityEvent.SecurityEvent, [
  { head: "time", cell: ({ timestamp }) => Wording.moment(timestamp) },
  { head: "kind", cell: ({ kind }) => kind },
  { head: "actor", cell: ({ actor }) => actor ?? "" },
  { head: "address", cell: ({ address }) => address ?? "" },
  { head: "request", cell: ({ request }) => request ?? "" },
  { head: "detail", cell: ({ detail }) => detail ?? "" },
  { head: "times", cell: ({ count }) => String(count) }
])
