/** What can go wrong in a sandbox, and how it is asked for: `--fault vanish=20s,down=60s`, or as JSON while it runs. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { formatShort, parseShort } from "../config/DurationText.ts"

/** What happens to one job, in a moment. */
export type SuddenFault = "vanish" | "revive"

/** What goes on for a while. */
export type LastingFault = "down" | "lie" | "slow" | "hang" | "garbage"

export type FaultName = SuddenFault | LastingFault

/** How often each fault happens, and how long those that last go on. What is absent does not happen by itself. */
export type Faults = { readonly [K in FaultName | `${LastingFault}For` | "slowBy"]?: Duration.Duration }

/** One thing that can be set. */
export interface Setting {
  readonly name: keyof Faults
  /** The fault it belongs to. */
  readonly fault: FaultName
  /** What it means, in a sentence without its end. */
  readonly what: string
  /** What it is where it is not set. Absent: then the fault does not happen by itself. */
  readonly usually?: Duration.Duration
}

/** How many failed jobs a sandbox that lies invents. */
export const inventedFailures = 3

/**
 * Everything that can be set: the one table that help prints and documents show.
 *
 * Long enough for two passes five seconds apart to see each; an answer that is slow is below the three seconds that a
 * source waits unless told otherwise.
 */
export const settings: ReadonlyArray<Setting> = [
  { name: "vanish", fault: "vanish", what: "a waiting or delayed job is lost without a trace" },
  { name: "revive", fault: "revive", what: "a completed job is waiting again, though nobody retried it" },
  { name: "down", fault: "down", what: "every connection breaks" },
  { name: "downFor", fault: "down", what: "how long it is down", usually: Duration.seconds(12) },
  { name: "lie", fault: "lie", what: `its counts tell of ${inventedFailures} more failed jobs than it lists` },
  { name: "lieFor", fault: "lie", what: "how long it lies", usually: Duration.seconds(20) },
  { name: "slow", fault: "slow", what: "every answer takes longer" },
  { name: "slowFor", fault: "slow", what: "how long it is slow", usually: Duration.seconds(20) },
  { name: "slowBy", fault: "slow", what: "how much longer every answer takes", usually: Duration.millis(1500) },
  { name: "hang", fault: "hang", what: "requests are taken and never answered" },
  { name: "hangFor", fault: "hang", what: "how long it hangs", usually: Duration.seconds(12) },
  {
    name: "garbage",
    fault: "garbage",
    what: "answers are nonsense, each in another way: no JSON, other JSON, a wrong status, cut short, endless, a web page"
  },
  { name: "garbageFor", fault: "garbage", what: "how long it talks nonsense", usually: Duration.seconds(12) }
]

/** What `serve --sandbox` plays without being told: a lost job and an outage within the first minute. */
export const standard: Faults = { vanish: Duration.minutes(2), down: Duration.minutes(3) }

/** However seldom a fault is, it first happens not later than this: late enough to have seen what was before. */
export const first: Readonly<Record<FaultName, Duration.Duration>> = {
  vanish: Duration.seconds(12),
  revive: Duration.seconds(20),
  down: Duration.seconds(36),
  lie: Duration.seconds(20),
  slow: Duration.seconds(20),
  hang: Duration.seconds(30),
  garbage: Duration.seconds(30)
}

/** What a setting is: as it was set, or else as it usually is. */
export const lengthIn = (faults: Faults, name: `${LastingFault}For` | "slowBy"): Duration.Duration =>
  faults[name] ?? settings.find((setting) => setting.name === name)?.usually ?? Duration.seconds(10)

/** A part of the text that names no fault, or no duration. */
export class FaultsInvalid extends Schema.TaggedError<FaultsInvalid>()("FaultsInvalid", {
  part: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `--fault: "${this.part}": ${this.problem}`
  }
}

/**
 * Reads `name=duration` parts with commas between them: `vanish=20s,down=1m,downFor=12s`. Durations are a number and one
 * of `ms`, `s`, `m`, `h`; from 100 ms to a day. `none`: no fault.
 */
export const parseFaults = (text: string): Either.Either<Faults, FaultsInvalid> => {
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = {}
  const given = text.trim()
  for (const part of given === "none" ? [] : given.split(",")) {
    const [name = "", length = "", ...rest] = part.split("=").map((piece) => piece.trim())
    const fail = (problem: string) => Either.left(new FaultsInvalid({ part: part.trim(), problem }))
    if (!isSetting(name)) return fail(`expected none, or one of ${names.join(", ")}, with =DURATION after it`)
    if (faults[name] !== undefined) return fail("it is there twice")
    const duration = rest.length === 0 ? parseLength(length) : undefined
    if (duration === undefined) return fail(`expected ${aLength}`)
    faults[name] = duration
  }
  for (const { fault, name } of settings) {
    if (faults[name] !== undefined && faults[fault] === undefined) {
      return Either.left(new FaultsInvalid({ part: name, problem: `it needs ${fault}=DURATION beside it` }))
    }
  }
  return Either.right(faults)
}

/** The same as text; `none` where nothing is set. */
export const formatFaults = (faults: Faults): string =>
  Object.entries(toText(faults))
    .map(([name, length]) => `${name}=${length}`)
    .join(",") || "none"

/** What is set, each as text, in the order of the table. */
export const toText = (faults: Faults): { readonly [K in keyof Faults]?: string } =>
  Object.fromEntries(
    names.flatMap((name) => {
      const length = faults[name]
      return length === undefined ? [] : [[name, formatShort(length)]]
    })
  )

/** The names of everything that can be set. */
export const names: ReadonlyArray<keyof Faults> = settings.map(({ name }) => name)

/** The names of the faults themselves. */
export const faultNames: ReadonlyArray<FaultName> = Array.from(new Set(settings.map(({ fault }) => fault)))

export const isSetting = (name: string): name is keyof Faults => (names as ReadonlyArray<string>).includes(name)

export const isFault = (name: unknown): name is FaultName => (faultNames as ReadonlyArray<unknown>).includes(name)

export const isLasting = (name: FaultName): name is LastingFault => name !== "vanish" && name !== "revive"

/** What the text of a duration should have been. */
export const aLength = "a duration from 100ms to 24h, such as 20s or 2m"

/** From 100 ms to a day; nothing for any other text. */
export const parseLength = (text: string): Duration.Duration | undefined => {
  const length = parseShort(text)
  return length !== undefined && Duration.between(length, { minimum: "100 millis", maximum: "1 day" })
    ? length
    : undefined
}
