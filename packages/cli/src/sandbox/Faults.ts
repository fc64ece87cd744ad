/** What goes wrong in a sandbox, and how it is asked for: `--fault vanish=20s,down=60s`. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** How often each fault happens. What is absent does not. */
export interface Faults {
  /** A waiting or delayed job is lost without a trace: the first soon after the start, then one every so often. */
  readonly vanish?: Duration.Duration
  /** The whole of it goes down: the first time soon after the start, then every so often. */
  readonly down?: Duration.Duration
  /** How long it stays down then: 12 seconds unless told otherwise. */
  readonly downFor?: Duration.Duration
}

/** What `serve --sandbox` plays without being told: a lost job and an outage within the first minute. */
export const standard: Faults = { vanish: Duration.minutes(2), down: Duration.minutes(3) }

/** Long enough for two passes five seconds apart to find nobody. */
export const standardDownFor: Duration.Duration = Duration.seconds(12)

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
 * of `ms`, `s`, `m`, `h`; from 100 ms to a day. `none` or nothing: no fault.
 */
export const parseFaults = (text: string): Either.Either<Faults, FaultsInvalid> => {
  const faults: { -readonly [K in keyof Faults]: Faults[K] } = {}
  const given = text.trim()
  for (const part of given === "" || given === "none" ? [] : given.split(",")) {
    const [name = "", length = "", ...rest] = part.split("=").map((piece) => piece.trim())
    const fail = (problem: string) => Either.left(new FaultsInvalid({ part: part.trim(), problem }))
    if (!isFault(name)) return fail(`expected one of ${names.join(", ")}, with =DURATION after it`)
    if (faults[name] !== undefined) return fail("it is there twice")
    const duration = rest.length === 0 ? lengthOf(length) : undefined
    if (duration === undefined) return fail("expected a duration from 100ms to 24h, such as 20s or 2m")
    faults[name] = duration
  }
  if (faults.downFor !== undefined && faults.down === undefined) {
    return Either.left(new FaultsInvalid({ part: "downFor", problem: "it needs down=DURATION beside it" }))
  }
  return Either.right(faults)
}

const names = ["vanish", "down", "downFor"] as const satisfies ReadonlyArray<keyof Faults>

const isFault = (name: string): name is keyof Faults => (names as ReadonlyArray<string>).includes(name)

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

const lengthOf = (text: string): Duration.Duration | undefined => {
  const match = /^(\d{1,8}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text)
  const millis = match === null ? Number.NaN : Number(match[1]) * units[match[2] as keyof typeof units]
  return millis >= 100 && millis <= 24 * units.h ? Duration.millis(millis) : undefined
}
