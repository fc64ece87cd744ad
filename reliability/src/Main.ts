/** The programs that prove what docs/reliability.md promises: `npm run torture`, `npm run soak`. */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import type { Cycle } from "./Lane.ts"
import { type Mode, modes } from "./Plan.ts"
import { type Sample, soak } from "./Soak.ts"
import { torture } from "./Torture.ts"

const usages = {
  torture: `npm run torture -- [--mode ${modes.join("|")}] [--cycles N] [--seed S] [--lanes N]

Kills the server in the middle of commands, begins it again, and checks that every command came to one end.
  --mode    what the upstream is like; all of them one after the other unless told otherwise
  --cycles  how often, in each mode (10)
  --seed    of the first cycle; each one after it has the next (a random one)
  --lanes   how many run side by side, each with a server, an upstream and a database (2)
Exits with 1 if something does not hold, and names the seed that shows it.`,
  soak: `npm run soak -- [--minutes M] [--listeners N] [--json FILE]

Has listeners come and go, and commands run beside an upstream that fails, and says what becomes of the server.
  --minutes    how long (30)
  --listeners  how many are there at a time (500)
  --json       where to write every sample, and what it came to
Exits with 1 if a listener missed an event, or the server did not end in good order.`
}

const leave = (code: number, text: string): never => {
  console.error(text)
  process.exit(code)
}

const [, , program, ...args] = process.argv
if (program !== "torture" && program !== "soak") leave(2, Object.values(usages).join("\n\n"))
const usage = usages[program as keyof typeof usages]

const parse = () => {
  const text = { type: "string" } as const
  try {
    const options =
      program === "torture"
        ? { mode: text, cycles: text, seed: text, lanes: text }
        : { minutes: text, listeners: text, json: text }
    return parseArgs({ args, options: { ...options, help: { type: "boolean", short: "h" } } }).values as Readonly<
      Record<string, string | undefined>
    >
  } catch (error) {
    return leave(2, `${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

const given = parse()
if (given["help"]) {
  console.log(usage)
  process.exit(0)
}

const number = (name: string, otherwise: number, least = 1): number => {
  const text = given[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  return Number.isSafeInteger(value) && value >= least
    ? value
    : leave(2, `--${name}: expected a whole number from ${least} on\n\n${usage}`)
}

/** Of minutes a part may be enough to look. */
const minutes = (): number => {
  const value = Number(given["minutes"] ?? "30")
  return value > 0 && value <= 1_440 ? value : leave(2, `--minutes: expected a number, 0 to 1440\n\n${usage}`)
}

const commit = (): string => {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()
  } catch {
    return "unknown"
  }
}

const progress = (text: string, isLast: boolean) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}${isLast ? "\n" : ""}`)
}

const runTorture = async () => {
  const chosen = modes.filter((mode) => given["mode"] === undefined || mode === given["mode"])
  if (chosen.length === 0) leave(2, `--mode: expected one of ${modes.join(", ")}\n\n${usage}`)
  const cycles = number("cycles", 10)
  const lanes = number("lanes", 2)
  const seed = number("seed", Math.floor(Math.random() * 1_000_000), 0)
  const replay = (mode: Mode, seed: number) => `npm run torture -- --mode ${mode} --cycles 1 --seed ${seed}`
  for (const mode of chosen) {
    const onCycle = ({ plan, violations }: Cycle, done: number) => {
      // At once: whoever ends a long run before its time has what it found.
      for (const problem of violations)
        console.error(`rule ${problem}\n  ${replay(mode, plan.seed)}   (at ${commit()})`)
      progress(`${mode}: ${done} of ${cycles}`, done === cycles)
    }
    const { directories, violations, ...figures } = await torture({ mode, seed, cycles, lanes, onCycle })
    console.log(JSON.stringify({ ...figures, violations: violations.length }))
    if (violations.length > 0) process.exitCode = 1
    for (const directory of directories) console.error(`what is left of it is in ${directory}`)
  }
}

const runSoak = async () => {
  const row = ({ cpuS, delayMaxMs, delayP99Ms, handles, heapMb, minute, rssMb }: Sample) =>
    [minute, heapMb, rssMb, handles, delayP99Ms, delayMaxMs, cpuS].map((n) => n.toFixed(1).padStart(10)).join("")
  console.log(
    ["minute", "heap MB", "rss MB", "handles", "p99 ms", "max ms", "cpu s"].map((n) => n.padStart(10)).join("")
  )
  const report = await soak({
    minutes: minutes(),
    listeners: number("listeners", 500),
    onSample: (sample) => console.log(row(sample))
  })
  const { samples, ...figures } = report
  console.log(JSON.stringify({ ...figures, problems: figures.problems.length }))
  if (given["json"] !== undefined) writeFileSync(given["json"], JSON.stringify({ commit: commit(), ...report }))
  for (const problem of figures.problems) console.error(problem)
  if (figures.problems.length > 0) process.exitCode = 1
}

await (program === "torture" ? runTorture() : runSoak())
