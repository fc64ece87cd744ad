import { describe, expect, it } from "vitest"
import { boundaries, modes, type Order, ordersOf, type Plan, planOf } from "../src/Plan.ts"
import { type Facts, verdict } from "../src/Verdict.ts"

const order: Order = {
  commandId: "x-0",
  actionType: "restart-service",
  target: "x-worker",
  how: "plain",
  fault: "none",
  lateMs: 0
}

const plan = (mode: Plan["mode"] = "keyed", fields: Partial<Order> = {}): Plan => ({
  seed: 0,
  mode,
  prefix: "x",
  clients: [[{ ...order, ...fields }]],
  kills: []
})

const sound: Facts = {
  audit: [{ id: "x-0", outcome: "success", logs: "[]" }],
  journal: [{ id: "x-0", phase: "success", outcome: "success" }],
  phases: ["queued", "running", "success"].map((phase) => ({ id: "x-0", phase })),
  told: [{ commandId: "x-0", phase: "success" }],
  received: { "x-0": 1 },
  effects: { "x-0": 1 },
  events: { count: 3, oldest: 1, newest: 3, last: 3 },
  integrity: "ok",
  accusations: 0
}

const failed: Partial<Facts> = {
  audit: [{ id: "x-0", outcome: "failure", logs: "[]" }],
  journal: [{ id: "x-0", phase: "error", outcome: "failure" }],
  phases: ["queued", "error"].map((phase) => ({ id: "x-0", phase })),
  told: [{ commandId: "x-0", phase: "error" }],
  received: {},
  effects: {}
}

/** The numbers of the rules that do not hold. */
const broken = (facts: Partial<Facts>, of: Plan = plan()) =>
  Array.from(new Set(verdict(of, { ...sound, ...facts }).map((line) => line.split(":")[0])))

describe("verdict", () => {
  it("finds nothing wrong where nothing is", () => {
    expect(verdict(plan(), sound)).toEqual([])
    expect(broken(failed)).toEqual([])
  })

  const twice = [...sound.audit, ...sound.audit]
  it.each<[string, string, Partial<Facts>, Plan?]>([
    ["1", "a command without a row", { audit: [] }],
    ["1", "one with two", { audit: twice }],
    ["1", "one that never came to its last event", { phases: sound.phases.slice(0, 2) }],
    [
      "1",
      "a row of a command that nobody sent",
      { audit: [...sound.audit, { id: "y", outcome: "failure", logs: "" }] }
    ],
    ["2", "a journal that says something else", { journal: [{ id: "x-0", phase: "running", outcome: null }] }],
    ["2", "a client that was told something else", { told: [{ commandId: "x-0", phase: "timeout" }] }],
    ["2", "a client that was told nothing", { told: [] }],
    ["3", "two effects", { effects: { "x-0": 2 }, received: { "x-0": 2 } }],
    ["4", "what was asked for again without a key", { received: { "x-0": 2 } }, plan("unkeyed")],
    ["5", "a success without an effect", { effects: {} }],
    ["5", "a failure with one", { ...failed, effects: { "x-0": 1 } }],
    [
      "6",
      "phases in another order",
      { phases: ["running", "queued", "success"].map((phase) => ({ id: "x-0", phase })) }
    ],
    ["7", "a gap among the events", { events: { count: 2, oldest: 1, newest: 3, last: 3 } }],
    ["7", "an event that was counted and is not there", { events: { count: 3, oldest: 1, newest: 3, last: 4 } }],
    ["8", "a damaged file", { integrity: "row 1 missing from index" }],
    ["9", "an accusation", { accusations: 1 }]
  ])("breaks rule %s over %s", (rule, _, facts, of) => {
    expect(broken(facts, of)).toContain(rule)
  })

  it("lets delete-job be repeated, and be done already", () => {
    const deletion = plan("unkeyed", { actionType: "delete-job" })
    expect(broken({ received: { "x-0": 2 } }, deletion)).toEqual([])
    const logs = '["the job was gone already"]'
    expect(broken({ effects: {}, audit: [{ id: "x-0", outcome: "success", logs }] }, deletion)).toEqual([])
  })
})

describe("a plan", () => {
  it("is the same for the same seed, and another for another", () => {
    for (const mode of modes) {
      expect(planOf(mode, 7)).toEqual(planOf(mode, 7))
      expect(planOf(mode, 7)).not.toEqual(planOf(mode, 8))
    }
  })

  it("comes to kill at every boundary, and at moments between", () => {
    const reached = new Set(
      Array.from({ length: 300 }, (_, seed) => planOf("late", seed).kills.map(({ at }) => at)).flat()
    )
    expect(reached).toEqual(new Set([...boundaries, "random"]))
  })

  it("gives commands of their own targets an upstream that may act late", () => {
    for (let seed = 0; seed < 50; seed++) {
      const targets = ordersOf(planOf("late", seed)).map(({ target }) => target)
      expect(new Set(targets).size).toBe(targets.length)
    }
  })
})
