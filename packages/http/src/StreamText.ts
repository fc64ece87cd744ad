/** What the stream says, as text: each message, as `StreamMessage` describes it. */
import { type Command, Event, type EventLog } from "@mithrandir/core"
import type * as Context from "effect/Context"
import * as Sse from "./Sse.ts"

type Log = Pick<Context.Tag.Service<EventLog.EventLog>, "idOf">

/** What happened, with the id to go on after. */
export const ofEvent = (log: Log, { data, name, seq }: Event.Event): string =>
  Sse.text({ id: log.idOf(seq), event: name, data })

/** What is so, and did not just happen: it has no id. */
export const ofState = ({ data, name }: Pick<Event.Event, "data" | "name">): string => Sse.text({ event: name, data })

/** How a command stands. */
export const ofCommand = (state: Command.CommandState): string => ofState(Event.ofStatus(Event.statusOf(state)))

/** `stream.ready`. */
export const ready = (log: Log, newest: number): string => {
  const id = log.idOf(newest)
  return Sse.text({ id, event: "stream.ready", data: JSON.stringify({ newest: id }) })
}

/** `stream.reset`. */
export const reset = (log: Log, { newest, oldest, reason }: Extract<EventLog.Resumption, { _tag: "Reset" }>): string =>
  Sse.text({
    event: "stream.reset",
    data: JSON.stringify({ reason, oldest: oldest > newest ? null : log.idOf(oldest), newest: log.idOf(newest) })
  })

/** A named event, since `EventSource` hides comments; without an id, since nothing happened. */
export const heartbeat = (time: number, lastEventId: string): string =>
  Sse.text({ event: "heartbeat", data: JSON.stringify({ time: new Date(time).toISOString(), lastEventId }) })
