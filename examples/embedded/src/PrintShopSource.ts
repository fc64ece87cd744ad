/** How Mithrandir talks to the print shop: the actual side. */
import { JobSource, JobView } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { PrintShop } from "./PrintShop.ts"

/** The shop can count and list. Everything else has a default: it offers no action, and a job is found by listing. */
export const layer: Layer.Layer<JobSource.JobSource, never, PrintShop> = Layer.effect(
  JobSource.JobSource,
  Effect.map(PrintShop, ({ jobs }) =>
    JobSource.make({
      counts: Effect.map(jobs, JobView.tally),
      jobs: Stream.fromIterableEffect(jobs),
      finishedKept: "10 minutes"
    })
  )
)
