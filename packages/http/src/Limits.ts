/** How much anybody may ask for. */
import * as Context from "effect/Context"

/** What is beyond is refused with `Retry-After`, or cut off. Whole numbers from 1 on. */
export interface Shape {
  /** Commands, dry runs and passes of one actor: so many at once, and so many more a minute. */
  readonly commandsPerMinute: number
  /** Requests from one address (of IPv6, one /64) that are refused for want of a good token: the same. */
  readonly failuresPerMinute: number
  /** Streams that one actor may have open. */
  readonly streamsPerActor: number
  /** Streams that may be open in all. */
  readonly streams: number
  /** KiB of a stream that its listener may leave untaken before it is cut off. It comes back by id. */
  readonly backlogKiB: number
  /** Seconds for which it may leave any of them untaken; noticed with the next event or heartbeat. */
  readonly backlogSeconds: number
}

/** What holds unless told otherwise: beyond what people and their dashboards do, below what would hurt. */
export const defaults: Shape = {
  commandsPerMinute: 600,
  failuresPerMinute: 30,
  streamsPerActor: 1_000,
  streams: 5_000,
  backlogKiB: 1_024,
  backlogSeconds: 60
}

/** The limits in force. Provide your own: `Layer.succeed(Limits.Limits, { ...Limits.defaults, streams: 100 })`. */
export class Limits extends Context.Reference<Limits>()("@mithrandir/http/Limits", {
  defaultValue: (): Shape => defaults
}) {}
