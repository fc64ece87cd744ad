/**
 * What the library logs, on stderr: one JSON object a line, whatever is in it, so that nothing that came from elsewhere
 * can look like a line of ours. What is told to people stands between these lines as text, and never begins with `{`.
 */
import * as Cause from "effect/Cause"
import * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Output from "./Output.ts"
import * as Redaction from "./Redaction.ts"

/** Whether somebody wants to see what is otherwise kept short: stack traces, and what is logged for developers. */
export const debugging = (): boolean => Boolean(process.env.MITHRANDIR_DEBUG)

/** One log line, without its end. `cause` is what went wrong: in short, or with its stack trace. */
export const line = (
  { annotations, cause, context, date, logLevel, message }: Logger.Logger.Options<unknown>,
  detailed: boolean
): string =>
  // Within it headers that have secrets are shown without them.
  Inspectable.withRedactableContext(context, () => {
    const parts = Array.isArray(message) ? message : [message]
    return Output.compactJson({
      timestamp: date.toISOString(),
      level: logLevel.label,
      message: bounded(parts.map(text).join(": ")),
      ...Object.fromEntries(HashMap.toEntries(annotations).map(([key, value]) => [nameOf(key), shown(value)])),
      ...(Cause.isEmpty(cause) ? {} : { cause: bounded(detailed ? pretty(cause) : text(Cause.squash(cause))) })
    })
  })

/** What went wrong, with its stack trace, in as many lines as that has. */
export const pretty = (cause: Cause.Cause<unknown>): string => {
  try {
    return Redaction.without(Cause.pretty(cause))
  } catch {
    return text(Cause.squash(cause))
  }
}

/** In place of the default logger, which writes to stdout and lets control characters through. */
export const layer = Layer.merge(
  Logger.replace(
    Logger.defaultLogger,
    Logger.make((options) => void process.stderr.write(`${line(options, debugging())}\n`))
  ),
  Logger.minimumLogLevel(debugging() ? LogLevel.Debug : LogLevel.Info)
)

/** The most characters that one value takes: a stack trace fits, and an upstream's answer would not. */
const maxChars = 16_384

const bounded = (said: string): string => (said.length > maxChars ? `${said.slice(0, maxChars)}…` : said)

/** What every line has is not to be had by an annotation. */
const nameOf = (key: string): string => (["timestamp", "level", "message", "cause"].includes(key) ? `${key}_` : key)

const shown = (value: unknown): string | number | boolean | null =>
  typeof value === "number" || typeof value === "boolean" || value === null ? value : bounded(text(value))

/** Anything at all, as text. Whoever logs may be handed what throws when it is looked at. */
const text = (value: unknown): string => {
  try {
    if (typeof value === "string") return Redaction.without(value)
    return Redaction.without(String(value instanceof Error ? value.message : Inspectable.toStringUnknown(value, 0)))
  } catch {
    return "(cannot be shown)"
  }
}
