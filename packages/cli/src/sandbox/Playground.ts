/** A Palantir with living jobs on this machine: beside a server for `serve --sandbox`, or alone. */
import { Commands, EventLog } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ServiceEntry from "../config/ServiceEntry.ts"
import * as Flags from "../line/Flags.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Narrator from "../output/Narrator.ts"
import * as Output from "../output/Output.ts"
import * as Faults from "./Faults.ts"
import * as Sandbox from "./Sandbox.ts"

/** Where a sandbox is unless told otherwise. */
export const defaultPort = 4420

/** What it is registered as. */
const serviceId = "palantir"

/** What goes wrong, as it is typed. */
export const fault = Flags.parsed({
  name: "fault",
  placeholder: "FAULTS",
  help: `what goes wrong in the sandbox, as vanish=20s,down=60s,downFor=12s; none: nothing; known: ${Faults.names.join(", ")}`,
  default: "a lost job every 2m, an outage every 3m",
  read: (text) => Either.mapLeft(Faults.parseFaults(text), (error) => error.message)
})

/** Runs a sandbox for the scope, telling what happens in it. Without a port: the usual one, or any that is free. */
export const run = (
  faults: Option.Option<Faults.Faults>,
  port: Option.Option<number>
): Effect.Effect<Context.Tag.Service<Sandbox.Sandbox>, ExitCode.Refused, Scope.Scope> => {
  const listen = (at: number) =>
    Sandbox.layer({
      host: "127.0.0.1",
      port: at,
      faults: Option.getOrElse(faults, () => Faults.standard),
      say: (line) => Output.happening([line])
    }).pipe(
      Layer.build,
      Effect.mapBoth({
        onSuccess: (context) => Context.get(context, Sandbox.Sandbox),
        onFailure: () =>
          new ExitCode.Refused({
            code: ExitCode.failed,
            problem: `the sandbox cannot listen on 127.0.0.1:${at}: is something else there? Choose another port`
          })
      })
    )
  return Option.match(port, {
    onNone: () => Effect.orElse(listen(defaultPort), () => listen(0)),
    onSome: listen
  })
}

/** What is set, for whoever starts one. */
export const whatGoesWrong = (faults: Option.Option<Faults.Faults>): string =>
  `what goes wrong by itself: ${Faults.formatFaults(Option.getOrElse(faults, () => Faults.standard))}`

/** A sandbox beside a server. */
export interface Playground {
  /** The sandbox as a service to reconcile. */
  readonly service: ServiceEntry.ServiceConfig
  /** What to tell of it at the start. */
  readonly facts: ReadonlyArray<string>
  /** Shows a newcomer what commands are, in the server that listens at this url. Goes on for ever. */
  readonly demonstrate: (url: string) => Effect.Effect<never, never, Commands.Commands | EventLog.EventLog>
}

/** Often enough that everything there is to see is seen within the first minute. */
const pollInterval = Duration.seconds(2)

/** Runs a sandbox for the scope, as a service beside these. */
export const start = Effect.fn("Playground.start")(function* (
  faults: Option.Option<Faults.Faults>,
  services: ReadonlyArray<ServiceEntry.ServiceConfig>
) {
  if (services.some(({ id }) => id === serviceId)) {
    return yield* new ExitCode.Refused({
      code: ExitCode.usage,
      problem: `--sandbox registers a service "${serviceId}", and so does the config: leave one of them out`
    })
  }
  const sandbox = yield* run(faults, Option.none())
  const playground: Playground = {
    service: { id: serviceId, name: "Palantir sandbox", type: "palantir", url: sandbox.url, pollInterval },
    facts: [
      `the sandbox is a Palantir with living jobs; ${whatGoesWrong(faults)}`,
      "try what is suggested below in another terminal",
      `or have something go wrong (${Faults.faultNames.join(", ")}):`,
      `  curl -s -H 'content-type: application/json' -d '{"now":"revive"}' ${sandbox.url}/faults`
    ],
    demonstrate: (url) => demonstrate(sandbox, url)
  }
  return playground
})

/** After the first passes, so that there is one thing to look at at a time. */
const hintAfter = Duration.seconds(5)

/** A newcomer who has not tried by then is shown: early enough for the first minute, late enough not to be hasty. */
const showAfter = Duration.seconds(20)

const demonstrate = (sandbox: Context.Tag.Service<Sandbox.Sandbox>, url: string) =>
  Effect.gen(function* () {
    const events = yield* EventLog.EventLog
    const commands = yield* Commands.Commands
    const begin = yield* events.newest
    const tried = Stream.runHead(events.tail(begin, { names: ["command.status"] }))

    yield* Effect.sleep(hintAfter)
    const failed = yield* firstFailed(sandbox)
    if (failed === undefined) return
    yield* Output.happening([
      `job ${failed} has failed; have it tried again:`,
      `  ${Narrator.runCurl(url, { ...retry(failed), commandId: "my-first" })}`
    ])
    if (Option.isSome(yield* Effect.timeoutOption(tried, showAfter))) return

    // Another one, so that the suggestion still works.
    const chosen = yield* firstFailed(sandbox, failed)
    if (chosen === undefined) return
    yield* Output.happening([
      `nobody has tried yet; to show what happens, the sandbox has job ${chosen} tried again itself:`
    ])
    yield* commands.submit({ ...retry(chosen), commandId: `sandbox-${crypto.randomUUID()}` }, "sandbox")
  }).pipe(
    // It only shows; the server goes on without it.
    Effect.catchAll((error) => Output.note(Output.printable(`the demonstration was left out: ${error.message}`))),
    Effect.zipRight(Effect.never)
  )

const retry = (target: string) => ({ service: serviceId, actionType: "retry-job", target })

const firstFailed = (sandbox: Context.Tag.Service<Sandbox.Sandbox>, except?: string) =>
  Effect.map(sandbox.jobs.jobs, (jobs) => jobs.find(({ id, state }) => state === "failed" && id !== except)?.id)
