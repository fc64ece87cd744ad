/** What the library logs, on stderr: a line each, whatever is in it. */
import * as Cause from "effect/Cause"
import * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Output from "./Output.ts"

/** Whether somebody wants to see what is otherwise kept short: stack traces, and what is logged for developers. */
export const debugging = (): boolean => Boolean(process.env.MITHRANDIR_DEBUG)

const logger = Logger.make<unknown, void>(({ annotations, cause, date, logLevel, message }) => {
  const parts = [
    `${date.toISOString().slice(0, 19)}Z`,
    logLevel.label,
    ...(Array.isArray(message) ? message : [message]).map(text),
    ...HashMap.toEntries(annotations).map(([key, value]) => `${key}=${text(value)}`)
  ]
  if (!Cause.isEmpty(cause)) parts.push(debugging() ? `\n${Cause.pretty(cause)}` : text(Cause.squash(cause)))
  process.stderr.write(`${debugging() ? parts.join(" ") : Output.printable(parts.join(" "))}\n`)
})

const text = (value: unknown): string => {
  if (typeof value === "string") return value
  return value instanceof Error ? value.message : Inspectable.toStringUnknown(value, 0)
}

/** In place of the default logger, which writes to stdout and lets control characters through. */
export const layer = Layer.merge(
  Logger.replace(Logger.defaultLogger, logger),
  Logger.minimumLogLevel(debugging() ? LogLevel.Debug : LogLevel.Warning)
)
