/** The route of the event stream, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Event, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { Admission } from "./Admission.ts"
import * as Expected from "./Expected.ts"
import * as Operation from "./Operation.ts"
import * as Problem from "./Problem.ts"
import { eventStream, path, StreamMessage } from "./StreamMessage.ts"

/** Names in a filter, more than which nobody lists by hand. */
const maxFilter = 64

const list = <A extends string>(item: Schema.Schema<A>, json: object) =>
  Schema.compose(Schema.split(","), Schema.Array(item).pipe(Schema.minItems(1), Schema.maxItems(maxFilter)), {
    strict: false
  }).annotations({
    jsonSchema: { type: "array", items: { type: "string", ...json }, minItems: 1, maxItems: maxFilter }
  })

/**
 * What a listener wants. `service` and `event` are lists with commas. `lastEventId` is for those who cannot send the
 * `Last-Event-ID` header, which wins: a browser that reconnects sends it beside the URL it was first given.
 */
export const StreamQuery = Schema.Struct({
  service: Schema.optionalWith(list(Service.ServiceId, {}), { exact: true }),
  event: Schema.optionalWith(list(Expected.oneOf(Event.EventName), { enum: Event.EventName.literals }), {
    exact: true
  }),
  lastEventId: Schema.optionalWith(Schema.String, { exact: true }),
  // Spent at the gate.
  ticket: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ parseOptions: { errors: "all" } })
export type StreamQuery = typeof StreamQuery.Type

/** A stream of events in the OpenAPI document, which has no better word for one: text, and what it consists of. */
export const streamContent: Operation.Json = {
  [eventStream]: {
    schema: {
      type: "string",
      description: "Server-sent events, as WHATWG HTML has them.",
      contentMediaType: eventStream,
      contentSchema: { type: "array", items: { $ref: "#/components/schemas/StreamMessage" } }
    }
  }
}

const inOneList = { style: "form", explode: false }

const open = Operation.told({
  id: "openStream",
  permission: "viewer",
  summary: "What happens, as it happens",
  description:
    "Server-sent events: `reconciliation.update` for every pass, `command.status` for every phase of a command, and a " +
    "`heartbeat` every 15 seconds.\n\n" +
    "Without `Last-Event-ID` it begins with a snapshot: the latest update of each service and the commands in flight, " +
    "without ids; then `stream.ready`, whose id is where the log stood; then everything after it. With one it goes on " +
    "exactly there, also over a restart of the server, without a gap or a repeat; `0` is everything that is kept. An id " +
    "that it cannot go on from gets `stream.reset`, with the reason, and then a snapshot.",
  parameters: {
    service: { description: "Only of these services. One that was never registered is a 400.", ...inOneList },
    event: { description: "Only events of these names.", ...inOneList },
    lastEventId: { description: "For who cannot send `Last-Event-ID`, which wins." },
    ticket: { description: "In place of a token, for who cannot send one: of `POST /reconciliation/stream/ticket`." },
    "last-event-id": { name: "Last-Event-ID", description: "The id of the last event that was seen." }
  },
  answers: { 200: { description: "Events, for as long as the connection lasts.", content: streamContent } },
  problems: ["invalid-request", "too-many-streams", "streams-exhausted", "store-unreadable"]
})

/** The group of the event stream's route. */
export class StreamApi extends HttpApiGroup.make("mithrandirStream")
  .add(
    HttpApiEndpoint.get("open", path)
      .setUrlParams(StreamQuery)
      .setHeaders(Schema.Struct({ "last-event-id": Schema.optionalWith(Schema.String, { exact: true }) }))
      .addSuccess(HttpApiSchema.Text({ contentType: eventStream }))
      // Never sent as it stands here: the text consists of these, and OpenAPI documents get their schemas so.
      .addSuccess(Schema.Array(StreamMessage))
      .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
      .annotateContext(open)
  )
  .middlewareEndpoints(Admission)
  .annotateContext(Operation.tag("Stream", "What happens, as it happens.")) {}
