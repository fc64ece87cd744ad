import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import * as ExitCode from "../../src/output/ExitCode.ts"
import * as Signals from "../../src/output/Signals.ts"

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Whoever else listens in this process would take what is emitted here for the end of it. */
let others: ReadonlyArray<readonly [Signals.Signal, ReadonlyArray<() => void>]> = []
beforeEach(() => {
  others = signals.map((signal) => [signal, process.rawListeners(signal) as ReadonlyArray<() => void>] as const)
  for (const signal of signals) process.removeAllListeners(signal)
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const [signal, listeners] of others) {
    process.removeAllListeners(signal)
    for (const listener of listeners) process.on(signal, listener)
  }
})

/** A stoppable effect that lets go slowly, and what it ended with. */
const stopping = async (signal: Signals.Signal) => {
  vi.spyOn(console, "error").mockImplementation(() => undefined)
  const exits = vi.spyOn(process, "exit").mockImplementation((() => undefined) as never)
  const now = vi.spyOn(performance, "now").mockReturnValue(5_000)
  const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep("50 millis"))
  const fiber = Effect.runFork(
    Effect.match(Signals.untilStopped(slow), { onFailure: ExitCode.ofError, onSuccess: () => ExitCode.ok })
  )
  await vi.waitUntil(() => process.listenerCount(signal) > 0)
  process.emit(signal, signal)
  const again = (after: number, which = signal) => {
    now.mockReturnValue(5_000 + after)
    process.emit(which, which)
  }
  return { again, exits, end: () => Effect.runPromise(Fiber.join(fiber)) }
}

describe("Signals", () => {
  it("take what comes twice within a second for one: a terminal and npm both hand on a Ctrl-C", async () => {
    const { again, end, exits } = await stopping("SIGINT")
    again(1)
    again(900, "SIGTERM")
    expect(exits).not.toHaveBeenCalled()
    again(1_100)
    expect(exits).toHaveBeenCalledWith(ExitCode.interrupted)
    expect(await end()).toBe(ExitCode.interrupted)
  })

  it.each(["SIGTERM", "SIGHUP"] as const)("%s is no failure of what only ends when it is told to", async (signal) => {
    const { end, exits } = await stopping(signal)
    expect(await end()).toBe(ExitCode.ok)
    expect(exits).not.toHaveBeenCalled()
  })
})
