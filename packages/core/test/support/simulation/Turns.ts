/** Whose turn it is: runs the fibers of one process one step at a time, in an order that a seed decides. */
import type * as RuntimeFiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type { Scheduler, Task } from "effect/Scheduler"

/** Numbers from 0 up to a bound, always the same ones for a seed. */
export type Dice = (bound: number) => number

/** Mulberry32: small, and random enough to choose with. */
export const makeDice = (seed: number): Dice => {
  let state = seed | 0
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** More turns than this without a pause, and something goes round in circles. */
const maxTurns = 1_000_000

export class Turns implements Scheduler {
  readonly #waiting: Array<Task> = []
  /** At first one after the other. */
  #dice: Dice = () => 0
  #isOver = false

  /** In the order that the dice give from now on. */
  shuffle(dice: Dice): void {
    this.#dice = dice
  }

  shouldYield(fiber: RuntimeFiber.RuntimeFiber<unknown, unknown>): number | false {
    return fiber.currentOpCount > fiber.getFiberRef(FiberRef.currentMaxOpsBeforeYield) ? 0 : false
  }

  scheduleTask(task: Task): void {
    if (!this.#isOver) this.#waiting.push(task)
  }

  /** Lets one fiber go on until it waits or has had its share. */
  take(): boolean {
    const task = this.#waiting.splice(this.#dice(this.#waiting.length), 1)[0]
    task?.()
    return task !== undefined
  }

  /** Until nobody has anything to do. */
  settle(): void {
    for (let turns = 0; this.take(); turns++) if (turns > maxTurns) throw new Error("fibers go round in circles")
  }

  /** Nobody has a turn any more, not even to tidy up: what it is to be killed. */
  end(): void {
    this.#isOver = true
    this.#waiting.length = 0
  }
}
