/** The front door of commands: accept, look up, follow. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { EventLog } from "../events/EventLog.ts"
import {
  type ActionNotFound,
  type ActionNotSupported,
  type CommandIdTaken,
  CommandInvalid,
  CommandNotFound,
  CommandRequest,
  type CommandState,
  invalid,
  isEnd,
  type Params,
  type Preview,
  state
} from "../model/Command.ts"
import { CommandStatus, statusOf } from "../model/Event.ts"
import { plain } from "../model/Json.ts"
import { conceal, redacted } from "../model/Sensitive.ts"
import type { ServiceNotFound } from "../model/Service.ts"
import { ServiceRegistry } from "../services/ServiceRegistry.ts"
import { type ReadError, SourceUnavailable } from "../sources/JobSource.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"
import { CommandCatalog } from "./CommandCatalog.ts"
import { CommandDispatcher } from "./CommandDispatcher.ts"
import { CommandJournal } from "./CommandJournal.ts"
import { fingerprintOf } from "./Fingerprint.ts"
import * as Kept from "./Kept.ts"

/** What `submit` answers. */
export interface Accepted {
  /** The command as it is now; of one that was accepted before, as far as it has come. */
  readonly state: CommandState
  /** It was accepted before, with the same content; nothing was started by this request. */
  readonly replayed: boolean
}

/** The request cannot be meant: no repetition changes that. */
export type RequestError = ServiceNotFound | ActionNotFound | ActionNotSupported | CommandInvalid

/**
 * Why a command was not accepted: nothing was started. A store that is unavailable or unreadable is worth another try.
 */
export type SubmitError = RequestError | CommandIdTaken | StoreUnavailable | StoreUnreadable

/** Maintenance commands: each happens at most once, is verified, and is on the record. */
export class Commands extends Context.Tag("@mithrandir/core/Commands")<
  Commands,
  {
    /**
     * Accepts a command for an actor: it is in the journal, synced, when this succeeds, and runs without the caller.
     * The same id with the same content gives the stored state and runs nothing.
     */
    readonly submit: (request: CommandRequest, actor: string) => Effect.Effect<Accepted, SubmitError>
    /** What a command would find, were it sent now. Reads its target, writes nothing, and uses no id up. */
    readonly preview: (request: CommandRequest) => Effect.Effect<Preview, RequestError | ReadError>
    /** A command as far as it has come. */
    readonly get: (commandId: string) => Effect.Effect<CommandState, CommandNotFound | StoreUnreadable>
    /**
     * The phases of a command, from its first to its last, each as it is committed; ends with the command. Of one
     * that has ended already: its last.
     */
    readonly follow: (commandId: string) => Stream.Stream<CommandStatus, CommandNotFound | StoreUnreadable>
    /** Takes up every command that has not ended. For whoever has become the writer. */
    readonly recover: Effect.Effect<void, StoreUnreadable>
  }
>() {}

const make = Effect.gen(function* () {
  const catalog = yield* CommandCatalog
  const dispatcher = yield* CommandDispatcher
  const events = yield* EventLog
  const journal = yield* CommandJournal
  const registry = yield* ServiceRegistry
  const store = yield* Store

  /**
   * Commands with sensitive params that are just being accepted: from before the journal has them until they are
   * dispatched, so that a recovery that finds one in the journal between the two does not take its params for lost.
   */
  const accepting = new Set<{ readonly fingerprint: string; readonly unwritten: Params }>()

  /** What a request means: its service, its action, and that bound to what it is to do. */
  const resolve = Effect.fn("Commands.resolve")(function* (request: CommandRequest) {
    yield* Effect.mapError(validate(request), invalid())
    const params = yield* asParams(request.params ?? {})
    const service = yield* registry.get(request.service)
    const { action, bound } = yield* catalog.resolve(service, { ...request, params })
    const concealed = conceal(action.params, params)
    if (concealed.isCopied) {
      const problem = `"${redacted}" stands where a sensitive value belongs; records do not have it, so give it again`
      return yield* new CommandInvalid({ path: "params", problem })
    }
    return { action, bound, concealed, params, service }
  })

  const preview = Effect.fn("Commands.preview")(function* (request: CommandRequest) {
    const { bound, service } = yield* resolve(request)
    const { actionType, commandId, target } = request
    const before = yield* Effect.timeoutFail(bound.snapshot, {
      duration: service.commandTimeout,
      onTimeout: () => new SourceUnavailable({ reason: "timeout" })
    })
    const problem = Option.getOrUndefined(bound.refusal(before))
    const note = problem === undefined ? Option.getOrUndefined(bound.isDone(before)) : undefined
    const answer: Preview = {
      commandId,
      service: service.id,
      actionType,
      target,
      dryRun: true,
      precondition: problem === undefined ? { met: true } : { met: false, problem },
      ...(note === undefined ? {} : { note }),
      beforeState: Kept.state("before", before).kept
    }
    return answer
  })

  const submit = Effect.fn("Commands.submit")(function* (request: CommandRequest, actor: string) {
    const { action, concealed, params, service } = yield* resolve(request)
    const fingerprint = yield* fingerprintOf(action, { ...request, params })
    const createdAt = yield* DateTime.now
    const accept = journal.accept({
      commandId: request.commandId,
      service: request.service,
      actionType: request.actionType,
      target: request.target,
      params: concealed.params,
      reason: Option.fromNullable(request.reason),
      actor,
      fingerprint,
      phase: "queued",
      outcome: Option.none(),
      verified: Option.none(),
      logs: [
        `${request.actionType} of "${request.target}" on ${request.service} accepted from ${actor}`,
        ...(request.reason === undefined ? [] : [`reason: ${request.reason}`])
      ],
      before: Option.none(),
      createdAt,
      deadline: DateTime.addDuration(createdAt, service.commandTimeout),
      endedAt: Option.none()
    })
    const held = { fingerprint, unwritten: params }
    if (concealed.isSensitive) accepting.add(held)
    return yield* Effect.gen(function* () {
      const { command, replayed } = yield* accept
      // Also a replayed one: the process that accepted it may be gone.
      if (!isEnd(command.phase) && (yield* store.isWriter)) {
        yield* dispatcher.dispatch(command.commandId, concealed.isSensitive ? params : undefined)
      }
      return { state: state(command), replayed }
    }).pipe(Effect.ensuring(Effect.sync(() => accepting.delete(held))))
  }, Effect.uninterruptible)

  const find = (commandId: string) =>
    Effect.flatMap(
      journal.find(commandId),
      Option.match({ onNone: () => new CommandNotFound({ commandId }), onSome: Effect.succeed })
    )

  const follow = (commandId: string) =>
    Stream.unwrap(
      Effect.map(find(commandId), (command) =>
        isEnd(command.phase)
          ? Stream.make(statusOf(state(command)))
          : events.ofCommand(commandId).pipe(
              Stream.mapEffect((event) => Effect.orDie(decodeStatus(event.data))),
              Stream.takeUntil(({ phase }) => isEnd(phase))
            )
      )
    )

  const recover = Effect.flatMap(
    journal.unfinished,
    Effect.forEach(
      ({ commandId, fingerprint }) => {
        const held = Array.from(accepting).find((one) => one.fingerprint === fingerprint)
        return dispatcher.dispatch(commandId, held?.unwritten)
      },
      { discard: true }
    )
  ).pipe(Effect.withSpan("Commands.recover"))

  return Commands.of({
    submit,
    preview,
    get: Effect.fn("Commands.get")((commandId: string) => Effect.map(find(commandId), state)),
    follow,
    recover
  })
})

/** Over the catalog, the journal, the registered services, and wherever the dispatcher runs commands. */
export const layer: Layer.Layer<
  Commands,
  never,
  CommandCatalog | CommandDispatcher | CommandJournal | EventLog | ServiceRegistry | Store
> = Layer.effect(Commands, make)

const validate = Schema.validate(CommandRequest)

/** Params as they will be read from the journal: whoever calls in this process may give anything that is no JSON. */
const asParams = (params: Params): Effect.Effect<Params, CommandInvalid> => {
  const copied = plain(params, Kept.maxParamsDepth)
  if (Either.isLeft(copied)) {
    const { path, problem } = copied.left
    return new CommandInvalid({ path: ["params", ...path].join("."), problem })
  }
  return Buffer.byteLength(JSON.stringify(copied.right)) > Kept.maxParamsBytes
    ? new CommandInvalid({ path: "params", problem: `have more than ${Kept.maxParamsBytes} bytes of JSON` })
    : Effect.succeed(copied.right as Params)
}

const decodeStatus = Schema.decode(Schema.parseJson(CommandStatus))
