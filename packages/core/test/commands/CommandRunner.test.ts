import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as Action from "../../src/commands/Action.ts"
import { standard } from "../../src/commands/CommandCatalog.ts"
import { Commands } from "../../src/commands/Commands.ts"
import * as Kept from "../../src/commands/Kept.ts"
import type { CommandRequest } from "../../src/model/Command.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import { ActionRejected } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { ended, run } from "../support/commands.ts"
import { layerHouse, makeFile, query, service } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"

/** A queue that was shut down interrupts whoever takes from it. */
const closed = Effect.flatMap(Queue.unbounded<never>(), (queue) =>
  Effect.zipRight(Queue.shutdown(queue), Queue.take(queue))
)

const broken = (): never => {
  throw new TypeError("hush")
}

const action = (actionType: string, more: Partial<Action.Definition> = {}) =>
  Action.make({ actionType, snapshot: () => Effect.succeed(1), execute: () => Effect.succeed("applied"), ...more })

const order = (actionType: string, more: Partial<CommandRequest> = {}): CommandRequest => ({
  commandId: actionType,
  service: "mail",
  actionType,
  target: actionType,
  ...more
})

interface Row {
  readonly id: string
  readonly outcome: string
  readonly before_state_json: string | null
  readonly after_state_json: string | null
  readonly logs_json: string
}

const house = (...actions: ReadonlyArray<Action.Action>) =>
  Effect.gen(function* () {
    const memory = yield* MemorySource.make
    yield* memory.control.put({ id: "a" })
    const file = yield* makeFile
    const context = yield* Layer.build(
      layerHouse(file, [service(memory), service(memory, { id: "print" })], { actions: [...standard, ...actions] })
    )
    const row = (id: string) => {
      const [found] = query<Row>(file, `SELECT * FROM command_audit WHERE id = '${id}'`)
      assert.isDefined(found, id)
      return { ...found, logs: JSON.parse(found?.logs_json ?? "[]") as ReadonlyArray<string> }
    }
    const to = (request: CommandRequest) =>
      Effect.provide(
        Effect.map(run(request), (statuses) => statuses.at(-1)),
        context
      )
    return { ...memory, context, commands: Context.get(context, Commands), file, row, to }
  })

describe("an action that interrupts itself", () => {
  it.scoped("ends its command, on the record, and leaves the house at work", () =>
    Effect.gen(function* () {
      const { commands, row, to } = yield* house(
        action("snapshot", { snapshot: () => closed }),
        action("execute", { execute: () => Effect.interrupt }),
        action("verify", { verify: () => closed }),
        action("fine")
      )
      const phases = yield* Effect.forEach(["snapshot", "execute", "verify", "fine"], (name) => to(order(name)))
      assert.deepStrictEqual(
        phases.map((last) => last?.phase),
        ["error", "timeout", "success", "success"]
      )
      assert.strictEqual(row("snapshot").outcome, "failure")
      assert.strictEqual(row("execute").outcome, "timeout")
      assert.isFalse(phases.some((last) => last !== undefined && "verified" in last))
      // A dry run answers, too.
      const dry = yield* Effect.exit(commands.preview(order("snapshot", { commandId: "dry" })))
      assert.strictEqual(dry._tag, "Failure")
      if (dry._tag === "Failure") assert.strictEqual(dry.cause._tag, "Die")
    })
  )
})

describe("an action that throws", () => {
  it.scoped("before upstream was asked was certainly not applied", () =>
    Effect.gen(function* () {
      let calls = 0
      const execute = () => Effect.sync(() => `applied ${++calls}`)
      const { row, to } = yield* house(
        action("refusal", { execute, refusal: broken }),
        action("isDone", { execute, isDone: broken }),
        action("nothing", { execute, refusal: () => "no" as never })
      )
      for (const name of ["refusal", "isDone", "nothing"]) {
        assert.strictEqual((yield* to(order(name)))?.phase, "error", name)
        assert.strictEqual(row(name).outcome, "failure")
        assert.include(row(name).logs.at(-1) ?? "", "not applied: ")
        assert.notInclude(row(name).logs_json, "hush")
      }
      assert.strictEqual(calls, 0)
    })
  )

  it.scoped("while it looks for what it did has done it all the same", () =>
    Effect.gen(function* () {
      const { context, row, to } = yield* house(
        action("verify", { verify: broken }),
        action("proof", { verify: () => Effect.succeed({ after: 1 } as never) }),
        action("effected", { effected: broken, touches: "job" }),
        action("nonsense", { effected: () => ({ id: "a" }) as never, touches: "job" })
      )
      yield* Effect.flatMap(Context.get(context, Reconciler).run({}), () => Effect.void)
      for (const name of ["verify", "proof", "effected", "nonsense"]) {
        const last = yield* to(order(name, { target: "a" }))
        assert.strictEqual(last?.phase, "success", name)
        assert.isFalse(last !== undefined && "verified" in last)
        assert.include(row(name).logs, "applied")
        assert.notInclude(row(name).logs_json, "hush")
      }
      assert.isTrue(row("verify").logs.some((line) => line.startsWith("looked again: it failed in a way")))
    })
  )

  it.scoped("in the middle of it is looked for, as any other whose effect is unknown", () =>
    Effect.gen(function* () {
      const there = { after: 2, verified: Option.some(true) }
      const { row, to } = yield* house(
        action("proven", { execute: broken, verify: () => Effect.succeed(there) }),
        action("unproven", { execute: broken }),
        action("text", { execute: () => Effect.fail("text" as never) })
      )
      assert.deepInclude(yield* to(order("proven")), { phase: "success", verified: true })
      assert.strictEqual(row("proven").after_state_json, "2")
      for (const name of ["unproven", "text"]) {
        assert.strictEqual((yield* to(order(name)))?.phase, "timeout")
        assert.include(row(name).logs, "it failed in a way that it should not; see the server's log")
      }
    })
  )
})

describe("an action that hangs", () => {
  it.scoped("while it looks for what it did ends without being told, and others get their turn", () =>
    Effect.gen(function* () {
      let looks = 0
      const { context, to } = yield* house(
        action("hangs", { verify: () => Effect.never }),
        action("stubborn", { verify: () => Effect.uninterruptible(Effect.never) }),
        // By default it looks as it looked before.
        action("second", { snapshot: () => Effect.suspend(() => (looks++ === 0 ? Effect.succeed(1) : Effect.never)) }),
        action("refused", {
          execute: () => new ActionRejected({ problem: "no" }),
          verify: () => Effect.never
        })
      )
      const commands = Context.get(context, Commands)
      const many = Array.from({ length: 16 }, (_, n) => order("hangs", { commandId: `h-${n}`, target: `t-${n}` }))
      yield* Effect.forEach(many, (request) => commands.submit(request, "tester"), { discard: true })
      const other = order("delete-job", { commandId: "other", service: "print", target: "gone" })
      yield* commands.submit(order("delete-job", { target: "gone" }), "tester")
      yield* commands.submit(other, "tester")
      assert.strictEqual((yield* Effect.provide(ended("other"), context)).at(-1)?.phase, "success")
      assert.isBelow(yield* Clock.currentTimeMillis, 10_000)
      assert.strictEqual((yield* commands.get("delete-job")).phase, "queued")
      assert.strictEqual((yield* Effect.provide(ended("delete-job"), context)).at(-1)?.phase, "success")
      for (const { commandId } of many) {
        const end = (yield* Effect.provide(ended(commandId), context)).at(-1)
        assert.strictEqual(end?.phase, "success")
        assert.isFalse(end !== undefined && "verified" in end)
        assert.include(end?.logs ?? [], "applied")
      }
      assert.strictEqual((yield* to(order("stubborn")))?.phase, "success")
      assert.strictEqual((yield* to(order("second")))?.phase, "success")
      assert.strictEqual((yield* to(order("refused")))?.phase, "error")
    })
  )

  it.scoped("in a dry run is given up after the command's time", () =>
    Effect.gen(function* () {
      const { commands } = yield* house(action("hangs", { snapshot: () => Effect.never }))
      const fiber = yield* Effect.fork(Effect.flip(commands.preview(order("hangs"))))
      yield* TestClock.adjust("29999 millis")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "SourceUnavailable", reason: "timeout" })
    })
  )
})

describe("what is kept of a command", () => {
  it.scoped("is bounded: a state that is too large is told by its size and digest, a line is cut", () =>
    Effect.gen(function* () {
      const large = "x".repeat(2_000_000)
      const seen: Array<number> = []
      const { commands, row, to } = yield* house(
        action("large", {
          snapshot: () => Effect.succeed({ large }),
          execute: () => Effect.succeed(large),
          verify: (before) =>
            Effect.sync(() => {
              seen.push(JSON.stringify(before).length)
              return { after: { large }, verified: Option.some(true) }
            })
        }),
        action("no-text", { execute: () => Effect.succeed(undefined as never) })
      )
      const { phase } = (yield* to(order("large"))) ?? {}
      assert.strictEqual(phase, "success")
      // What judges has all of it.
      assert.deepStrictEqual(seen, [2_000_012])
      const { after_state_json, before_state_json, logs, logs_json } = row("large")
      const { kept: note } = Kept.state("before", { large })
      assert.deepStrictEqual(JSON.parse(before_state_json ?? ""), note)
      assert.deepStrictEqual(JSON.parse(after_state_json ?? ""), note)
      assert.isTrue(logs.some((line) => line.startsWith("the state before is too large to keep: 2000012 bytes")))
      assert.isTrue(logs.some((line) => line.startsWith("the state after is too large to keep: 2000012 bytes")))
      assert.isBelow(logs_json.length, 5_000)
      assert.deepStrictEqual((yield* commands.preview(order("large", { commandId: "dry" }))).beforeState, note)

      assert.strictEqual((yield* to(order("no-text")))?.phase, "success")
    })
  )

  it("is all of it up to the bound", () => {
    const most = "x".repeat(Kept.maxStateBytes - 2)
    assert.deepStrictEqual(Kept.state("before", most), { kept: most })
    assert.deepStrictEqual(Kept.state("before", undefined), { kept: undefined })
    assert.deepStrictEqual(Object.keys(Kept.state("before", `${most}x`).kept as object), ["omittedBytes", "sha256"])
    assert.strictEqual(Kept.line("x".repeat(Kept.maxLineChars)).length, Kept.maxLineChars)
    assert.match(Kept.line("x".repeat(Kept.maxLineChars + 1)), /x… \(1 more characters\)$/)
  })
})

describe("params given in the same process", () => {
  it.scoped("that are no JSON are refused by their path", () =>
    Effect.gen(function* () {
      const { commands, file, to } = yield* house(
        action("any", { params: Schema.Struct({ a: Schema.Unknown }) as never }),
        action("date", { params: Schema.Struct({ a: Schema.DateFromSelf }) as never })
      )
      const cycle: { it?: unknown } = {}
      cycle.it = cycle
      let deep: unknown = 1
      for (let depth = 0; depth < 100_000; depth++) deep = [deep]
      const refusals: ReadonlyArray<readonly [unknown, string]> = [
        [{ a: 1n }, "params.a"],
        [{ a: Number.NaN }, "params.a"],
        [{ a: [1, Number.POSITIVE_INFINITY] }, "params.a.1"],
        [{ a: { b: new Map([["hush", 1]]) } }, "params.a.b"],
        [{ a: new Date(0) }, "params.a"],
        [{ a: () => 1 }, "params.a"],
        [{ a: [undefined] }, "params.a.0"],
        [{ a: "x".repeat(Kept.maxParamsBytes) }, "params"],
        [new Map([["a", 1]]), "params"]
      ]
      for (const [params, path] of refusals) {
        const error = yield* Effect.flip(commands.submit(order("any", { params: params as never }), "tester"))
        assert.deepInclude(error, { _tag: "CommandInvalid", path })
        assert.notInclude(error.message, "hush")
      }
      for (const a of [cycle, deep]) {
        const error = yield* Effect.flip(commands.preview(order("any", { params: { a } })))
        assert.deepInclude(error, { _tag: "CommandInvalid", problem: "is nested deeper than 32" })
      }
      const date = yield* Effect.flip(commands.submit(order("date", { params: { a: new Date(0) } }), "tester"))
      assert.deepInclude(date, { _tag: "CommandInvalid", path: "params.a" })
      assert.deepStrictEqual(query(file, "SELECT * FROM command"), [])
      // What is undefined is not there, as in JSON.
      const absent = { a: 1, b: undefined }
      assert.strictEqual((yield* to(order("any", { params: absent })))?.phase, "success")
      assert.deepStrictEqual(query(file, "SELECT params_json FROM command"), [{ params_json: '{"a":1}' }])
    })
  )
})
