/** Whatever happens to a listener, its server and the log, it hears exactly what happened, or is told that it did not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as House from "./support/house.ts"
import { listen, type Seen, seqOf } from "./support/listen.ts"

const numRuns = process.env["MITHRANDIR_TEST_LONG"] === "1" ? 150 : 12

/** What a listener has not heard by then it never hears. */
const patienceMs = 10_000

/** What happens meanwhile. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("tell" as const),
      count: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 2 }) }, fc.integer({ min: 1, max: 40 })),
      service: fc.constantFrom("alpha", "beta"),
      size: fc.constantFrom(10, 10, 3_000)
    })
  },
  // What nobody has heard yet is never the last that there is: it would be a day old.
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), kept: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pause" as const), ms: fc.integer({ min: 0, max: 15 }) }) }
)

/** Where a listener says that it left off: where it did, mostly. */
const place = fc.oneof(
  { weight: 6, arbitrary: fc.constant("there" as const) },
  { weight: 1, arbitrary: fc.constantFrom("none", "zero", "garbage", "negative", "future", "foreign") }
)

const listener = fc.record({
  service: fc.constantFrom(undefined, "alpha", "beta"),
  /** It leaves after so many events, comes back, and so on; in the end it stays. */
  stays: fc.array(fc.record({ place, events: fc.integer({ min: 0, max: 40 }) }), { maxLength: 20, size: "max" })
})

/** One connection: with which id it came, and all that it was told. */
interface Visit {
  readonly id: string | undefined
  readonly seen: ReadonlyArray<Seen>
}

const reasons: Readonly<Record<string, string>> = {
  garbage: "malformed",
  negative: "malformed",
  future: "future",
  foreign: "foreign"
}

const idFor = (where: string, logId: string, left: string | undefined): string | undefined => {
  switch (where) {
    case "zero":
      return "0"
    case "garbage":
      return "what?"
    case "negative":
      return `${logId}--5`
    case "future":
      return `${logId}-1000000`
    case "foreign":
      return `0123456789abcdef-${seqOf(left ?? "-1")}`
    default:
      return where === "there" ? left : undefined
  }
}

/** Says what does not hold: `all` are the services of the events that happened, the first of them at 1. */
const complaint = (
  visits: ReadonlyArray<Visit & { readonly where: string }>,
  all: ReadonlyArray<string>,
  service: string | undefined
): string | undefined => {
  const next = (after: number) =>
    all.findIndex((of, index) => index >= after && (service === undefined || of === service)) + 1
  let after = 0
  for (const { id, seen, where } of visits) {
    const [first] = seen
    const reset = first?.event === "stream.reset" ? first : undefined
    const expected = reasons[where]
    if (expected !== undefined && seen.length > 0 && reset?.data.reason !== expected) return `${where}: ${first?.event}`
    if (reset !== undefined && expected === undefined) {
      const isGone =
        reset.data.reason === "pruned" && (reset.data.oldest === null || seqOf(reset.data.oldest) > seqOf(id) + 1)
      if (!isGone) return `reset after ${id}: ${JSON.stringify(reset.data)}`
    }
    let told = id === undefined || reset !== undefined ? undefined : id === "0" ? 0 : seqOf(id)
    for (const { event, id: at } of seen) {
      if (event === "stream.ready") {
        if (told !== undefined) return "ready in the middle"
        told = seqOf(at)
      } else if (at !== undefined) {
        if (told === undefined) return `${at} before it was ready`
        const seq = seqOf(at)
        // From its beginning the log is what is kept of it.
        if (seq !== next(told) && !(id === "0" && told === 0)) return `${at} after ${told}, and not ${next(told)}`
        told = seq
      }
    }
    after = told ?? after
  }
  return next(after) === 0 ? undefined : `nothing after ${after}, of ${all.length}`
}

describe("the stream", () => {
  it(
    "is exactly what happened, or says that it is not, whenever anybody comes, goes, restarts or forgets",
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 20, maxLength: 90, size: "max" }),
          fc.array(listener, { minLength: 2, maxLength: 5 }),
          (steps, listeners) => Effect.runPromise(Effect.scoped(run(steps, listeners)))
        ),
        { numRuns, interruptAfterTimeLimit: 100_000 }
      ),
    120_000
  )
})

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never

const run = (steps: ReadonlyArray<Of<typeof step>>, listeners: ReadonlyArray<Of<typeof listener>>) =>
  Effect.gen(function* () {
    const filename = yield* House.database
    const memory = yield* House.memory
    let house = yield* House.start({ filename, memory })
    const { port, url } = house
    const all: Array<string> = []
    let isOver = false

    const visit = (
      where: string,
      left: string | undefined,
      logId: string,
      service: string | undefined,
      events: number
    ) =>
      Effect.scoped(
        Effect.gen(function* () {
          const id = idFor(where, logId, left)
          const headers: Record<string, string> = id === undefined ? {} : { "last-event-id": id }
          const query = service === undefined ? "" : `?service=${service}`
          const one = yield* listen(`${url}/reconciliation/stream${query}`, { headers })
          const last = () => all.findLastIndex((of) => service === undefined || of === service) + 1
          const hasAll = (seen: ReadonlyArray<Seen>) =>
            isOver && seqOf(seen.findLast(({ id }) => id !== undefined)?.id ?? id) >= last()
          const enough = (seen: ReadonlyArray<Seen>) =>
            hasAll(seen) || seen.filter((message) => message.id !== undefined).length >= events
          // Looked at again when all is over: what it waits for may have been the last.
          const told = Effect.repeat(
            Effect.delay(
              Effect.sync(() => enough(one.seen)),
              "2 millis"
            ),
            { until: (is) => is }
          )
          // What has not come by then never comes.
          yield* Effect.timeoutOption(Effect.raceFirst(told, one.ended), patienceMs)
          return { id, seen: [...one.seen], where }
        })
      ).pipe(
        // There is no server just now.
        Effect.catchAllCause(() => Effect.as(Effect.sleep("3 millis"), undefined))
      )

    const listening = (plan: Of<typeof listener>, logId: string) =>
      Effect.gen(function* () {
        const visits: Array<Visit & { readonly where: string }> = []
        let left: string | undefined
        const go = (where: string, events: number) =>
          Effect.map(visit(where, left, logId, plan.service, events), (made) => {
            if (made === undefined) return false
            visits.push(made)
            const at = made.seen.findLast(({ id }) => id !== undefined)?.id
            if (at !== undefined || made.seen[0]?.event === "stream.reset") left = at
            else if (made.id === "0" || made.id === undefined) left = made.id === "0" ? "0" : undefined
            return true
          })
        for (const { events, place } of plan.stays) yield* go(place, events)
        const rest = () => !isOver || complaint(visits, all, plan.service) !== undefined
        for (let tries = 0; tries < 200 && rest(); tries++) {
          const began = Date.now()
          yield* go("there", Number.POSITIVE_INFINITY)
          if (isOver && Date.now() - began >= patienceMs) break
        }
        return complaint(visits, all, plan.service)
      })

    const ready = yield* listen(`${url}/reconciliation/stream`)
    const [first] = yield* ready.until((seen) => seen.some(({ event }) => event === "stream.ready"))
    yield* ready.leave
    const logId = first?.id?.split("-")[0] ?? ""
    const fibers = yield* Effect.forEach(listeners, (plan) => Effect.fork(listening(plan, logId)))
    for (const one of steps) {
      if (one.do === "tell") {
        yield* House.tell(house, one.count, one)
        for (let n = 0; n < one.count; n++) all.push(one.service)
      } else if (one.do === "forget") yield* House.forget(house, Math.max(0, all.length - one.kept))
      else if (one.do === "pause") yield* Effect.sleep(one.ms)
      else {
        yield* house.stop
        house = yield* House.start({ filename, memory, port })
      }
    }
    isOver = true
    const complaints = yield* Effect.forEach(fibers, Fiber.join)
    assert.deepStrictEqual(complaints.filter((one) => one !== undefined).join("\n"), "")
  })
