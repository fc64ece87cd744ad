import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import * as ExitCode from "../../src/output/ExitCode.ts"
import * as Signals from "../../src/output/Signals.ts"

const signals: ReadonlyArray<Signals.Signal> = ["SIGINT", "SIGTERM", "SIGHUP"]
let timers: ReadonlyArray<NodeJS.Timeout>
let listening: ReadonlyArray<ReadonlyArray<unknown>>

beforeEach(() => {
  listening = signals.map((signal) => process.listeners(signal))
  const real = setTimeout
  timers = []
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((...args: Parameters<typeof setTimeout>) => {
    const timer = real(...args)
    timers = [...timers, timer]
    return timer
  }) as typeof setTimeout)
})

// A program that was told to stop ends, or is ended after a while. This process goes on, with the tests of others in it.
afterEach(() => {
  vi.restoreAllMocks()
  for (const timer of timers) clearTimeout(timer)
  for (const [index, signal] of signals.entries()) {
    for (const listener of process.listeners(signal)) {
      if (listening[index]?.includes(listener) !== true) process.off(signal, listener)
    }
  }
})

/** A stoppable effect that lets go slowly, and what it ended with. */
const stopping = async (signal: Signals.Signal) => {
  vi.spyOn(console, "error").mockImplementation(() => undefined)
  const exits = vi.spyOn(process, "exit").mockImplementation((() => undefined) as never)
  const now = vi.spyOn(performance, "now").mockReturnValue(5_000)
  const others = process.listenerCount(signal)
  const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep("50 millis"))
  const fiber = Effect.runFork(
    Effect.match(Signals.untilStopped(slow), { onFailure: ExitCode.ofError, onSuccess: () => ExitCode.ok })
  )
  await vi.waitUntil(() => process.listenerCount(signal) > others)
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
