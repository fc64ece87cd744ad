/** The job system of this example: a print shop in memory. Yours is a queue, a scheduler, somebody's API. */
import type { Job } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** What the shop says to a wrong PIN. */
export class WrongPin {
  readonly _tag = "WrongPin"
}

/** The shop. It knows nothing of Mithrandir but the form of a job. */
export class PrintShop extends Context.Tag("example/PrintShop")<
  PrintShop,
  {
    /** Every job, as the shop has it now. */
    readonly jobs: Effect.Effect<ReadonlyArray<Job.Job>>
    /** Lets a job that is held back be printed. */
    readonly release: (id: string, pin: string) => Effect.Effect<void, WrongPin>
    /** A sheet falls behind the machine: what no shop should do, and some do. */
    readonly lose: (id: string) => Effect.Effect<void>
  }
>() {}

/** Three jobs: a flyer that waits, a map that is printed just now, and a poster that is held back until released. */
export const layer: Layer.Layer<PrintShop> = Layer.sync(PrintShop, () => {
  const jobs = new Map<string, Job.Job>([
    ["flyer-1", { id: "flyer-1", queue: "press", state: "waiting" }],
    ["map-2", { id: "map-2", queue: "press", state: "active" }],
    ["poster-3", { id: "poster-3", queue: "press", state: "delayed" }]
  ])
  return {
    jobs: Effect.sync(() => Array.from(jobs.values())),
    release: (id, pin) =>
      Effect.suspend(() => {
        const job = jobs.get(id)
        if (pin !== "2580") return Effect.fail(new WrongPin())
        if (job !== undefined) jobs.set(id, { ...job, state: "waiting" })
        return Effect.void
      }),
    lose: (id) => Effect.sync(() => jobs.delete(id))
  }
})
