/** The port to what the Unified API believes about a service's jobs. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobView } from "../model/JobView.ts"
import type { ServiceId } from "../model/Service.ts"

/** What is expected could not be told. The pass that asked ends `stale`. */
export class ExpectedUnavailable extends Schema.TaggedError<ExpectedUnavailable>()("ExpectedUnavailable", {
  /** Why, in a sentence, which the pass passes on: no secrets. */
  problem: Schema.String
}) {
  override get message() {
    return `the expected side could not be read: ${this.problem}`
  }
}

/**
 * What is believed of one service now; none while there is nothing to believe, and the first pass then adopts nothing.
 * It has ten seconds to answer.
 */
export type View = Effect.Effect<Option.Option<JobView>, ExpectedUnavailable>

/** Where the expected side of a service comes from, if not from the ledger. */
export class ExpectedState extends Context.Tag("@mithrandir/core/ExpectedState")<
  ExpectedState,
  {
    /** The service's own expected side; none: the ledger is its expected side. */
    readonly of: (service: ServiceId) => Option.Option<View>
    /**
     * The services that it is given for, where it can tell. One that is not registered is refused at start, as
     * `ServiceInvalid`: nothing would ever be compared with it. Absent: nothing is checked.
     */
    readonly services?: ReadonlyArray<ServiceId>
  }
>() {}

/** The ledger is the expected side of every service. */
export const layerLedger: Layer.Layer<ExpectedState> = Layer.succeed(ExpectedState, { of: Option.none })

/** Services by id whose expected side somebody else keeps: an embedder's cache. Each must be registered. */
export const layer = (views: Readonly<Record<ServiceId, View>>): Layer.Layer<ExpectedState> =>
  Layer.succeed(ExpectedState, {
    of: (service) => (Object.hasOwn(views, service) ? Option.fromNullable(views[service]) : Option.none()),
    services: Object.keys(views)
  })
