/** `mithrandir reconcile`: a pass now, and what it found. */
import { Event, Service } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import * as Signals from "../output/Signals.ts"
import * as Wording from "../output/Wording.ts"

const service = Flags.optionalArgument({
  name: "SERVICE",
  help: "which service; without it each",
  schema: Service.ServiceId
})

const accept = Flags.toggle({
  name: "accept",
  help: "take what the service says for true, ending its open disputes; this is recorded"
})

const exitCode = Flags.toggle({
  name: "exit-code",
  help: `exit with ${ExitCode.discrepancy} where a discrepancy is found`
})

export const program = Program.make({
  name: "reconcile",
  summary: "Compare what is expected with what the services say, now.",
  details: [
    "What the ordinary life of jobs explains is adopted. What is left is a discrepancy, and stays one until the sides agree again, a command of ours explains it, or somebody accepts it."
  ],
  inputs: { service, accept, exitCode, ...Flags.access, output: Flags.output(Listing.formats) },
  examples: [
    { says: "All services", line: "mithrandir reconcile" },
    { says: "In a script that must notice", line: "mithrandir reconcile --exit-code" },
    { says: "Take what one service says for true, on the record", line: "mithrandir reconcile palantir --accept" },
    { says: "Through a server, as JSON", line: "mithrandir reconcile --url http://127.0.0.1:4410 -o json" }
  ],
  exits: {
    ...ExitCode.wordsOf(ExitCode.failed, ExitCode.usage, ExitCode.notAllowed, ExitCode.interrupted),
    0: "compared; without --exit-code whatever was found",
    3: "a discrepancy, with --exit-code",
    5: "a service or the server was never reached",
    6: "the server was asked, and its answer lost"
  },
  run: (given) =>
    Effect.gen(function* () {
      const access = yield* Access.operator(given)
      const updates = yield* access.reconcile({
        accept: given.accept,
        ...(Option.isSome(given.service) ? { service: given.service.value } : {})
      })
      yield* Listing.print(listing, given.output, updates, { none: "no services to reconcile" })
      const code = ExitCode.ofPasses(updates, { tellDiscrepancy: given.exitCode })
      if (code !== ExitCode.ok) yield* new ExitCode.Ended({ code })
    }).pipe(Effect.scoped, Signals.interruptible)
})

const listing = Listing.make(Event.ReconciliationUpdate, [
  { head: "service", cell: (update) => update.service },
  { head: "status", cell: (update) => update.status },
  { head: "counts", cell: (update) => Wording.counts(update.counts) },
  {
    head: "since",
    cell: ({ discrepancyDetails, status }) =>
      status === "discrepancy" && discrepancyDetails ? Wording.moment(discrepancyDetails.since) : ""
  },
  { head: "remarks", cell: Wording.remarks }
])
