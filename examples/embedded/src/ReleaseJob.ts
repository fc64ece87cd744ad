/** A command of this application's own: lets a job be printed that is held back, with the PIN of whoever asks. */
import { Action, JobSource } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { PrintShop } from "./PrintShop.ts"

/** Its params: `pin` reaches the shop, and no file, event or log. */
const params = Schema.Struct({ pin: Action.Secret, copies: Schema.optionalWith(Schema.Int, { default: () => 1 }) })

/** Built with the shop at hand, so that it can ask it for more than a source offers. */
export const make = Effect.map(PrintShop, (shop) =>
  Action.make({
    actionType: "release-job",
    params,
    isSupported: ({ id }) => id === "print",
    touches: "job",
    // What the audit shows as the state before: JSON, and null where the job does not exist.
    snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
    refusal: (before, { target }) => (before === null ? Option.some(`there is no job "${target}"`) : Option.none()),
    execute: ({ params, target }) =>
      shop.release(target, Redacted.value(params.pin)).pipe(
        Effect.as(`"${target}" is released, to be printed ${params.copies} times`),
        // Decisive: nothing was applied, so the command ends `failure`, and not `timeout`.
        Effect.catchTag("WrongPin", () => new JobSource.ActionRejected({ problem: "the PIN is wrong" }))
      ),
    // The proof: another look, after upstream has answered or has not.
    verify: (_before, { source, target }) =>
      Effect.map(source.find(target), (after) => ({
        after: Option.getOrNull(after),
        verified: Option.map(after, ({ state }) => state !== "delayed")
      }))
  })
)
