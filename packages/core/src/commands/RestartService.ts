/** Starts a worker service anew. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Worker } from "../sources/JobSource.ts"
import { make, type Order, unsupported } from "./Action.ts"

/** Restarts a worker service. Proven when another instance runs. */
export const restartService = make({
  actionType: "restart-service",
  isSupported: ({ source }) => source.actions.restartService !== undefined,
  snapshot: (order) => look(order),
  refusal: (before, { target }) =>
    before === null ? Option.some(`worker service "${target}" does not exist`) : Option.none(),
  execute: ({ key, source, target }) =>
    Effect.as(source.actions.restartService?.(target, key) ?? unsupported, "the restart was asked for"),
  verify: (before, order) =>
    Effect.map(look(order), (after) => ({
      after,
      verified: Option.zipWith(decode(before), decode(after), (then, now) => then.instanceId !== now.instanceId)
    }))
})

/** The worker as JSON, `null` if the system does not have it. */
const look = ({ source, target }: Order) =>
  Effect.map(source.worker?.(target) ?? Effect.succeedNone, (worker) => Option.getOrNull(Option.map(worker, encode)))

const encode = Schema.encodeSync(Worker)
const decode = Schema.decodeUnknownOption(Worker)
