/** The route of the event stream, as data. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Event, Service, Store } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import * as Problem from "./Problem.ts"

export const path = "/reconciliation/stream"

/** The media type of server-sent events. */
export const eventStream = "text/event-stream"

/** Names in a filter, more than which nobody lists by hand. */
const maxFilter = 64

const list = <A extends string>(item: Schema.Schema<A>) =>
  Schema.compose(Schema.split(","), Schema.Array(item).pipe(Schema.minItems(1), Schema.maxItems(maxFilter)), {
    strict: false
  })

/**
 * What a listener wants. `service` and `event` are lists with commas. `lastEventId` is for those who cannot send the
 * `Last-Event-ID` header, which wins: a browser that reconnects sends it beside the URL it was first given.
 */
export const StreamQuery = Schema.Struct({
  service: Schema.optionalWith(list(Service.ServiceId), { exact: true }),
  event: Schema.optionalWith(list(Problem.oneOf(Event.EventName)), { exact: true }),
  lastEventId: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ parseOptions: { errors: "all" } })
export type StreamQuery = typeof StreamQuery.Type

export class StreamApi extends HttpApiGroup.make("stream").add(
  HttpApiEndpoint.get("open", path)
    .setUrlParams(StreamQuery)
    .setHeaders(Schema.Struct({ "last-event-id": Schema.optionalWith(Schema.String, { exact: true }) }))
    .addSuccess(HttpApiSchema.Text({ contentType: eventStream }))
    .addError(Problem.of(Store.StoreUnreadable, "store-unreadable"))
) {}
