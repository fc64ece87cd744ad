/** A maintenance action somebody asked for, and the ways it can go. */
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { ServiceId } from "./Service.ts"
import { Timestamp } from "./Timestamp.ts"

/** The client's name for one command. The same id never runs twice. Not `.` or `..`, which URLs swallow. */
export const CommandId = Schema.String.pipe(
  Schema.pattern(/^[A-Za-z0-9._:-]{1,64}$/, { message: () => "expected 1 to 64 of A-Z a-z 0-9 . _ : -" }),
  Schema.filter((text) => (text !== "." && text !== "..") || 'expected something else than "." or ".."'),
  Schema.annotations({ identifier: "CommandId" })
)
export type CommandId = typeof CommandId.Type

/** An action's name. Which ones there are is the catalog's to say. */
export const ActionType = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(64))
export type ActionType = typeof ActionType.Type

/** C0, DEL and C1: what could forge a log line or a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const controls = /[\u0000-\u001f\u007f-\u009f]/

/** What a command acts on: 1 to 256 characters, no control characters, not `.` or `..`, which URLs swallow. */
export const Target = Schema.String.pipe(
  Schema.minLength(1),
  Schema.maxLength(256),
  Schema.filter((text) => !controls.test(text) || "expected no control characters"),
  Schema.filter((text) => (text !== "." && text !== "..") || 'expected something else than "." or ".."'),
  Schema.filter((text) => !/\p{Surrogate}/u.test(text) || "expected well-formed Unicode"),
  Schema.annotations({ identifier: "Target" })
)

/** Parameters of an action, as JSON. What they must be is the action's own Schema. */
export const Params = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  identifier: "Params",
  // What is there instead may be a secret: it is not quoted.
  message: () => "expected an object of params"
})
export type Params = typeof Params.Type

/** What stands in the place of an id in URLs of the audit. */
export const reservedIds: ReadonlyArray<string> = ["checkpoint", "export"]

/** The id of a command that is new. */
const NewCommandId = CommandId.pipe(
  Schema.filter(
    (id) =>
      !reservedIds.includes(id) || `expected something else than ${reservedIds.map((id) => `"${id}"`).join(" or ")}`
  )
)

/** What a client asks for. Who asks is never in here: the actor is whoever authenticated. */
export const CommandRequest = Schema.Struct({
  commandId: NewCommandId,
  service: ServiceId,
  actionType: ActionType,
  target: Target,
  params: Schema.optionalWith(Params, { exact: true }),
  /** For people; recorded, and no part of what makes two requests the same. */
  reason: Schema.optionalWith(Schema.String.pipe(Schema.maxLength(1000)), { exact: true })
}).annotations({ identifier: "CommandRequest" })
export type CommandRequest = typeof CommandRequest.Type

/** How a command ended. `failure`: certainly not applied. `timeout`: its effect is unknown. */
export const Outcome = Schema.Literal("success", "failure", "timeout")
export type Outcome = typeof Outcome.Type

/** How far a command is. The first two are on the way; of the last three one is the end. */
export const Phase = Schema.Literal("queued", "running", "success", "error", "timeout")
export type Phase = typeof Phase.Type

/** The phase in which an outcome shows on the stream. */
export const phaseOf = (outcome: Outcome): Phase => (outcome === "failure" ? "error" : outcome)

/** Nothing follows it. */
export const isEnd = (phase: Phase): boolean => phase !== "queued" && phase !== "running"

const next: Record<Phase, ReadonlyArray<Phase>> = {
  queued: ["running", "error"],
  running: ["success", "error", "timeout"],
  success: [],
  error: [],
  timeout: []
}

/** Whether a command may go from one phase to another. `queued` may only start, or end certainly unapplied. */
export const canFollow = (from: Phase, to: Phase): boolean => next[from].includes(to)

/** The phases from which a command may come into this one. */
export const predecessors = (to: Phase): ReadonlyArray<Phase> => Phase.literals.filter((from) => canFollow(from, to))

/** A command as its journal knows it. */
export interface Command {
  /** The client's name for it. */
  readonly commandId: CommandId
  /** The service it is for. */
  readonly service: ServiceId
  /** What is to be done. */
  readonly actionType: ActionType
  /** What it is to be done to. */
  readonly target: string
  /** As they were sent, with "[redacted]" for every sensitive value. */
  readonly params: Params
  /** What whoever asked gave as the reason. */
  readonly reason: Option.Option<string>
  /** Who asked, as authenticated. */
  readonly actor: string
  /** What tells a repeated request from another one under the same id. */
  readonly fingerprint: string
  /** How far it is. */
  readonly phase: Phase
  /** How it ended; none before it has. */
  readonly outcome: Option.Option<Outcome>
  /** Whether its effect was found; none where it could not be told, or not yet. */
  readonly verified: Option.Option<boolean>
  /** One line for each step so far, oldest first. */
  readonly logs: ReadonlyArray<string>
  /** What the target was before the command ran: JSON, none before it runs. */
  readonly before: Option.Option<unknown>
  /** When it was accepted. */
  readonly createdAt: Timestamp
  /** After this it is not started any more. */
  readonly deadline: Timestamp
  /** When it ended; none before it has. */
  readonly endedAt: Option.Option<Timestamp>
}

/** What `GET /commands/{commandId}` answers. */
export const CommandState = Schema.Struct({
  commandId: CommandId,
  service: ServiceId,
  actionType: ActionType,
  /** What it is to be done to. */
  target: Schema.String,
  phase: Phase,
  /** Absent: it has not ended. */
  outcome: Schema.optionalWith(Outcome, { exact: true }),
  /** Whether its effect was found when the target was read again; absent where that cannot be told, or not yet. */
  verified: Schema.optionalWith(Schema.Boolean, { exact: true }),
  /** One line for each step so far, the oldest first. */
  logs: Schema.Array(Schema.String),
  /** When it was accepted. */
  createdAt: Timestamp,
  /** Absent: it has not ended. */
  endedAt: Schema.optionalWith(Timestamp, { exact: true })
}).annotations({ identifier: "CommandState" })
export type CommandState = typeof CommandState.Type

const given = <K extends string, A>(key: K, value: Option.Option<A>): { readonly [P in K]?: A } =>
  Option.isSome(value) ? ({ [key]: value.value } as { readonly [P in K]?: A }) : {}

/** What of a command is shown. */
export const state = (command: Command): CommandState => ({
  commandId: command.commandId,
  service: command.service,
  actionType: command.actionType,
  target: command.target,
  phase: command.phase,
  ...given("outcome", command.outcome),
  ...given("verified", command.verified),
  logs: command.logs,
  createdAt: command.createdAt,
  ...given("endedAt", command.endedAt)
})

/** What a command would find, were it sent now: nothing is written, and its id stays free. */
export const Preview = Schema.Struct({
  commandId: CommandId,
  service: ServiceId,
  actionType: ActionType,
  /** What it would be done to. */
  target: Schema.String,
  /** It is no command: nothing was done. */
  dryRun: Schema.Literal(true),
  /** Whether it would be applied; `problem` says in a sentence why it would not. */
  precondition: Schema.Struct({
    met: Schema.Boolean,
    problem: Schema.optionalWith(Schema.String, { exact: true })
  }),
  /** That there is nothing to do, where that is so: it would succeed without touching upstream. */
  note: Schema.optionalWith(Schema.String, { exact: true }),
  /** The target as it is now. */
  beforeState: Schema.Unknown
}).annotations({ identifier: "Preview" })
export type Preview = typeof Preview.Type

/** No command has this id. */
export class CommandNotFound extends Schema.TaggedError<CommandNotFound>()("CommandNotFound", {
  commandId: CommandId
}) {
  override get message() {
    return `no command "${this.commandId}" was ever accepted here`
  }
}

/** The id is taken by a command with other content. Choose a new id, or send the same content again. */
export class CommandIdTaken extends Schema.TaggedError<CommandIdTaken>()("CommandIdTaken", { commandId: CommandId }) {
  override get message() {
    return `commandId "${this.commandId}" is taken by a command with other content; use a new id`
  }
}

/** No action has this name. */
export class ActionNotFound extends Schema.TaggedError<ActionNotFound>()("ActionNotFound", {
  /** What was asked for. */
  actionType: Schema.String,
  /** What there is. */
  known: Schema.Array(ActionType)
}) {
  override get message() {
    return `no action "${this.actionType}"; known: ${this.known.join(", ")}`
  }
}

/** The service's source has no such action. */
export class ActionNotSupported extends Schema.TaggedError<ActionNotSupported>()("ActionNotSupported", {
  service: ServiceId,
  actionType: ActionType,
  /** What it does support. */
  supported: Schema.Array(ActionType)
}) {
  override get message() {
    return `"${this.service}" does not support ${this.actionType}; it supports: ${this.supported.join(", ") || "nothing"}`
  }
}

/** Params or target do not fit the action. `path` says where, and `problem` in half a sentence how. */
export class CommandInvalid extends Schema.TaggedError<CommandInvalid>()("CommandInvalid", {
  path: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return this.path === "" ? this.problem : `${this.path}: ${this.problem}`
  }
}

/** Says of a value that does not fit where it does not, and quotes none of it. */
export const invalid =
  (...prefix: ReadonlyArray<string>) =>
  (error: ParseResult.ParseError): CommandInvalid => {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
    const path = [...prefix, ...(issue?.path ?? [])].map(String).join(".")
    const problem = issue === undefined ? unfit : (problems[issue._tag] ?? unfit)
    return new CommandInvalid({ path, problem })
  }

const unfit = "is not what is expected there"

/** The formatter's own words quote what was sent. */
const problems: { readonly [Tag in ParseResult.ArrayFormatterIssue["_tag"]]?: string } = {
  Missing: "is missing",
  Unexpected: "is not known to this action; leave it out"
}
