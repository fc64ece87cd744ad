/** `mithrandir run`: one maintenance command, followed to its end. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { type Event, Command as Model, Service } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "../Access.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Flags from "../Flags.ts"
import * as Output from "../Output.ts"
import type { Failure, Program } from "../Program.ts"
import * as Signals from "../Signals.ts"
import * as Wording from "../Wording.ts"

const action = Flags.argument("ACTION", Model.ActionType, "retry-job, delete-job, purge-queue or restart-service")

const target = Flags.argument("TARGET", Model.Target, "a job's id, a queue's name or a worker service's name")

const service = Options.text("service").pipe(
  Options.withAlias("s"),
  Options.withPseudoName("SERVICE"),
  Options.withDescription("which service has the target"),
  Options.mapEffect(Flags.schema("--service", Service.ServiceId))
)

const Params = Schema.parseJson(Model.Params).annotations({ description: 'a JSON object such as {"key": "value"}' })
const params = Flags.optional("params", Params, "what the action needs to know beside its target", "JSON")

const commandId = Flags.optional(
  "command-id",
  Model.CommandId,
  "the command's id: the same id never runs twice (default: a new one)",
  "ID"
)

const Reason = Schema.String.pipe(Schema.maxLength(1000)).annotations({
  description: "a text of at most 1000 characters"
})
const reason = Flags.optional("reason", Reason, "why, for the record", "TEXT")

const flags = { action, target, service, params, commandId, reason, ...Flags.access, output: Flags.output }

export const command: Program<"run", typeof flags> = Command.make("run", flags, (flags) =>
  Effect.gen(function* () {
    const id = Option.getOrElse(flags.commandId, () => crypto.randomUUID())
    const request: Model.CommandRequest = {
      commandId: id,
      service: flags.service,
      actionType: flags.action,
      target: flags.target,
      ...(Option.isSome(flags.params) ? { params: flags.params.value } : {}),
      ...(Option.isSome(flags.reason) ? { reason: flags.reason.value } : {})
    }
    // Said before anything is sent: whoever loses us can ask what became of it, and repeat it without harm.
    yield* Output.note(`command ${id}`)
    yield* Effect.gen(function* () {
      const access = yield* Access.operator(flags)
      const state = yield* access
        .run(request, teller(), Output.note("it had ended already; nothing was run"))
        .pipe(Effect.mapError((error) => (error._tag === "AnswerLost" ? lost(error, id) : error)))
      yield* print(state, flags.output)
      const code = ExitCode.ofCommand(state)
      if (code !== ExitCode.ok) yield* new ExitCode.Ended({ code })
    }).pipe(Effect.scoped, (run) => Signals.interruptible(run, farewell(id)))
  })
).pipe(Command.withDescription("Run a maintenance command, at most once, and follow it to its end."))

const farewell = (id: string) => Output.note(`interrupted: ${advice(id)}`)

const lost = ({ message }: Failure, id: string) =>
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

const print = (state: Model.CommandState, format: Output.Format) =>
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
