/** What goes wrong in a sandbox now, and what will by itself: every fault that recurs or lasts has its fiber here. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { formatShort } from "../config/DurationText.ts"
import {
  type FaultName,
  type Faults,
  first,
  inventedFailures,
  isFault,
  isLasting,
  type LastingFault,
  lengthIn,
  names,
  type SuddenFault
} from "./Faults.ts"
import type { SandboxJob, SandboxJobs } from "./SandboxJobs.ts"

/** What somebody who watches the sandbox is told, a line at a time. */
export type Say = (line: string) => Effect.Effect<void>

/** A fault that lasts, while it does. Times in epoch milliseconds. */
export interface Happening {
  readonly fault: LastingFault
  readonly since: number
  readonly until: number
}

/** What to set, each a duration or `none`: then a fault no longer recurs, and anything else is as usual again. */
export type Changes = { readonly [K in keyof Faults]?: Duration.Duration | "none" }

export interface Trouble {
  /** What is set. */
  readonly faults: () => Faults
  /** Sets some, and leaves the others as they are. What is happening goes on. */
  readonly set: (changes: Changes) => Effect.Effect<void>
  /** Has a job suffer now, and says what was done; none where no job is fit for it. */
  readonly strike: (fault: SuddenFault) => Effect.Effect<Option.Option<string>>
  /** Begins now, and says so. Where it has begun already it ends after this, and not when it would have. */
  readonly begin: (fault: LastingFault, lasts?: Duration.Duration) => Effect.Effect<string>
  /** What lasts at this moment, in the order of its beginning. */
  readonly happening: () => ReadonlyArray<Happening>
  readonly isHappening: (fault: LastingFault) => boolean
  /** Tells at once, for as long as the sandbox runs, when a fault begins (again) or ends. */
  readonly watch: (watcher: (fault: LastingFault, isHappening: boolean) => void) => void
}

/** How soon it is tried again where no job was fit for it. */
const noneFit = Duration.seconds(1)

/** Lets faults recur for the scope. */
export const make = (options: {
  readonly jobs: SandboxJobs
  readonly faults: Faults
  readonly say: Say
}): Effect.Effect<Trouble, never, Scope.Scope> =>
  Effect.gen(function* () {
    const recurring = yield* FiberMap.make<FaultName>()
    const ending = yield* FiberMap.make<LastingFault>()
    const happening = new Map<LastingFault, Happening>()
    const watchers = new Set<(fault: LastingFault, isHappening: boolean) => void>()
    let faults: Faults = {}

    const say = (words: string) => options.say(`sandbox: ${words}`)
    const changed = (fault: LastingFault) => {
      for (const watcher of watchers) watcher(fault, happening.has(fault))
    }

    const strike: Trouble["strike"] = (fault) =>
      Effect.gen(function* () {
        const job = yield* options.jobs[suffer[fault]]
        if (job === undefined) return Option.none()
        const words = struck[fault](job)
        yield* say(words)
        return Option.some(words)
      }).pipe(Effect.uninterruptible)

    const end = (mine: Happening) =>
      Effect.suspend(() => {
        if (happening.get(mine.fault) !== mine) return Effect.void
        happening.delete(mine.fault)
        changed(mine.fault)
        return say(over[mine.fault])
      })

    const begin: Trouble["begin"] = (fault, lasts = lengthIn(faults, `${fault}For`)) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const since = happening.get(fault)?.since ?? now
        const mine = { fault, since, until: now + Duration.toMillis(lasts) }
        happening.set(fault, mine)
        yield* FiberMap.run(ending, fault, Effect.interruptible(Effect.delay(end(mine), lasts)))
        changed(fault)
        const words = begun[fault](formatShort(lasts), formatShort(lengthIn(faults, "slowBy")))
        yield* say(words)
        return words
        // What has begun has its end, or it would go on for ever.
      }).pipe(Effect.uninterruptible)

    /** Once, and then how long until it is over. */
    const occur = (fault: FaultName): Effect.Effect<Duration.Duration> =>
      isLasting(fault)
        ? Effect.suspend(() => Effect.as(begin(fault), lengthIn(faults, `${fault}For`)))
        : strike(fault).pipe(
            Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced(noneFit) }),
            Effect.as(Duration.zero)
          )

    const recur = (fault: FaultName, every: Duration.Duration) =>
      Effect.sleep(Duration.min(first[fault], every)).pipe(
        Effect.zipRight(
          Effect.forever(Effect.flatMap(occur(fault), (lasts) => Effect.sleep(Duration.sum(lasts, every))))
        ),
        // A fiber that dies alone would die without a word.
        Effect.tapErrorCause((cause) => Effect.logError(`the sandbox's fault ${fault} has ended`, cause))
      )

    const set: Trouble["set"] = (changes) =>
      Effect.gen(function* () {
        const next: { -readonly [K in keyof Faults]: Faults[K] } = { ...faults }
        for (const name of names) {
          const change = changes[name]
          if (change === "none") delete next[name]
          else if (change !== undefined) next[name] = change
        }
        faults = next
        for (const name of names) {
          if (changes[name] === undefined || !isFault(name)) continue
          const every = next[name]
          if (every === undefined) yield* FiberMap.remove(recurring, name)
          else yield* FiberMap.run(recurring, name, Effect.interruptible(recur(name, every)))
        }
      }).pipe(Effect.uninterruptible)

    yield* set(options.faults)
    return {
      faults: () => faults,
      set,
      strike,
      begin,
      happening: () => Array.from(happening.values()),
      isHappening: (fault) => happening.has(fault),
      watch: (watcher) => void watchers.add(watcher)
    }
  })

const suffer = { vanish: "lose", revive: "revive" } as const

const struck: Readonly<Record<SuddenFault, (job: SandboxJob) => string>> = {
  vanish: ({ id, queue, state }) => `lost job ${id} (${state} in ${queue}) without a trace`,
  revive: ({ id, queue }) => `job ${id} (completed in ${queue}) is waiting again, though nobody retried it`
}

const begun: Readonly<Record<LastingFault, (lasts: string, slowBy: string) => string>> = {
  down: (lasts) => `down for ${lasts}, every connection breaks`,
  lie: (lasts) => `lies for ${lasts}, its counts tell of ${inventedFailures} more failed jobs than it lists`,
  slow: (lasts, slowBy) => `slow for ${lasts}, every answer takes ${slowBy} longer`,
  hang: (lasts) => `hangs for ${lasts}, requests are taken and never answered`,
  garbage: (lasts) => `talks nonsense for ${lasts}`
}

const over: Readonly<Record<LastingFault, string>> = {
  down: "up again",
  lie: "tells the truth again",
  slow: "as fast as before",
  hang: "answers again",
  garbage: "talks sense again"
}
