import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { furnish, moves } from "../support/simulation/Moves.ts"
import { type Nature, World } from "../support/simulation/World.ts"

const isLong = process.env["MITHRANDIR_TEST_LONG"] !== undefined
const numRuns = isLong ? 5_000 : 300
/** Enough for a fault, some commands, a crash and what comes of it; each more costs ten seconds at full length. */
const maxMoves = isLong ? 8 : 6

/**
 * To see again what failed: the `seed`, and after slashes the `path` and the `replayPath`, as fast-check printed them.
 * The seed alone does the same runs again, and comes to the same end.
 */
const [seed, path, ...rest] = (process.env["MITHRANDIR_TEST_SEED"] ?? "").split("/")
// It may have slashes of its own.
const replayPath = rest.length === 0 ? undefined : rest.join("/")
const again = { ...(seed ? { seed: Number(seed) } : {}), ...(path ? { path: path } : {}) }

const nature = fc.record({
  seed: fc.nat(),
  maxOps: fc.constantFrom(17, 33, 64, 2048),
  honoursKeys: fc.boolean()
})

/** To migrate a database takes longer than all that is done with it. */
let migrated: World

const inWorld = async (nature: Nature, live: (world: World) => Promise<void>) => {
  const world = await World.make(nature, migrated.file)
  try {
    furnish(world)
    await live(world)
    world.finish()
    return world.story()
  } finally {
    world.end()
  }
}

describe("commands", () => {
  beforeAll(async () => {
    migrated = await World.make({ seed: 0, maxOps: 2048, honoursKeys: false })
    migrated.stop()
  })
  afterAll(() => migrated.end())

  it("do what their model allows, whatever happens to them, their processes and their upstream", async () => {
    let ended = 0
    const lives = fc.asyncProperty(nature, moves(maxMoves, replayPath), async (nature, all) => {
      await inWorld(nature, (world) => fc.asyncModelRun(() => ({ model: { book: world.book }, real: world }), all))
      ended += 1
    })
    // Five minutes at full length. A machine that has other things to do makes as many as fit into ten, and says so.
    await fc.assert(lives, { numRuns, interruptAfterTimeLimit: 600_000, ...again })
    if (isLong && ended < numRuns) console.warn(`${ended} lives of ${numRuns} fitted into ten minutes`)
  }, 900_000)

  it("do the same again for the same seed", async () => {
    const twice = fc.asyncProperty(nature, moves(maxMoves), async (nature, all) => {
      const live = (world: World) => fc.asyncModelRun(() => ({ model: { book: world.book }, real: world }), all)
      assert.strictEqual(await inWorld(nature, live), await inWorld(nature, live))
    })
    await fc.assert(twice, { numRuns: 5 })
  })

  it("have failed where the deadline passes after they were started, and before upstream was asked", async () => {
    await inWorld({ seed: 1, maxOps: 17, honoursKeys: false }, async (world) => {
      world.post("late", { actionType: "restart-service", target: "worker-0" })
      while (world.command("late")?.phase !== "running") world.turn(1)
      assert.deepStrictEqual(world.upstream.requests, [])
      world.step(3_600_000)
      world.wait(0)
      assert.deepInclude(world.command("late"), { phase: "error", outcome: "failure" })
    })
  })

  for (const fault of ["hangs", "breaks"] as const) {
    it(`end in their time where the clock is set back and upstream ${fault}`, async () => {
      await inWorld({ seed: 1, maxOps: 2048, honoursKeys: false }, async (world) => {
        world.upstream.faults = [fault, fault]
        for (const id of ["first", "next"]) world.post(id, { actionType: "restart-service", target: "worker-0" })
        world.wait(1_000)
        world.step(-3_600_000)
        // What it may take, and five seconds of looking, for each of the two.
        world.wait(30_000)
        for (const id of ["first", "next"]) assert.strictEqual(world.command(id)?.phase, "timeout", id)
      })
    })
  }
})
