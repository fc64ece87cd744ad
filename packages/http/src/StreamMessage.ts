/** What comes over the event stream, each message with its data as JSON. */
// Pages read this, too: it needs nothing that a browser has not.
import * as Event from "@mithrandir/core/Event"
import * as Timestamp from "@mithrandir/core/Timestamp"
import * as Schema from "effect/Schema"

/** Where the event stream is, without a prefix. */
export const path = "/reconciliation/stream"

/** The media type of server-sent events. */
export const eventStream = "text/event-stream"

/** Every 15 seconds, so that silence is known for what it is. */
export const Heartbeat = Schema.Struct({
  time: Timestamp.Timestamp,
  /** The last id that was sent on this connection. */
  lastEventId: Schema.String
}).annotations({ identifier: "Heartbeat", description: "Every 15 seconds, so that silence is known for what it is." })

/** The snapshot is over: from here on, what happens as it happens. */
export const StreamReady = Schema.Struct({
  /** Where the log stood when the snapshot was read. */
  newest: Schema.String
}).annotations({
  identifier: "StreamReady",
  description: "The snapshot is over. `newest`, also the message's id: where the log stood when it was read."
})

/** It cannot go on from the id that was given: a snapshot follows. */
export const StreamReset = Schema.Struct({
  reason: Event.ResetReason,
  /** The oldest event that is kept; null where none is. */
  oldest: Schema.NullOr(Schema.String),
  newest: Schema.String
}).annotations({
  identifier: "StreamReset",
  description: "It cannot go on from the id that was given, and begins anew: a snapshot follows."
})

const message = <N extends string, A, I>(event: N, data: Schema.Schema<A, I>) =>
  Schema.Struct({
    /** Where to go on after it. Absent in a snapshot, of heartbeats, and of resets. */
    id: Schema.optionalWith(Schema.String, { exact: true }),
    event: Schema.Literal(event),
    data
  })

/** One message. `event` says which. */
export const StreamMessage = Schema.Union(
  message("reconciliation.update", Event.ReconciliationUpdate),
  message("command.status", Event.CommandStatus),
  message("heartbeat", Heartbeat),
  message("stream.ready", StreamReady),
  message("stream.reset", StreamReset)
).annotations({
  identifier: "StreamMessage",
  description: "One message of the event stream: its fields `id` and `event`, and `data` as the JSON that it is."
})
export type StreamMessage = typeof StreamMessage.Type
