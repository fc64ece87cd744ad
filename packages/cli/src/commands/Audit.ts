/** `mithrandir audit list`: what was done, by whom, with what result. */
import { AuditEntry, AuditLog, Command as Model, Page, Timestamp } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "../Access.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Flags from "../Flags.ts"
import * as Output from "../Output.ts"
import * as Program from "../Program.ts"
import * as Signals from "../Signals.ts"
import * as Wording from "../Wording.ts"

const page = Flags.optional({
  name: "page",
  placeholder: "N",
  help: "which page",
  default: "1",
  schema: Flags.numeric(Page.PageNumber, "a page number, from 1")
})

const limit = Flags.optional({
  name: "limit",
  placeholder: "N",
  help: `how many entries a page has, 1 to ${Page.maxLimit}`,
  default: String(Page.defaultLimit),
  schema: Flags.numeric(Page.PageLimit, `a number of entries, 1 to ${Page.maxLimit}`)
})

const sortBy = Flags.optional({
  name: "sort-by",
  placeholder: "FIELD",
  help: `${AuditLog.AuditSort.literals.join(", ")}`,
  default: "timestamp",
  schema: AuditLog.AuditSort
})

const sortOrder = Flags.optional({
  name: "sort-order",
  placeholder: "asc|desc",
  help: "in which order",
  default: "desc",
  schema: Page.SortOrder
})

const filter = {
  actionType: Flags.optional({
    name: "action-type",
    placeholder: "ACTION",
    help: "only this action",
    schema: Flags.Text
  }),
  target: Flags.optional({ name: "target", placeholder: "TARGET", help: "only this target", schema: Flags.Text }),
  actor: Flags.optional({ name: "actor", placeholder: "ACTOR", help: "only what this actor did", schema: Flags.Text }),
  outcome: Flags.optional({
    name: "outcome",
    placeholder: "OUTCOME",
    help: `only this outcome: ${Model.Outcome.literals.join(", ")}`,
    schema: Model.Outcome
  }),
  startDate: Flags.optional({
    name: "start-date",
    placeholder: "DATE",
    help: "from this day or moment on, UTC",
    schema: Timestamp.Bound
  }),
  endDate: Flags.optional({
    name: "end-date",
    placeholder: "DATE",
    help: "before this moment, or up to the end of this day, UTC",
    schema: Timestamp.Bound
  })
}

const list = Program.make({
  name: "list",
  summary: "List what was done, a page at a time, the newest first.",
  inputs: { ...filter, page, limit, sortBy, sortOrder, ...Flags.access, output: Flags.output(["table", "json"]) },
  examples: [
    { says: "The latest", line: "mithrandir audit list" },
    { says: "What was done to one job", line: "mithrandir audit list --target mail-000013" },
    {
      says: "What is not known to have worked, since a day",
      line: "mithrandir audit list --outcome timeout --start-date 2026-01-31"
    },
    { says: "The third page of a hundred, as JSON", line: "mithrandir audit list --limit 100 --page 3 -o json" }
  ],
  exits: ExitCode.wordsOf(
    ExitCode.ok,
    ExitCode.failed,
    ExitCode.usage,
    ExitCode.notAllowed,
    ExitCode.unreachable,
    ExitCode.interrupted
  ),
  run: (given) =>
    Effect.gen(function* () {
      const found = yield* Access.audit(given, {
        page: Option.getOrElse(given.page, () => 1),
        limit: Option.getOrElse(given.limit, () => Page.defaultLimit),
        sortBy: Option.getOrElse(given.sortBy, () => "timestamp" as const),
        sortOrder: Option.getOrElse(given.sortOrder, () => "desc" as const),
        ...present("actionType", given.actionType),
        ...present("target", given.target),
        ...present("actor", given.actor),
        ...present("outcome", given.outcome),
        ...present("startDate", given.startDate),
        ...present("endDate", given.endDate)
      })
      yield* print(found, given.output)
    }).pipe(Signals.interruptible)
})

export const group: Program.Group = {
  _tag: "group",
  name: "audit",
  summary: "Look at the record of what was done.",
  members: [list]
}

const present = <K extends string, A>(key: K, value: Option.Option<A>): { readonly [P in K]?: A } =>
  Option.isSome(value) ? ({ [key]: value.value } as { readonly [P in K]?: A }) : {}

const encode = Schema.encode(Schema.Struct({ data: Schema.Array(AuditEntry.AuditEntry), meta: Page.PageMeta }))

const print = (found: Page.Page<AuditEntry.AuditEntry>, format: "table" | "json") =>
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
