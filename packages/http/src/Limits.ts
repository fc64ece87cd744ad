/** How much anybody may ask for. */
import * as Context from "effect/Context"

/** What is beyond is a 429 with `Retry-After`. Whole numbers from 1 on. */
export interface Shape {
  /** Commands, dry runs and passes of one actor: so many at once, and so many more a minute. */
  readonly commandsPerMinute: number
  /** Requests from one address (of IPv6, one /64) that are refused for want of a good token: the same. */
  readonly failuresPerMinute: number
  /** Streams that one actor may have open. */
  readonly streamsPerActor: number
  /** Streams that may be open in all. */
  readonly streams: number
}

/** What holds unless told otherwise: beyond what people and their dashboards do, below what would hurt. */
export const defaults: Shape = {
  commandsPerMinute: 600,
  failuresPerMinute: 30,
  streamsPerActor: 1_000,
  streams: 5_000
}

/** The limits in force. Provide your own: `Layer.succeed(Limits.Limits, { ...Limits.defaults, streams: 100 })`. */
export class Limits extends Context.Reference<Limits>()("@mithrandir/http/Limits", {
  defaultValue: (): Shape => defaults
}) {}
