/** Answers the routes of commands. */

import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Command, Commands } from "@mithrandir/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CurrentPrincipal } from "./Admission.ts"
import * as CommandsApi from "./CommandsApi.ts"
import { EventHub } from "./EventHub.ts"
import * as HangUp from "./HangUp.ts"
import type { Mounted } from "./Mount.ts"
import * as Prefer from "./Prefer.ts"
import { respond } from "./StreamHttp.ts"
import { eventStream } from "./StreamMessage.ts"
import * as Upstream from "./Upstream.ts"

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirCommands", (handlers) =>
    Effect.gen(function* () {
      const commands = yield* Commands.Commands
      const hub = yield* EventHub

      /** The state of a command once it has ended, or as it is after so long, or when the server shuts down. */
      const settled = Effect.fn("CommandsHttp.settled")(function* (state: Command.CommandState, seconds: number) {
        if (Command.isEnd(state.phase)) return state
        yield* Stream.runDrain(commands.follow(state.commandId)).pipe(
          Effect.timeoutOption(Duration.seconds(seconds)),
          Effect.raceFirst(hub.closing)
        )
        return yield* commands.get(state.commandId)
      })

      return handlers
        .handle("run", ({ payload: { dryRun, ...command }, headers: { prefer }, request }) =>
          Effect.gen(function* () {
            const { headers, originalUrl } = request
            if (dryRun === true) return yield* Effect.catchTags(commands.preview(command), Upstream.problems)
            const principal = yield* CurrentPrincipal
            const { replayed, state } = yield* commands.submit(command, principal.actor)
            const location = { location: locationOf(originalUrl, state.commandId) }
            if (wantsEvents(headers.accept)) {
              // It is on record: that there is no room for a stream does not undo it.
              return yield* hub.ofCommand(state, { principal, cut: HangUp.of(request) }).pipe(
                Effect.map((events) => respond(events, location)),
                Effect.orElseSucceed(() => accepted(state, replayed, location))
              )
            }
            const wait = Prefer.wait(prefer)
            if (Option.isNone(wait)) return accepted(state, replayed, location)
            // It is on record, and whatever goes wrong while we wait does not change that.
            const latest = yield* Effect.catchAll(settled(state, wait.value), () => Effect.succeed(state))
            const applied = { ...location, "preference-applied": `wait=${wait.value}` }
            return Command.isEnd(latest.phase)
              ? json(encodeConcluded({ ...latest, replayed }), 200, applied)
              : accepted(latest, replayed, applied)
          })
        )
        .handle("get", ({ path: { commandId } }) => commands.get(commandId))
    })
  )

type Headers = Readonly<Record<string, string>>

const json = (body: unknown, status: number, headers: Headers) =>
  HttpServerResponse.unsafeJson(body, { status, headers })

/** 200 says that it had ended before this request, 202 that it may still be at work. */
const accepted = ({ commandId, phase, service }: Command.CommandState, replayed: boolean, headers: Headers) =>
  json({ commandId, service, phase, replayed }, replayed && Command.isEnd(phase) ? 200 : 202, headers)

const encodeConcluded = Schema.encodeSync(CommandsApi.Concluded)

/** Beside the path that was asked for, wherever this API is mounted. */
const locationOf = (url: string, commandId: string): string =>
  new URL(url, "http://localhost").pathname.replace(/run\/?$/, commandId)

/** Whether a client names event streams among what it accepts. `*` alone is no wish for one. */
const wantsEvents = (accept = ""): boolean =>
  accept
    .toLowerCase()
    .split(",")
    .map((range) => range.split(";").map((part) => part.trim()))
    .some(([type, ...parameters]) => type === eventStream && !parameters.some((part) => /^q=0(\.0*)?$/.test(part)))
