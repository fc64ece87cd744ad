/** Time that passes when it is told to, and a clock on the wall that may be set. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

interface Timer {
  readonly due: number
  readonly fire: () => void
}

const start = Date.UTC(2026, 0, 1)

export class Time {
  #elapsed = 0
  #stepped = 0
  readonly #timers = new Set<Timer>()

  /** What the clock on the wall says. */
  get now(): number {
    return start + this.#elapsed + this.#stepped
  }

  /** Sets the clock on the wall, as an operator would: what sleeps sleeps on. */
  step(ms: number): void {
    this.#stepped += ms
  }

  /** Runs something later; gives what calls it off. */
  in(ms: number, fire: () => void): () => void {
    // In whole milliseconds, as the system's timers.
    const timer = { due: this.#elapsed + Math.max(0, Math.ceil(ms)), fire }
    if (Number.isFinite(timer.due)) this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Lets time pass, from one timer to the next; `settle` runs before the first and after each. */
  pass(ms: number, settle: () => void): void {
    const until = this.#elapsed + ms
    settle()
    while (true) {
      // Of those that are due together the one that was set first: a set is in that order.
      let next: Timer | undefined
      for (const timer of this.#timers) if (timer.due <= until && (next?.due ?? Infinity) > timer.due) next = timer
      if (next === undefined) break
      this.#timers.delete(next)
      this.#elapsed = Math.max(this.#elapsed, next.due)
      next.fire()
      settle()
    }
    this.#elapsed = until
  }

  /** For fibers. */
  readonly clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => this.now,
    unsafeCurrentTimeNanos: () => BigInt(start + this.#elapsed) * 1_000_000n,
    currentTimeMillis: Effect.sync(() => this.now),
    currentTimeNanos: Effect.sync(() => BigInt(start + this.#elapsed) * 1_000_000n),
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        const cancel = this.in(Duration.toMillis(duration), () => resume(Effect.void))
        return Effect.sync(cancel)
      })
  }
}
