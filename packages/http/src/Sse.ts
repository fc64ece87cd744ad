/** Server-sent events on the wire, as WHATWG HTML §9.2 has them: written, and read. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** One event. Without an `id` a client's last event id stays what it was. */
export interface Message {
  readonly id?: string
  readonly event: string
  readonly data: string
}

/** One event as it is sent. */
export const text = ({ data, event, id }: Message): string =>
  `${id === undefined ? "" : `id: ${oneLine(id)}\n`}event: ${oneLine(event)}\n${dataLines(data)}\n`

/** How long a client waits before it comes back. */
export const retry = (millis: number): string => `retry: ${Math.trunc(millis)}\n\n`

const encoder = new TextEncoder()

/** The bytes of what is sent. */
export const encode = (text: string): Uint8Array => encoder.encode(text)

/** Any of the three line ends would end the field; on the other side all of them are read as `\n`. */
const dataLines = (data: string): string =>
  data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("")

/** A line end in an id or a name would begin another field. None of ours has one. */
const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, "")

/** More than this in one event is no event of ours: a reader gives up rather than fill memory. */
export const maxEventChars = 8 * 1024 * 1024

/** What was read is no stream of events, or none that we would send. */
export class EventTooLong extends Data.TaggedError("EventTooLong")<{}> {}

/** Reads events out of bytes. Comments, retries, and events without data are passed over. */
export const decode = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Message, E | EventTooLong, R> =>
  Stream.suspend(() => {
    const read = makeReader()
    return Stream.flattenIterables(Stream.mapEffect(bytes, read))
  })

const makeReader = () => {
  const text = new TextDecoder()
  let rest = ""
  let id: string | undefined
  let event = ""
  let data: Array<string> = []

  const field = (line: string): void => {
    const colon = line.indexOf(":")
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)
    if (name === "data") data.push(value)
    else if (name === "event") event = value
    else if (name === "id" && !value.includes("\0")) id = value
  }

  const flush = (): Message | undefined => {
    const message: Message | undefined =
      data.length === 0
        ? undefined
        : { ...(id === undefined ? {} : { id }), event: event === "" ? "message" : event, data: data.join("\n") }
    id = undefined
    event = ""
    data = []
    return message
  }

  return (chunk: Uint8Array): Effect.Effect<ReadonlyArray<Message>, EventTooLong> => {
    rest += text.decode(chunk, { stream: true })
    // A CR at the end may be half of a CRLF: it waits for what comes next.
    const end = rest.endsWith("\r") ? rest.length - 1 : rest.length
    const lines = rest.slice(0, end).split(/\r\n|\r|\n/)
    rest = (lines.pop() ?? "") + rest.slice(end)
    const messages: Array<Message> = []
    for (const line of lines) {
      const message = line === "" ? flush() : field(line)
      if (message !== undefined) messages.push(message)
    }
    const pending = data.reduce((sum, line) => sum + line.length, rest.length)
    return pending > maxEventChars ? new EventTooLong() : Effect.succeed(messages)
  }
}
