/** `mithrandir audit list`: what was done, by whom, with what result. */
import * as Command from "@effect/cli/Command"
import { AuditEntry, AuditLog, Command as Model, Page, Timestamp } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "../Access.ts"
import * as Flags from "../Flags.ts"
import * as Output from "../Output.ts"
import type { Program } from "../Program.ts"
import * as Signals from "../Signals.ts"
import * as Wording from "../Wording.ts"

const page = Flags.optional(
  "page",
  Flags.numeric(Page.PageNumber, "a page number, from 1"),
  "which page (default: 1)",
  "N"
)

const limit = Flags.optional(
  "limit",
  Flags.numeric(Page.PageLimit, `a number of entries, 1 to ${Page.maxLimit}`),
  `how many entries a page has, 1 to ${Page.maxLimit} (default: ${Page.defaultLimit})`,
  "N"
)

const sortBy = Flags.optional(
  "sort-by",
  AuditLog.AuditSort,
  "what to sort by (default: timestamp)",
  AuditLog.AuditSort.literals.join("|")
)

const sortOrder = Flags.optional("sort-order", Page.SortOrder, "in which order (default: desc)", "asc|desc")

const Text = Schema.NonEmptyString.annotations({ description: "a text" })
const actionType = Flags.optional("action-type", Text, "only this action", "ACTION")
const target = Flags.optional("target", Text, "only this target", "TARGET")
const actor = Flags.optional("actor", Text, "only what this actor did", "ACTOR")
const outcome = Flags.optional("outcome", Model.Outcome, "only this outcome", Model.Outcome.literals.join("|"))

const startDate = Flags.optional("start-date", Timestamp.Bound, "from this day or moment on, UTC", "DATE")
const endDate = Flags.optional(
  "end-date",
  Timestamp.Bound,
  "before this moment, or up to the end of this day, UTC",
  "DATE"
)

const query = { page, limit, sortBy, sortOrder, actionType, target, actor, outcome, startDate, endDate }
const flags = { ...query, ...Flags.access, output: Flags.output }

const list: Program<"list", typeof flags> = Command.make("list", flags, (flags) =>
  Effect.gen(function* () {
    const found = yield* Access.audit(flags, {
      page: Option.getOrElse(flags.page, () => 1),
      limit: Option.getOrElse(flags.limit, () => Page.defaultLimit),
      sortBy: Option.getOrElse(flags.sortBy, () => "timestamp" as const),
      sortOrder: Option.getOrElse(flags.sortOrder, () => "desc" as const),
      ...given("actionType", flags.actionType),
      ...given("target", flags.target),
      ...given("actor", flags.actor),
      ...given("outcome", flags.outcome),
      ...given("startDate", flags.startDate),
      ...given("endDate", flags.endDate)
    })
    yield* print(found, flags.output)
  }).pipe(Signals.interruptible)
).pipe(Command.withDescription("List what was done, a page at a time, the newest first."))

export const command = Command.make("audit").pipe(
  Command.withDescription("Look at the record of what was done."),
  Command.withSubcommands([list])
)

const given = <K extends string, A>(key: K, value: Option.Option<A>): { readonly [P in K]?: A } =>
  Option.isSome(value) ? ({ [key]: value.value } as { readonly [P in K]?: A }) : {}

const encode = Schema.encode(Schema.Struct({ data: Schema.Array(AuditEntry.AuditEntry), meta: Page.PageMeta }))

const print = (found: Page.Page<AuditEntry.AuditEntry>, format: Output.Format) =>
  Effect.gen(function* () {
    if (format === "json") return yield* Output.data(Output.json(yield* Effect.orDie(encode(found))))
    const { page, total, totalPages } = found.meta
    if (total === 0) return yield* Output.note("no entries")
    if (found.data.length > 0) yield* Output.data(Output.table(columns, found.data))
    yield* Output.note(`page ${page} of ${totalPages}; ${total} ${total === 1 ? "entry" : "entries"} in all`)
  })

const columns: ReadonlyArray<Output.Column<AuditEntry.AuditEntry>> = [
  { head: "time", cell: (entry) => Wording.moment(entry.timestamp) },
  { head: "actor", cell: (entry) => entry.actor },
  { head: "action", cell: (entry) => entry.actionType },
  { head: "target", cell: (entry) => entry.target },
  { head: "outcome", cell: (entry) => entry.outcome },
  { head: "id", cell: (entry) => entry.id }
]
