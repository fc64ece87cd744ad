/** `mithrandir reconcile`: a pass now, and what it found. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Event, Service } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "../Access.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Flags from "../Flags.ts"
import * as Output from "../Output.ts"
import type { Program } from "../Program.ts"
import * as Signals from "../Signals.ts"
import * as Wording from "../Wording.ts"

const service = Flags.argument("SERVICE", Service.ServiceId, "which service (default: each)").pipe(Args.optional)

const accept = Options.boolean("accept").pipe(
  Options.withDescription("take what the service says for true, ending its open disputes; this is recorded")
)

const exitCode = Options.boolean("exit-code").pipe(
  Options.withDescription(`exit with ${ExitCode.discrepancy} where a discrepancy is found`)
)

const flags = { service, accept, exitCode, ...Flags.access, output: Flags.output }

export const command: Program<"reconcile", typeof flags> = Command.make("reconcile", flags, (flags) =>
  Effect.gen(function* () {
    const access = yield* Access.operator(flags)
    const updates = yield* access.reconcile({
      accept: flags.accept,
      ...(Option.isSome(flags.service) ? { service: flags.service.value } : {})
    })
    yield* print(updates, flags.output)
    const code = ExitCode.ofPasses(updates, { tellDiscrepancy: flags.exitCode })
    if (code !== ExitCode.ok) yield* new ExitCode.Ended({ code })
  }).pipe(Effect.scoped, Signals.interruptible)
).pipe(Command.withDescription("Compare what is expected with what the services say, now."))

const encode = Schema.encode(Schema.Struct({ data: Schema.Array(Event.ReconciliationUpdate) }))

const print = (updates: ReadonlyArray<Event.ReconciliationUpdate>, format: Output.Format) =>
  Effect.gen(function* () {
    if (format === "json") return yield* Output.data(Output.json(yield* Effect.orDie(encode({ data: updates }))))
    if (updates.length === 0) return yield* Output.note("no services to reconcile")
    yield* Output.data(Output.table(columns, updates))
  })

const columns: ReadonlyArray<Output.Column<Event.ReconciliationUpdate>> = [
  { head: "service", cell: (update) => update.service },
  { head: "status", cell: (update) => update.status },
  { head: "counts", cell: (update) => Wording.counts(update.counts) },
  {
    head: "since",
    cell: ({ discrepancyDetails, status }) =>
      status === "discrepancy" && discrepancyDetails ? Wording.moment(discrepancyDetails.since) : ""
  },
  { head: "remarks", cell: Wording.remarks }
]
