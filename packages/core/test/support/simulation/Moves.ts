/** What may happen in a world, as fast-check's commands. */
import fc from "fast-check"
import type { JobState } from "../../../src/model/Job.ts"
import { type Book, isSame } from "./Book.ts"
import { bulk, type Content, type Fault, type Reads } from "./Upstream.ts"
import { latestMs, type World } from "./World.ts"

/** The model as fast-check hands it on. */
export interface Model {
  readonly book: Book
}

type Move = fc.AsyncCommand<Model, World>

const jobs = ["job-0", "job-1", "job-2"]
const bulkJobs = ["bulk-0", "bulk-1"]
const workers = ["worker-0", "worker-1"]
/** More than may be at work at once. */
const crowd = Array.from({ length: 18 }, (_, index) => `crowd-${index}`)

/** What is there at the beginning. */
export const furnish = ({ upstream }: World): void => {
  for (const [index, id] of jobs.entries()) upstream.put(id, index === 2 ? "waiting" : "failed")
  for (const id of bulkJobs) upstream.put(id, "waiting")
  for (const name of [...workers, ...crowd]) upstream.setWorker(name, 1)
}

const move = (
  name: string,
  run: (world: World, book: Book) => unknown,
  check: (book: Book) => boolean = () => true
) => {
  const one: Move = {
    check: ({ book }) => check(book),
    run: async ({ book }, world) => {
      await run(world, book)
      world.check()
    },
    toString: () => name
  }
  return one
}

const order = (actionType: Content["actionType"], ...targets: ReadonlyArray<string>) =>
  fc.constantFrom(...targets).map((target): Content => ({ actionType, target }))

const content = fc.oneof(
  { weight: 4, arbitrary: order("retry-job", ...jobs) },
  { weight: 4, arbitrary: order("delete-job", ...jobs, ...bulkJobs) },
  { weight: 3, arbitrary: order("restart-service", ...workers) },
  { weight: 1, arbitrary: order("purge-queue", bulk) }
)

/** How many turns are let pass: all that anybody wants, or a few. */
const turns = fc.oneof(fc.constant(Infinity), fc.nat({ max: 30 }), fc.nat({ max: 400 }))

const show = ({ actionType, target }: Content) => `${actionType} ${target}`
const fresh = (book: Book) => `c${book.ids.length}`
const known = (book: Book, which: number) => book.ids[which % book.ids.length] ?? ""
const hasAny = (book: Book) => book.ids.length > 0

const post = fc.tuple(content, turns).map(([what, n]) =>
  move(`post(${show(what)}, ${n})`, (world, book) => {
    world.post(fresh(book), what)
    world.turn(n)
  })
)

const again = fc.tuple(fc.nat({ max: 20 }), turns).map(([which, n]) =>
  move(
    `again(${which}, ${n})`,
    (world, book) => {
      const id = known(book, which)
      const what = book.contentOf(id)
      if (what !== undefined) world.post(id, what)
      world.turn(n)
    },
    hasAny
  )
)

const other = fc.tuple(fc.nat({ max: 20 }), content, turns).map(([which, what, n]) =>
  move(
    `other(${which}, ${show(what)}, ${n})`,
    (world, book) => {
      world.post(known(book, which), what)
      world.turn(n)
    },
    (book) => hasAny(book) && !isSame(book.contentOf(known(book, which)) ?? what, what)
  )
)

const twenty = fc.tuple(content, turns).map(([what, n]) =>
  move(`twenty(${show(what)}, ${n})`, (world, book) => {
    const id = fresh(book)
    for (let time = 0; time < 20; time++) world.post(id, what)
    world.turn(n)
  })
)

const several = fc.tuple(fc.array(content, { minLength: 2, maxLength: 5 }), turns).map(([all, n]) =>
  move(`several(${all.map(show).join(", ")}, ${n})`, (world, book) => {
    for (const what of all) world.post(fresh(book), what)
    world.turn(n)
  })
)

const wait = fc
  .oneof(fc.nat({ max: 1_000 }), fc.nat({ max: 15_000 }))
  .map((ms) => move(`wait(${ms})`, (world) => world.wait(ms)))

const down = fc.oneof(fc.constant(0), fc.nat({ max: 15_000 }))

const kill = fc.tuple(turns, down).map(([n, ms]) =>
  move(`kill(${n}, ${ms})`, (world) => {
    world.turn(n)
    world.kill()
    world.wait(ms)
    return world.begin()
  })
)

const stop = down.map((ms) =>
  move(`stop(${ms})`, (world) => {
    world.stop()
    world.wait(ms)
    return world.begin()
  })
)

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Fault>("refuses", "unreachable", "breaks", "resets", "hangs", "mute") },
  { weight: 1, arbitrary: fc.record({ slow: fc.nat({ max: 12_000 }) }) },
  { weight: 1, arbitrary: fc.record({ late: fc.nat({ max: latestMs }) }) }
)

const faults = fc.array(fault, { minLength: 1, maxLength: 3 }).map((all) =>
  move(`faults(${JSON.stringify(all)})`, (world) => {
    world.upstream.faults = all.slice()
  })
)

/** Many at once, all of which meet the same. */
const rush = fc.tuple(fault, turns).map(([what, n]) =>
  move(`rush(${JSON.stringify(what)}, ${n})`, (world, book) => {
    world.upstream.faults = crowd.map(() => what)
    for (const target of crowd) world.post(fresh(book), { actionType: "restart-service", target })
    world.turn(n)
  })
)

const reads = fc.constantFrom<Reads>("answer", "fail", "hang").map((how) =>
  move(`reads(${how})`, (world) => {
    world.upstream.reads = how
  })
)

/**
 * Jobs move by themselves, or are new. Those of the queue that is purged do less: one that begins to wait after a purge
 * has looked, and before it is applied, is missed by the next pass.
 */
const meddle = fc
  .oneof(
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constantFrom(...jobs), fc.constantFrom<JobState>("failed", "waiting", "active"))
    },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...bulkJobs), fc.constant<JobState>("waiting")) }
  )
  .map(([id, state]) =>
    move(`meddle(${id}, ${state})`, ({ upstream }) => {
      if (!bulkJobs.includes(id) || upstream.purgesToCome === 0) upstream.put(id, state)
    })
  )

const writable = fc
  .boolean()
  .map((isWritable) => move(`writable(${isWritable})`, (world) => world.setWritable(isWritable)))

const pass = turns.map((n) =>
  move(`pass(${n})`, (world) => {
    world.pass()
    world.turn(n)
  })
)

/** The clock on the wall is set by an hour. */
const step = fc.constantFrom(-3_600_000, 3_600_000).map((ms) => move(`step(${ms})`, (world) => world.step(ms)))

/** Weighed so that most of what happens happens to commands. */
const any = fc.oneof(
  { weight: 10, arbitrary: post },
  { weight: 6, arbitrary: again },
  { weight: 4, arbitrary: other },
  { weight: 3, arbitrary: twenty },
  { weight: 5, arbitrary: several },
  { weight: 1, arbitrary: rush },
  { weight: 10, arbitrary: wait },
  { weight: 9, arbitrary: kill },
  { weight: 3, arbitrary: stop },
  { weight: 12, arbitrary: faults },
  { weight: 4, arbitrary: reads },
  { weight: 5, arbitrary: meddle },
  { weight: 4, arbitrary: writable },
  { weight: 4, arbitrary: pass },
  { weight: 1, arbitrary: step }
)

/** `replayPath`: where fast-check printed one, so that it does the very same again. */
export const moves = (maxCommands: number, replayPath?: string): fc.Arbitrary<Iterable<Move>> =>
  fc.commands([any], { maxCommands, size: "max", ...(replayPath === undefined ? {} : { replayPath }) })
