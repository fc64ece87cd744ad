/** `mithrandir run`: one maintenance command, followed to its end. */
import { type Event, Command as Model, Service } from "@mithrandir/core"
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

const action = Flags.argument({
  name: "ACTION",
  help: "retry-job, delete-job, purge-queue or restart-service",
  schema: Model.ActionType
})

const target = Flags.argument({
  name: "TARGET",
  help: "a job's id, a queue's name or a worker service's name",
  schema: Model.Target
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
  placeholder: "JSON",
  help: "what the action needs to know beside its target",
  schema: Schema.parseJson(Model.Params).annotations({ description: 'a JSON object such as {"key": "value"}' })
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
    commandId,
    reason,
    ...Flags.access,
    output: Flags.output(["table", "json"])
  },
  examples: [
    {
      says: "Have a failed job tried again",
      line: 'mithrandir run retry-job mail-000013 --service palantir --reason "INC-7"'
    },
    { says: "Delete a job", line: "mithrandir run delete-job mail-000021 -s palantir" },
    { says: "Empty a queue of what waits in it", line: "mithrandir run purge-queue mail -s palantir" },
    {
      says: "Under an id of your own, so that repeating the line is harmless",
      line: "mithrandir run retry-job mail-000014 -s palantir --command-id inc-7-1"
    }
  ],
  exits: {
    ...ExitCode.wordsOf(ExitCode.usage, ExitCode.notAllowed, ExitCode.unknown),
    0: "applied",
    1: "certainly not applied, or looked for and not found",
    5: "the service or the server was never reached: not applied",
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
        ...(Option.isSome(given.params) ? { params: given.params.value } : {}),
        ...(Option.isSome(given.reason) ? { reason: given.reason.value } : {})
      }
      // Said before anything is sent: whoever loses us can ask what became of it, and repeat it without harm.
      yield* Output.note(`command ${id}`)
      yield* Effect.gen(function* () {
        const access = yield* Access.operator(given)
        const state = yield* access
          .run(request, teller(), Output.note("it had ended already; nothing was run"))
          .pipe(Effect.mapError((error) => (error._tag === "AnswerLost" ? lost(error, id) : error)))
        yield* print(state, given.output)
        const code = ExitCode.ofCommand(state)
        if (code !== ExitCode.ok) yield* new ExitCode.Ended({ code })
      }).pipe(Effect.scoped, (run) => Signals.interruptible(run, farewell(id)))
    })
})

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
