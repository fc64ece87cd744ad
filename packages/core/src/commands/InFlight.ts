/** What commands are changing right now, so that no pass takes a change of ours for a lie of theirs. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Judgement from "../model/Judgement.ts"
import type { ServiceId } from "../model/Service.ts"
import type { StoreUnreadable } from "../storage/Store.ts"
import type { Action } from "./Action.ts"
import { CommandCatalog } from "./CommandCatalog.ts"
import { CommandJournal } from "./CommandJournal.ts"

/** What one command touches. */
export interface Touch {
  readonly service: ServiceId
  readonly touches: Action["touches"]
  readonly target: string
}

export class InFlight extends Context.Tag("@mithrandir/core/InFlight")<
  InFlight,
  {
    /** Holds a touch for as long as an effect runs: until the command's end is recorded. */
    readonly during: (touch: Touch) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * Watches a service for the scope. Each call of what it gives names all that was touched at any time since, so
     * also by commands whose end was recorded meanwhile: a listing begun before that is no evidence against it.
     */
    readonly observe: (service: ServiceId) => Effect.Effect<() => Judgement.InFlight, StoreUnreadable, Scope.Scope>
  }
>() {}

const make = Effect.gen(function* () {
  const catalog = yield* CommandCatalog
  const journal = yield* CommandJournal
  const running = new Set<Touch>()
  const observers = new Set<{ readonly service: ServiceId; readonly seen: Set<Touch> }>()

  const begin = (touch: Touch) =>
    Effect.sync(() => {
      // A value of its own, however the caller made it.
      const held = { ...touch }
      running.add(held)
      for (const { seen, service } of observers) if (service === held.service) seen.add(held)
      return held
    })

  /** Also those that nobody runs, or not yet: what a process left behind that died may have been applied. */
  const journaled = (service: ServiceId) =>
    Effect.flatMap(journal.unfinished, (all) =>
      Effect.forEach(
        all.filter((command) => command.service === service),
        ({ actionType, target }) =>
          Effect.map(Effect.option(catalog.get(actionType)), (action): Touch => {
            const touches = Option.match(action, { onNone: () => "job" as const, onSome: ({ touches }) => touches })
            return { service, target, touches }
          })
      )
    )

  const observe = Effect.fn("InFlight.observe")(function* (service: ServiceId) {
    const observer = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const observer = { service, seen: new Set(Array.from(running).filter((touch) => touch.service === service)) }
        observers.add(observer)
        return observer
      }),
      (observer) => Effect.sync(() => observers.delete(observer))
    )
    for (const touch of yield* journaled(service)) observer.seen.add(touch)
    return () => ({ jobs: targets(observer.seen, "job"), queues: targets(observer.seen, "queue") })
  })

  return InFlight.of({
    during: (touch) => (effect) =>
      Effect.acquireUseRelease(
        begin(touch),
        () => effect,
        (held) => Effect.sync(() => running.delete(held))
      ),
    observe
  })
})

export const layer: Layer.Layer<InFlight, never, CommandCatalog | CommandJournal> = Layer.effect(InFlight, make)

const targets = (touches: ReadonlySet<Touch>, kind: Action["touches"]): ReadonlySet<string> =>
  new Set(Array.from(touches).flatMap((touch) => (touch.touches === kind ? [touch.target] : [])))
