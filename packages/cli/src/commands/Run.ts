/** `mithrandir run`: one maintenance command, followed to its end. */
import { type Event, Command as Model, Service } from "@mithrandir/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "../access/Access.ts"
import type { Accepted } from "../access/Operator.ts"
import * as DurationText from "../config/DurationText.ts"
import * as Flags from "../line/Flags.ts"
import * as Params from "../line/Params.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import * as Wording from "../output/Wording.ts"

const action = Flags.argument({
  name: "ACTION",
  help: "retry-job, delete-job, purge-queue or restart-service",
  schema: Flags.sized(64, Model.ActionType)
})

const target = Flags.argument({
  name: "TARGET",
  help: "a job's id (of BullMQ QUEUE:ID), a queue's name or a worker service's name",
  schema: Flags.sized(256, Model.Target)
})

const service = Flags.required({
  name: "service",
  alias: "s",
  placeholder: "SERVICE",
  help: "which service has the target",
  schema: Service.ServiceId
})

const params = Flags.optional({
  name: "params",
  placeholder: "JSON|@FILE",
  help: "what the action needs to know beside its target; @FILE reads it from a file, as a secret should be",
  schema: Params.Source
})

const commandId = Flags.optional({
  name: "command-id",
  placeholder: "ID",
  help: "the command's id: the same id never runs twice",
  default: "a new one",
  schema: Model.CommandId
})

const reason = Flags.optional({
  name: "reason",
  placeholder: "TEXT",
  help: "why, for the record",
  schema: Schema.String.pipe(Schema.maxLength(1000)).annotations({ description: "a text of at most 1000 characters" })
})

const dryRun = Flags.toggle({
  name: "dry-run",
  help: "only tell what it would find: whether it would be applied, and how the target is now. Nothing is written"
})

const wait = Flags.optional({
  name: "wait",
  placeholder: "DURATION|none",
  help: "how long to follow it, as 30s or 5m; none: return when it is accepted, which needs a server",
  default: "until it ends",
  schema: Schema.Union(Schema.Literal("none"), DurationText.short).annotations({
    description: "a duration such as 500ms, 30s, 5m or 1h, or none"
  })
})

export const program = Program.make({
  name: "run",
  summary: "Run a maintenance command, at most once, and follow it to its end.",
  details: [
    "Its id is told before anything is sent. Whatever happens then, the same command with that id never runs a second time: it tells what became of the first."
  ],
  inputs: {
    action,
    target,
    service,
    params,
    reason,
    dryRun,
    wait,
    commandId,
    ...Flags.access,
    output: Flags.output(["table", "json"])
  },
  examples: [
    {
      says: "Have a failed job tried again",
      line: 'mithrandir run retry-job mail-000013 --service palantir --reason "INC-7"'
    },
    {
      says: "See first what deleting a job would find",
      line: "mithrandir run delete-job mail-000021 -s palantir --dry-run"
    },
    { says: "Empty a queue of what waits in it", line: "mithrandir run purge-queue mail -s palantir" },
    {
      says: "Under an id of your own, so that repeating the line is harmless",
      line: "mithrandir run retry-job mail-000014 -s palantir --command-id inc-7-1"
    },
    {
      says: "Leave it to a server, and do not wait",
      line: "mithrandir run delete-job mail-000021 -s palantir --wait none --url http://127.0.0.1:4410"
    }
  ],
  exits: {
    ...ExitCode.wordsOf(ExitCode.usage, ExitCode.notAllowed),
    0: "applied; with --wait none accepted; with --dry-run it would be applied",
    1: "certainly not applied, or looked for and not found; with --dry-run it would not be applied",
    5: "the service or the server was never reached: not applied",
    6: "unknown: it was sent, and its end was not seen in time or cannot be told",
    130: "interrupted; it may be applied all the same"
  },
  run: (given) =>
    Effect.gen(function* () {
      const id = Option.getOrElse(given.commandId, () => crypto.randomUUID())
      const request: Model.CommandRequest = {
        commandId: id,
        service: given.service,
        actionType: given.action,
        target: given.target,
        ...(Option.isSome(given.params) ? { params: yield* Params.read(given.params.value) } : {}),
        ...(Option.isSome(given.reason) ? { reason: given.reason.value } : {})
      }
      if (given.dryRun) return yield* Signals.interruptible(preview(given, request))
      yield* Signals.interruptible(Signals.scopedBriefly(send(given, request)), farewell(id))
    })
})

/** What was typed of where, and how to print. */
type How = Access.Given & {
  readonly output: "table" | "json"
  readonly wait: Option.Option<Duration.Duration | "none">
}

const preview = (how: How, request: Model.CommandRequest) =>
  Effect.gen(function* () {
    const found = yield* Effect.mapError(Access.preview(how, request), (error) =>
      isOfUpstream(error) ? unseen(error, request.service) : error
    )
    const { met, problem = "" } = found.precondition
    yield* how.output === "json"
      ? Output.data(Output.json(encodePreview(found)))
      : Output.data(
          Output.facts([
            ["service", found.service],
            ["action", found.actionType],
            ["target", found.target],
            ["would run", met ? "yes" : `no: ${problem}`],
            ...(found.note === undefined ? [] : [["note", found.note] as const]),
            ["before", Output.compactJson(found.beforeState)]
          ])
        )
    if (met) return
    yield* hint(request, problem)
    yield* new ExitCode.Ended({ code: ExitCode.failed })
  })

/** Of a job that is not there, typed as BullMQ itself names it: there each queue has a job 13. */
const hint = ({ target }: Model.CommandRequest, problem: string) =>
  problem.endsWith(`job "${target}" does not exist`) && !target.includes(":")
    ? Output.note(Output.printable(`of BullMQ a job is named with its queue, as QUEUE:${target}`))
    : Effect.void

/** Said by the source itself, or by a server of it. */
const isOfUpstream = (error: Program.Failure): boolean =>
  error._tag.startsWith("Source") || ("code" in error && String(error.code).startsWith("upstream-"))

const unseen = (error: Program.Failure, service: string) =>
  new ExitCode.Refused({
    code: ExitCode.ofError(error),
    problem: `service "${service}" could not be asked for the target: ${error.message}; see that it runs, and that its url and its secret are right`
  })

const send = (how: How, request: Model.CommandRequest) =>
  Effect.gen(function* () {
    const id = request.commandId
    const access = yield* Access.operator(how)
    // Said before anything is sent: whoever loses us can ask what became of it, and repeat it without harm.
    yield* Output.note(`command ${id}`)
    const orLost = Effect.mapError((error: Program.Failure) => (error._tag === "AnswerLost" ? lost(error, id) : error))
    const wait = Option.getOrUndefined(how.wait)
    if (wait === "none") {
      const accepted = yield* orLost(access.accept(request))
      // Of one that has ended by now there is more to say.
      if (!Model.isEnd(accepted.phase)) return yield* printAccepted(accepted, how)
    }
    const following = orLost(access.run(request, teller(), Output.note("it had ended already; nothing was run")))
    const state = yield* wait === undefined || wait === "none"
      ? following
      : Effect.timeoutFail(following, { duration: wait, onTimeout: () => late(wait, id) })
    yield* print(state, how.output)
    yield* hint(request, state.logs.at(-1) ?? "")
    const code = ExitCode.ofCommand(state)
    if (code !== ExitCode.ok) yield* new ExitCode.Ended({ code })
  })

const late = (wait: Duration.Duration, id: string) =>
  new ExitCode.Refused({
    code: ExitCode.unknown,
    problem: `it has not ended within ${Duration.format(wait)}: ${advice(id)}`
  })

const printAccepted = (accepted: Accepted, { output, url }: How) =>
  Effect.gen(function* () {
    const { commandId, phase, service } = accepted
    yield* output === "json"
      ? Output.data(Output.json({ commandId, service, phase, replayed: accepted.replayed }))
      : Output.data(
          Output.facts([
            ["command", commandId],
            ["service", service],
            ["phase", phase]
          ])
        )
    const at = Option.match(url, { onNone: () => "", onSome: (url) => ` --url ${url}` })
    yield* Output.note(Output.printable(`once it has ended: mithrandir audit show ${commandId}${at}`))
  })

const encodePreview = Schema.encodeSync(Model.Preview)

const farewell = (id: string) => Output.note(`interrupted: ${advice(id)}`)

const lost = ({ message }: Program.Failure, id: string) =>
  new ExitCode.Refused({ code: ExitCode.unknown, problem: `${message}: ${advice(id)}` })

const advice = (id: string) => `it may have been applied all the same; repeat it with --command-id ${id} to see`

/** Tells each phase as it comes, with the log lines that were not told before. */
const teller = () => {
  let told = 0
  return (status: Event.CommandStatus) =>
    Effect.suspend(() => {
      const lines = status.logs.slice(told)
      told = Math.max(told, status.logs.length)
      return Effect.forEach(
        [Wording.phase(status), ...lines.map((line) => `  ${line}`)],
        (line) => Output.note(Output.printable(line)),
        { discard: true }
      )
    })
}

const encode = Schema.encode(Model.CommandState)

const print = (state: Model.CommandState, format: "table" | "json") =>
  format === "json"
    ? Effect.flatMap(Effect.orDie(encode(state)), (encoded) => Output.data(Output.json(encoded)))
    : Output.data(
        Output.facts([
          ["command", state.commandId],
          ["service", state.service],
          ["action", state.actionType],
          ["target", state.target],
          ["outcome", state.outcome ?? "not known yet"],
          ...verified(state),
          ["ended", state.endedAt === undefined ? "not yet" : Wording.moment(state.endedAt)]
        ])
      )

/** What was certainly not applied has no effect that could be looked for. */
const verified = ({ outcome, verified }: Model.CommandState): ReadonlyArray<readonly [string, string]> =>
  outcome === "failure" ? [] : [["verified", verified === undefined ? "cannot be told" : verified ? "yes" : "no"]]
