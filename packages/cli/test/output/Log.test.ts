import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Log from "../../src/output/Log.ts"

/** What is written for what an effect logs. */
const written = (effect: Effect.Effect<void>, detailed = false): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const logger = Logger.make((options) => void lines.push(Log.line(options, detailed)))
  Effect.runSync(
    effect.pipe(Logger.withMinimumLogLevel(LogLevel.All), Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
  )
  return lines
}

const circular: Record<string, unknown> = { name: "round" }
circular["self"] = circular

/** What is handed to a logger by mistake. */
const oddities = [
  circular,
  { big: 10n },
  10n,
  Symbol("odd"),
  () => "odd",
  undefined,
  Number.NaN,
  Object.create(null),
  new Proxy(
    {},
    {
      get: () => {
        throw new Error("trap")
      }
    }
  ),
  {
    toJSON: () => {
      throw new Error("toJSON")
    }
  },
  { toJSON: () => undefined },
  {
    get odd() {
      throw new Error("getter")
    }
  },
  Object.defineProperty(new Error("x"), "message", {
    get: () => {
      throw new Error("message")
    }
  }),
  Object.assign(new Error("x"), { message: 7 }),
  [[circular]],
  new Map([["a", 1n]]),
  Redacted.make("hush")
]

/** Text as somebody would write it who wants to be taken for us, or to do something to a terminal. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom("\n", "\r", "\r\n", "\u2028", "\u2029", "\u0085", "\u001b[2J", "\u009b2J", "\u0000", "\u007f"),
      fc.constantFrom("\u202e", "\u2066", "\ud800", "\udfff", '"', "\\", '"}', "{", '\n{"level":"INFO"}\n', "😀"),
      fc.string({ unit: "binary" })
    ),
    { maxLength: 8 }
  )
  .map((parts) => parts.join(""))

const anything = fc.oneof(hostile, fc.anything(), fc.constantFrom(...oddities))

/** Cannot be seen, or moves what can be: none of it may reach a terminal. */
const unprintable = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

describe("a log line", () => {
  it("is one JSON object on one line, whatever is in it, and says what was said", () => {
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 3 }),
        fc.dictionary(hostile, anything, { maxKeys: 4 }),
        fc.option(anything, { nil: undefined }),
        fc.boolean(),
        (messages, annotations, defect, detailed) => {
          const cause = defect === undefined ? [] : [Cause.die(defect)]
          const lines = written(
            Effect.logWarning(...messages, ...cause).pipe(Effect.annotateLogs(annotations)),
            detailed
          )
          expect(lines.length).toBe(1)
          const [line = ""] = lines
          expect(line).not.toMatch(unprintable)
          expect(line).toMatch(/^\{"/)
          const parsed = JSON.parse(line)
          expect(parsed).toMatchObject({ level: "WARN", message: expect.any(String) })
          expect(Date.parse(parsed.timestamp)).not.toBeNaN()
          const texts = messages.filter((one) => typeof one === "string")
          if (texts.length === messages.length) expect(parsed.message).toBe(texts.join(": "))
        }
      ),
      { numRuns: 500 }
    )
  })

  it("has the annotations under their names, and its own fields are nobody else's", () => {
    const [line = ""] = written(
      Effect.logError("failed", Cause.fail(new Error("why"))).pipe(
        Effect.annotateLogs({ service: "mail", status: 503, isOver: true, none: null }),
        Effect.annotateLogs({ level: "INFO", message: "all is well", timestamp: "never", cause: "none" })
      )
    )
    expect(JSON.parse(line)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: "ERROR",
      message: "failed",
      ...{ service: "mail", status: 503, isOver: true, none: null },
      ...{ level_: "INFO", message_: "all is well", timestamp_: "never", cause_: "none" },
      cause: "why"
    })
  })

  it("has the stack trace for those who want it alone", () => {
    const failing = Effect.logError("failed", Cause.die(new Error("why")))
    expect(JSON.parse(written(failing)[0] ?? "").cause).toBe("why")
    expect(JSON.parse(written(failing, true)[0] ?? "").cause).toMatch(/^Error: why\n\s+at /)
  })

  it("is of bounded length", () => {
    const long = "x".repeat(1_000_000)
    const [line = ""] = written(Effect.logError(long, Cause.fail(new Error(long))).pipe(Effect.annotateLogs({ long })))
    expect(line.length).toBeLessThan(60_000)
  })

  it("shows no secret that is marked as one", () => {
    const secret = Redacted.make("hush")
    const lines = written(
      Effect.logError(secret, { secret }, Cause.fail(secret)).pipe(Effect.annotateLogs({ secret })),
      true
    )
    expect(lines.join()).not.toContain("hush")
  })
})
