/** Kills the server again and again, and says whether every command came to one end. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Lane from "./Lane.ts"
import type { Mode } from "./Plan.ts"

/** What a run came to. */
export interface Report {
  readonly mode: Mode
  readonly seed: number
  readonly cycles: number
  readonly commands: number
  /** How often the server was killed, by where. */
  readonly kills: Readonly<Record<string, number>>
  readonly outcomes: Readonly<Record<string, number>>
  /** What did not hold, with the seed that shows it. */
  readonly violations: ReadonlyArray<{ readonly seed: number; readonly problem: string }>
  /** Where what is left of them lies; what held has left nothing. */
  readonly directories: ReadonlyArray<string>
}

/** Runs so many cycles, of the seeds from one on, on some lanes side by side. */
export const torture = async (options: {
  readonly mode: Mode
  readonly seed: number
  readonly cycles: number
  readonly lanes: number
  readonly onCycle?: (cycle: Lane.Cycle, done: number) => void
}): Promise<Report> => {
  const { cycles, mode, onCycle, seed } = options
  let next = 0
  const all: Array<Lane.Cycle> = []
  const directories: Array<string> = []
  const runLane = async () => {
    const directory = await mkdtemp(join(tmpdir(), `mithrandir-torture-${mode}-`))
    const lane = await Lane.open(mode, directory)
    let isSound = true
    try {
      while (next < cycles) {
        const cycle = await lane.cycle(seed + next++)
        isSound &&= cycle.violations.length === 0
        all.push(cycle)
        onCycle?.(cycle, all.length)
      }
    } finally {
      await lane.close()
      if (isSound) await rm(directory, { recursive: true, force: true })
      else directories.push(directory)
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.lanes, cycles) }, runLane))
  return {
    mode,
    seed,
    cycles,
    commands: all.reduce((sum, { outcomes }) => sum + Object.values(outcomes).reduce((a, b) => a + b, 0), 0),
    kills: Lane.tally(all.flatMap(({ killed }) => killed)),
    outcomes: Lane.tally(
      all.flatMap(({ outcomes }) => Object.entries(outcomes).flatMap(([word, n]) => Array<string>(n).fill(word)))
    ),
    violations: all.flatMap(({ plan, violations }) => violations.map((problem) => ({ seed: plan.seed, problem }))),
    directories
  }
}
