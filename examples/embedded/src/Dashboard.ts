/** What this application shows its users of the print shop: a cache, and so what is to be verified. */
import { ExpectedState, type Job, JobView } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { PrintShop } from "./PrintShop.ts"

/** The cache. Here it is filled once and then told what changes; yours may be a table, or Redis. */
export class Dashboard extends Context.Tag("example/Dashboard")<
  Dashboard,
  {
    /** What is shown, by id. */
    readonly jobs: ReadonlyMap<string, Job.Job>
    /** Stops showing a job. */
    readonly forget: (id: string) => Effect.Effect<void>
  }
>() {}

/** Filled from the shop. */
export const layer: Layer.Layer<Dashboard, never, PrintShop> = Layer.effect(
  Dashboard,
  Effect.gen(function* () {
    const shop = yield* PrintShop
    const jobs = new Map((yield* shop.jobs).map((job) => [job.id, job]))
    return { jobs, forget: (id) => Effect.sync(() => jobs.delete(id)) }
  })
)

/** The dashboard as the expected side of the service `print`. Any other service would be compared with the ledger. */
export const layerExpected: Layer.Layer<ExpectedState.ExpectedState, never, Dashboard> = Layer.unwrapEffect(
  Effect.map(Dashboard, ({ jobs }) =>
    ExpectedState.layer({
      print: Effect.map(DateTime.now, (asOf) => Option.some({ asOf, counts: JobView.tally(jobs.values()), jobs }))
    })
  )
)
