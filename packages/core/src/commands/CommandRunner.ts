/** Runs commands from T2 to T3, each at most once, and finishes what a crash left behind. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Account } from "../ledger/Ledger.ts"
import { type Command, isEnd } from "../model/Command.ts"
import type { Job } from "../model/Job.ts"
import type { Adoption } from "../model/Judgement.ts"
import { ServiceRegistry } from "../services/ServiceRegistry.ts"
import type { ActionError } from "../sources/JobSource.ts"
import type { StoreUnreadable } from "../storage/Store.ts"
import type { Action, Order, Proof } from "./Action.ts"
import { CommandCatalog } from "./CommandCatalog.ts"
import { CommandJournal, type Ending } from "./CommandJournal.ts"
import { InFlight } from "./InFlight.ts"

export class CommandRunner extends Context.Tag("@mithrandir/core/CommandRunner")<
  CommandRunner,
  {
    /**
     * Runs a journaled command to its end, or, if it was running when a process died, finishes it. One at a time
     * per target. Fails only where the journal cannot even be read; what can't be written is tried until it is.
     */
    readonly run: (commandId: string) => Effect.Effect<void, StoreUnreadable>
  }
>() {}

/** Commands that run side by side: enough to keep an operator from waiting, few enough not to load an upstream. */
const maxRunning = 16

/** An effect that does not show at once, such as a restart, is looked for during five seconds. */
const maxLooks = 20
const lookInterval = "250 millis"

const untold: Proof = { after: null, verified: Option.none() }

/** For writes that must be made sooner or later: tried after 100 ms, 200 ms, 400 ms, … 5 s, for ever. */
const untilWritten = <A, E, R>(write: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  write.pipe(
    Effect.retry(Schedule.jittered(Schedule.union(Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")))),
    Effect.orDie
  )

const make = Effect.gen(function* () {
  const catalog = yield* CommandCatalog
  const inFlight = yield* InFlight
  const journal = yield* CommandJournal
  const registry = yield* ServiceRegistry
  const running = yield* Effect.makeSemaphore(maxRunning)
  const oneAtATime = yield* makeKeyed

  const end = (command: Command, ending: Ending) =>
    journal.end(command, ending).pipe(
      // Its end is on the record already: an earlier attempt was acknowledged too late.
      Effect.catchTag("CommandIdTaken", () => Effect.void),
      untilWritten
    )

  /** It is certain that nothing was applied. */
  const fail = (command: Command, logs: ReadonlyArray<string>, after: unknown = Option.getOrNull(command.before)) =>
    end(command, { outcome: "failure", verified: Option.none(), after, logs, adoptions: () => [] })

  const run = Effect.fn("CommandRunner.run")(function* (commandId: string) {
    const command = Option.getOrUndefined(yield* journal.find(commandId))
    if (command === undefined || isEnd(command.phase)) return
    const known = yield* Effect.either(
      Effect.all({ service: registry.get(command.service), action: catalog.get(command.actionType) })
    )
    if (Either.isLeft(known)) {
      const logs = [...command.logs, `after a restart: ${known.left.message}`]
      if (command.phase === "queued") return yield* fail(command, logs)
      const after = null
      return yield* end(command, { outcome: "timeout", verified: Option.none(), after, logs, adoptions: () => [] })
    }
    const { action, service } = known.right
    const { params, target } = command
    const order: Order = { source: service.source, target, params, key: commandId }
    const proceed = command.phase === "queued" ? begin(command, action, order) : finish(command, action, order)
    yield* proceed.pipe(
      running.withPermits(1),
      oneAtATime(`${service.id} ${target}`),
      inFlight.during({ service: service.id, touches: action.touches, target })
    )
  })

  /** From `queued`: looks, starts, judges, and asks upstream. */
  const begin = (queued: Command, action: Action, order: Order) =>
    Effect.gen(function* () {
      const looked = yield* Effect.either(untilDeadline(queued, action.snapshot(order)))
      if (looked._tag === "Right" && looked.right._tag === "Late") return yield* fail(queued, late(queued))
      const before = Either.match(looked, {
        onLeft: () => Option.none<unknown>(),
        onRight: (answer) => (answer._tag === "InTime" ? Option.some(answer.value) : Option.none())
      })
      const started = yield* untilDeadline(
        queued,
        journal.start(queued, before, queued.logs).pipe(
          Effect.as(true),
          Effect.catchTag("CommandIdTaken", () => Effect.succeed(false)),
          untilWritten
        )
      )
      if (started._tag === "Late") return yield* fail(queued, late(queued))
      // Somebody else started it: whoever did will end it.
      if (!started.value) return
      const command: Command = { ...queued, phase: "running", before }
      const refuse = (why: string) => fail(command, [...command.logs, `not applied: ${why}`])

      if (Either.isLeft(looked)) return yield* refuse(`the target could not be looked at: ${looked.left.message}`)
      const state = Option.getOrNull(before)
      const refusal = action.refusal(state, order)
      if (Option.isSome(refusal)) return yield* refuse(refusal.value)
      const done = action.isDone(state, order)
      if (Option.isSome(done)) {
        const proof: Proof = { after: state, verified: Option.some(true) }
        return yield* succeed(command, action, order, proof, [...command.logs, done.value])
      }
      yield* attempt(command, action, order, { isFirst: true })
    })

  /** From `running`, in a process that did not start it: repeats it where that is safe, else looks. */
  const finish = (command: Command, action: Action, order: Order) =>
    Effect.gen(function* () {
      const logs = [...command.logs, "the process ended while this ran; another finishes it"]
      const isSafe = action.isRepeatable || order.source.honoursKeys
      const left = (yield* remaining(command)) > 0
      if (isSafe && left) return yield* attempt({ ...command, logs }, action, order, { isFirst: false })
      yield* look({ ...command, logs }, action, order)
    })

  const attempt = (command: Command, action: Action, order: Order, { isFirst }: { readonly isFirst: boolean }) =>
    Effect.gen(function* () {
      const answer = yield* Effect.either(untilDeadline(command, action.execute(order)))
      if (answer._tag === "Right" && answer.right._tag === "InTime") {
        const logs = [...command.logs, answer.right.value]
        const proof = yield* prove(command, action, order)
        return yield* succeed(command, action, order, proof, logs)
      }
      const why = answer._tag === "Left" ? answer.left.message : "upstream had not answered when the deadline passed"
      const logs = [...command.logs, why]
      // After an attempt before this one, "certainly not applied" is said of this attempt alone.
      if (answer._tag === "Left" && isFirst && isCertain(answer.left)) {
        const proof = yield* Effect.option(action.verify(Option.getOrNull(command.before), order))
        return yield* fail(command, logs, Option.match(proof, { onNone: () => null, onSome: ({ after }) => after }))
      }
      yield* look({ ...command, logs }, action, order)
    })

  /** The effect is unknown: looking again may prove it, and can never disprove it. */
  const look = (command: Command, action: Action, order: Order) =>
    Effect.gen(function* () {
      const proof = yield* prove(command, action, order)
      if (Option.contains(proof.verified, true)) {
        return yield* succeed(command, action, order, proof, [...command.logs, "looked again: the effect is there"])
      }
      yield* end(command, {
        outcome: "timeout",
        verified: Option.none(),
        after: proof.after,
        logs: [...command.logs, "looked again: the effect cannot be told; it may still come"],
        // If it comes, it is ours: what vanishes now accuses nobody.
        adoptions: touched(action, order, (job) => ({ ...job, leaves: true }))
      })
    })

  const succeed = (command: Command, action: Action, order: Order, proof: Proof, logs: ReadonlyArray<string>) =>
    end(command, {
      outcome: "success",
      verified: proof.verified,
      after: proof.after,
      logs: Option.contains(proof.verified, false) ? [...logs, "looked again: the effect does not show"] : logs,
      adoptions: touched(action, order, (job) => action.effected(job, Option.getOrNull(command.before), proof))
    })

  /** Looks until the effect shows, or for as long as it might. */
  const prove = (command: Command, action: Action, order: Order): Effect.Effect<Proof> =>
    Effect.gen(function* () {
      let proof = untold
      for (let looks = 0; looks < maxLooks; looks++) {
        if (looks > 0) yield* Effect.sleep(lookInterval)
        const seen = yield* Effect.option(action.verify(Option.getOrNull(command.before), order))
        proof = Option.getOrElse(seen, () => untold)
        const isDecided = Option.isSome(seen) && !Option.contains(proof.verified, false)
        if (isDecided) return proof
      }
      return proof
    })

  return CommandRunner.of({ run })
})

export const layer: Layer.Layer<CommandRunner, never, CommandCatalog | CommandJournal | InFlight | ServiceRegistry> =
  Layer.effect(CommandRunner, make)

/** No connection, a decisive refusal: nothing was applied. */
const isCertain = (error: ActionError): boolean =>
  error._tag === "ActionRejected" ||
  error._tag === "TargetNotFound" ||
  (error._tag === "SourceUnavailable" && error.reason === "connect")

const late = (command: Command) => [...command.logs, "not applied: its deadline passed before it was started"]

const remaining = (command: Command) => Effect.map(Clock.currentTimeMillis, (now) => command.deadline.epochMillis - now)

type Timely<A> = { readonly _tag: "InTime"; readonly value: A } | { readonly _tag: "Late" }

/** The answer of an effect, or that it had none when the command's deadline passed. It is given up then. */
const untilDeadline = <A, E, R>(command: Command, effect: Effect.Effect<A, E, R>): Effect.Effect<Timely<A>, E, R> =>
  Effect.flatMap(remaining(command), (left) =>
    left <= 0
      ? Effect.succeed<Timely<A>>({ _tag: "Late" })
      : Effect.timeoutTo(effect, {
          duration: Duration.millis(left),
          onSuccess: (value): Timely<A> => ({ _tag: "InTime", value }),
          onTimeout: (): Timely<A> => ({ _tag: "Late" })
        })
  )

/**
 * What the ledger learns of the jobs that a command touched: the one that it names, or those of its queue. A job of
 * the queue that is disputed was disputed before, and stays so.
 */
const touched =
  (action: Action, { target }: Order, change: (job: Job) => Job | undefined) =>
  ({ disputes, jobs }: Account): ReadonlyArray<Adoption> => {
    const disputed = new Set(disputes.map(({ id }) => id))
    const candidates =
      action.touches === "queue"
        ? Array.from(jobs.values()).filter(({ id, queue }) => queue === target && !disputed.has(id))
        : action.touches === "job"
          ? Option.toArray(Option.fromNullable(jobs.get(target)))
          : []
    return candidates.flatMap((from) => {
      const to = change(from)
      return to === from ? [] : [{ id: from.id, from, to }]
    })
  }

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
