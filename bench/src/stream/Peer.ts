/** What every server of the benchmark does: it is a process of its own, and is told over IPC. */

/** What it is told. */
export type Order =
  /** To publish so many events in one go. */
  | { readonly do: "publish"; readonly count: number }
  /** To say when it published what it has since it said so last. */
  | { readonly do: "times" }
  /** To say what it has used; `collect`: after a collection of garbage. */
  | { readonly do: "usage"; readonly collect: boolean }

/** What it says to begin with: where it listens, and what to send there. */
export interface Place {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** Seconds of CPU since it began; bytes of heap that are in use. */
export interface Usage {
  readonly cpu: number
  readonly heap: number
}

/** When an event was published: where it is committed first, when it was. Its number, and milliseconds. */
export type Published = readonly [seq: number, at: number]

const filler = "x".repeat(90)

/**
 * One event, as a pass without differences is told: some 300 bytes with its framing. It says its number, and has one `~`
 * in it, for those who count.
 */
export const event = (seq: number): string =>
  JSON.stringify({
    eventId: `01a21c5a-c1bb-7176-b6e4-${String(seq).padStart(12, "0")}`,
    service: "alpha",
    status: "verified",
    counts: { waiting: 12, active: 3, completed: 4_711, failed: 0 },
    n: seq,
    message: `~${filler}`
  })

/** Milliseconds, the same in every process of this machine. */
export const now = (): number => performance.timeOrigin + performance.now()

let times: Array<Published> = []

/** To be called when an event has been published. */
export const published = (seq: number): void => {
  times.push([seq, now()])
}

/** Does what it is told for as long as whoever tells it lives. */
export const attend = (
  place: Place,
  publish: (count: number) => void | Promise<void>,
  usage: (collect: boolean) => Usage = own
): void => {
  process.on("message", (order: Order) => {
    if (order.do === "publish") void publish(order.count)
    else if (order.do === "times") {
      process.send?.(times)
      times = []
    } else process.send?.(usage(order.collect))
  })
  process.on("disconnect", () => process.exit())
  process.send?.(place)
}

const own = (collect: boolean): Usage => {
  if (collect) globalThis.gc?.()
  const { system, user } = process.cpuUsage()
  return { cpu: (user + system) / 1e6, heap: process.memoryUsage().heapUsed }
}
