/** `mithrandir services`: which services there are, and how they feel. */
import * as Effect from "effect/Effect"
import * as Access from "../access/Access.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import { listing } from "../output/ServiceList.ts"
import * as Signals from "../output/Signals.ts"

export const program = Program.make({
  name: "services",
  summary: "List the services, and whether each is healthy.",
  details: [
    "A server tells what it found at its last look, five seconds ago at most. Without one the services of the config are asked now, each once."
  ],
  inputs: { ...Flags.access, output: Flags.output(Listing.formats) },
  examples: [
    { says: "All of them", line: "mithrandir services" },
    {
      says: "Through a server, one JSON object a line",
      line: "mithrandir services --url http://127.0.0.1:4410 -o ndjson"
    }
  ],
  exits: { ...ExitCode.ofLooking, 0: "listed, however healthy they are" },
  run: (given) =>
    Effect.gen(function* () {
      const services = yield* Access.services(given)
      yield* Listing.print(listing, given.output, services, { none: "no services" })
    }).pipe(Signals.interruptible)
})
