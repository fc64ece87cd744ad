/** Runs commands from T2 to T3, each at most once, and finishes what a crash left behind. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { type Command, isEnd, type Params } from "../model/Command.ts"
import { isJob, type Job } from "../model/Job.ts"
import { conceal } from "../model/Sensitive.ts"
import { type RegisteredService, ServiceRegistry } from "../services/ServiceRegistry.ts"
import * as Foreign from "../sources/Foreign.ts"
import { type ActionError, unsent } from "../sources/JobSource.ts"
import type { Action, Bound, Proof } from "./Action.ts"
import { CommandCatalog } from "./CommandCatalog.ts"
import { CommandJournal, type Ending } from "./CommandJournal.ts"
import * as Deadline from "./Deadline.ts"
import { InFlight } from "./InFlight.ts"
import * as Kept from "./Kept.ts"
import * as Looking from "./Looking.ts"
import * as Touched from "./Touched.ts"

/** Carries commands out. */
export class CommandRunner extends Context.Tag("@mithrandir/core/CommandRunner")<
  CommandRunner,
  {
    /**
     * Runs a journaled command to its end, or, if it was running when a process died, finishes it. One at a time
     * per target. Never fails: what can't be read or written is tried until it is. `unwritten`: its params as they
     * were sent, where some of them are sensitive. Without those it is not run: it ends `failure` if it was not
     * started, else `timeout`.
     */
    readonly run: (commandId: string, unwritten?: Params) => Effect.Effect<void>
  }
>() {}

/** Commands of one service that run side by side: enough to keep an operator from waiting, few enough not to load it. */
const maxRunning = 16

/** A command taken up: what its action does, and the order it does it for. */
interface Task {
  readonly action: Action
  readonly bound: Bound
  readonly honoursKeys: boolean
}

/** For what must be read or written sooner or later: tried after 100 ms, 200 ms, 400 ms, … 5 s, for ever. */
const untilDone = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    Effect.retry(Schedule.jittered(Schedule.union(Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")))),
    Effect.orDie
  )

const make = Effect.gen(function* () {
  const catalog = yield* CommandCatalog
  const inFlight = yield* InFlight
  const journal = yield* CommandJournal
  const registry = yield* ServiceRegistry
  // Each its own: a service whose commands hang delays no other's.
  const running = new Map(registry.all.map(({ id }) => [id, Effect.unsafeMakeSemaphore(maxRunning)]))
  const oneAtATime = yield* makeKeyed

  const end = (command: Command, ending: Ending) => {
    const before = Option.map(command.before, (json) => Kept.state("before", json).kept)
    const { kept: after, line } = Kept.state("after", ending.after)
    const logs = [...ending.logs, ...(line === undefined ? [] : [line])].map(Kept.line)
    return journal.end({ ...command, before }, { ...ending, after, logs }).pipe(
      // Its end is on the record already: an earlier attempt was acknowledged too late.
      Effect.catchTag("CommandIdTaken", () => Effect.void),
      untilDone
    )
  }

  /** It is certain that nothing was applied. */
  const fail = (command: Command, logs: ReadonlyArray<string>, after: unknown = Option.getOrNull(command.before)) =>
    end(command, { outcome: "failure", verified: Option.none(), after, logs, adoptions: () => [] })

  /** Nobody can take it further: what was not started was certainly not applied, and of the rest nothing is known. */
  const abandon = (command: Command, why: string) => {
    const logs = [...command.logs, why]
    if (command.phase === "queued") return fail(command, logs)
    return end(command, { outcome: "timeout", verified: Option.none(), after: null, logs, adoptions: () => [] })
  }

  const find = (commandId: string) =>
    Effect.map(untilDone(journal.find(commandId)), (found) =>
      Option.getOrUndefined(Option.filter(found, ({ phase }) => !isEnd(phase)))
    )

  /** Takes a command from where it is to its end. Whoever calls it has the turn of its target. */
  const carryOn = (commandId: string, unwritten?: Params) =>
    Effect.gen(function* () {
      // As it is by now: it may have waited for its turn.
      const command = yield* find(commandId)
      if (command === undefined) return
      const known = yield* Effect.either(
        Effect.all({ service: registry.get(command.service), action: catalog.get(command.actionType) })
      )
      if (Either.isLeft(known)) return yield* abandon(command, `after a restart: ${known.left.message}`)
      const { action, service } = known.right
      yield* proceed(command, action, service, unwritten).pipe(
        Effect.catchAllCause((cause) =>
          Cause.isInterrupted(cause) ? Effect.failCause(cause) : giveUp(commandId, cause)
        ),
        (proceeding) => running.get(service.id)?.withPermits(1)(proceeding) ?? proceeding
      )
    })

  const run = Effect.fn("CommandRunner.run")(function* (commandId: string, unwritten?: Params) {
    const command = yield* find(commandId)
    if (command === undefined) return
    const { actionType, service, target } = command
    const touches = Either.match(yield* Effect.either(catalog.get(actionType)), {
      onLeft: () => "nothing" as const,
      onRight: (action) => action.touches
    })
    yield* Effect.gen(function* () {
      // What runs at a target while somebody else has its turn was begun by a process that is gone. It goes first: what
      // this one does now would be taken for its effect.
      const running = yield* untilDone(journal.runningAt(service, target))
      for (const left of running.filter((id) => id !== commandId)) yield* carryOn(left)
      yield* carryOn(commandId, unwritten)
    }).pipe(oneAtATime(`${service} ${target}`), inFlight.during({ service, touches, target }))
  })

  const proceed = (command: Command, action: Action, service: RegisteredService, unwritten: Params | undefined) =>
    Effect.gen(function* () {
      if (unwritten === undefined && conceal(action.params, command.params).isSensitive) {
        return yield* lose(command, action)
      }
      const { commandId: key, target } = command
      const params = unwritten ?? command.params
      const bound = yield* Effect.either(
        action.bind({ service: service.id, source: service.source, target, params, key })
      )
      if (Either.isLeft(bound)) {
        return yield* abandon(command, `it cannot be run as it was recorded: ${bound.left.message}`)
      }
      const task: Task = { action, bound: bound.right, honoursKeys: service.source.honoursKeys }
      yield* command.phase === "queued" ? begin(command, task) : finish(command, task)
    })

  /** Its sensitive params went with the process that accepted it: it can be neither repeated nor looked at. */
  const lose = (command: Command, action: Action) => {
    const why = "its sensitive params are not kept over a restart"
    if (command.phase === "queued") {
      return fail(command, [...command.logs, `not applied: ${why}; send it again under a new id`])
    }
    return leaveOpen(command, action, null, [
      ...command.logs,
      `the process ended while this ran, and ${why}: whether it took effect cannot be looked at; it may still come`
    ])
  }

  /** An action that throws is a mistake in the program, and no reason to leave a command running for ever. */
  const giveUp = (commandId: string, cause: Cause.Cause<never>) =>
    Effect.gen(function* () {
      yield* Effect.logError("a command's action failed in a way that it should not", cause)
      const command = Option.getOrUndefined(yield* untilDone(journal.find(commandId)))
      if (command === undefined || isEnd(command.phase)) return
      yield* abandon(command, "the action failed in a way that it should not; see the server's log")
    })

  /** From `queued`: looks, starts, judges, and asks upstream. */
  const begin = (queued: Command, task: Task) =>
    Effect.gen(function* () {
      const { bound } = task
      const looked = yield* Effect.either(Deadline.until(queued, bound.snapshot))
      if (looked._tag === "Right" && looked.right._tag === "Late") return yield* fail(queued, late(queued))
      const before = Either.match(looked, {
        onLeft: () => Option.none<unknown>(),
        onRight: (answer) => (answer._tag === "InTime" ? Option.some(answer.value) : Option.none())
      })
      const kept = Option.map(before, (json) => Kept.state("before", json))
      const logs = [...queued.logs, ...Option.toArray(Option.flatMapNullable(kept, ({ line }) => line))]
      const started = yield* Deadline.until(
        queued,
        journal
          .start(
            queued,
            Option.map(kept, (state) => state.kept),
            logs
          )
          .pipe(
            Effect.as(true),
            Effect.catchTag("CommandIdTaken", () => Effect.succeed(false)),
            untilDone
          )
      )
      if (started._tag === "Late") return yield* fail(queued, late(queued))
      // Somebody else started it: whoever did will end it.
      if (!started.value) return
      const command: Command = { ...queued, phase: "running", before, logs }
      const refuse = (why: string) => fail(command, [...command.logs, `not applied: ${why}`])

      if (Either.isLeft(looked)) {
        return yield* refuse(`the target could not be looked at: ${Foreign.reason(looked.left)}`)
      }
      const state = Option.getOrNull(before)
      const judged = yield* judge(bound, state)
      if (judged.refusal !== undefined) return yield* refuse(judged.refusal)
      if (judged.done !== undefined) {
        const proof: Proof = { after: state, verified: Option.some(true) }
        return yield* succeed(command, task, proof, [...command.logs, judged.done])
      }
      yield* attempt(command, task, { isFirst: true })
    })

  /** From `running`, in a process that did not start it: repeats it where that is safe, else looks. */
  const finish = (command: Command, task: Task) =>
    Effect.gen(function* () {
      const logs = [...command.logs, "the process ended while this ran; another finishes it"]
      const refuse = (why: string) => fail(command, [...logs, `not applied: ${why}`])
      // What was refused was never sent, and only that was left to be written.
      if (Option.isNone(command.before)) return yield* refuse("the target could not be looked at")
      if (!Kept.isNote(command.before.value)) {
        const judged = yield* judge(task.bound, command.before.value)
        if (judged.refusal !== undefined) return yield* refuse(judged.refusal)
      }
      const isSafe = task.action.isRepeatable || task.honoursKeys
      const left = (yield* Deadline.remaining(command)) > 0
      if (isSafe && left) return yield* attempt({ ...command, logs }, task, { isFirst: false })
      yield* look({ ...command, logs }, task)
    })

  const attempt = (command: Command, task: Task, { isFirst }: { readonly isFirst: boolean }) =>
    Effect.gen(function* () {
      const answer = yield* Deadline.until(command, task.bound.execute).pipe(
        // Upstream was asked, or not: a throw says nothing of it.
        Effect.catchAllDefect((defect) =>
          Effect.zipRight(Looking.logThrown(defect), Effect.fail({ message: Foreign.thrown }))
        ),
        Effect.either
      )
      if (answer._tag === "Right" && answer.right._tag === "InTime") {
        const { lines, proof } = yield* Looking.untilDecided(sight(command, task, true))
        return yield* succeed(command, task, proof, [...command.logs, answer.right.value, ...lines])
      }
      const isUnasked = answer._tag === "Right" && answer.right._tag === "Late" && !answer.right.isBegun
      // As certain as before T2: nobody but this process could have asked, and it did not.
      if (isUnasked && isFirst) return yield* fail(command, late(command))
      const unanswered = isUnasked
        ? "the deadline passed before upstream was asked again"
        : "upstream had not answered when the deadline passed"
      const why = answer._tag === "Left" ? Foreign.reason(answer.left) : unanswered
      const logs = [...command.logs, why]
      // After an attempt before this one, "certainly not applied" is said of this attempt alone.
      if (answer._tag === "Left" && isFirst && isCertain(answer.left)) {
        // Whatever looking comes to: it was refused.
        const seen = yield* Looking.once(sight(command, task, false))
        return yield* fail(command, logs, seen._tag === "Seen" ? seen.proof.after : null)
      }
      yield* look({ ...command, logs }, task)
    })

  /** The effect is unknown: looking again may prove it, and can never disprove it. */
  const look = (command: Command, task: Task) =>
    Effect.gen(function* () {
      const { lines, proof } = yield* Looking.untilDecided(sight(command, task, false))
      if (Option.contains(proof.verified, true)) {
        return yield* succeed(command, task, proof, [...command.logs, "looked again: the effect is there"])
      }
      yield* leaveOpen(command, task.action, proof.after, [
        ...command.logs,
        ...lines,
        "looked again: the effect cannot be told; it may still come"
      ])
    })

  /** Its effect is unknown, and stays so. If it comes, it is ours: what vanishes now accuses nobody. */
  const leaveOpen = (command: Command, action: Action, after: unknown, logs: ReadonlyArray<string>) =>
    end(command, {
      outcome: "timeout",
      verified: Option.none(),
      after,
      logs,
      adoptions: (account) => [
        ...Touched.known(action, command, (job) => ({ ...job, leaves: true }))(account),
        ...Touched.unknown(action, command, account)
      ]
    })

  const succeed = (command: Command, { action, bound }: Task, proof: Proof, logs: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      let threw: Option.Option<unknown> = Option.none()
      const effected = (job: Job): Job | undefined => {
        try {
          const to = bound.effected(job, Option.getOrNull(command.before), proof)
          if (to !== undefined && !isJob(to)) throw new TypeError("effected gave no job")
          return to
        } catch (defect) {
          threw = Option.some(defect)
          // What is to be expected of it nobody can say: if it vanishes, that accuses nobody.
          return { ...job, leaves: true }
        }
      }
      yield* end(command, {
        outcome: "success",
        verified: proof.verified,
        after: proof.after,
        logs: Option.contains(proof.verified, false) ? [...logs, "looked again: the effect does not show"] : logs,
        adoptions: Touched.known(action, command, effected)
      })
      if (Option.isSome(threw)) yield* Looking.logThrown(threw.value)
    })

  return CommandRunner.of({ run })
})

export const layer: Layer.Layer<CommandRunner, never, CommandCatalog | CommandJournal | InFlight | ServiceRegistry> =
  Layer.effect(CommandRunner, make)

const sight = ({ before }: Command, { bound }: Task, answered: boolean): Looking.Sight => ({
  bound,
  before: Option.getOrNull(before),
  answered
})

/** What the action says of running it: that it must not, or else that there is nothing to do. */
interface Precondition {
  readonly refusal?: string
  readonly done?: string
}

const untellable: Precondition = { refusal: `whether it may run could not be told: ${Foreign.thrown}` }

const judge = (bound: Bound, before: unknown): Effect.Effect<Precondition> =>
  Effect.sync((): Precondition => {
    const refusal = bound.refusal(before)
    if (Option.isSome(refusal)) return { refusal: refusal.value }
    const done = bound.isDone(before)
    return Option.isSome(done) ? { done: done.value } : {}
  }).pipe(Effect.catchAllDefect((defect) => Effect.as(Looking.logThrown(defect), untellable)))

/** No connection, a decisive refusal: nothing was applied. */
const isCertain = (error: ActionError | { readonly message: string }): boolean =>
  Predicate.isTagged(error, "ActionRejected") ||
  Predicate.isTagged(error, "TargetNotFound") ||
  (Predicate.isTagged(error, "SourceUnavailable") &&
    "reason" in error &&
    unsent.some((reason) => reason === error.reason))

const late = (command: Command) => [...command.logs, "not applied: its deadline passed before it was started"]

/** Runs effects of one key one after the other, and forgets keys that nobody uses. */
const makeKeyed = Effect.sync(() => {
  const locks = new Map<string, { readonly semaphore: Effect.Semaphore; users: number }>()
  return (key: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const lock = locks.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
          lock.users += 1
          locks.set(key, lock)
          return lock
        }),
        ({ semaphore }) => semaphore.withPermits(1)(effect),
        (lock) =>
          Effect.sync(() => {
            lock.users -= 1
            if (lock.users === 0) locks.delete(key)
          })
      )
})
