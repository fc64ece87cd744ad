import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../src/commands/Action.ts"
import { standard } from "../../src/commands/CommandCatalog.ts"
import { Commands, type SubmitError } from "../../src/commands/Commands.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import { ActionRejected, type ReadError, SourceUnavailable } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { ended, run } from "../support/commands.ts"
import { layerHouse, makeFile, query, service } from "../support/house.ts"

const order = (actionType: string, params?: Record<string, unknown>, commandId = "one") => ({
  commandId,
  service: "mail",
  actionType,
  target: "a",
  ...(params === undefined ? {} : { params })
})

/** Two services, `mail` and `print`, with the standard actions and these. */
const withActions = (...actions: ReadonlyArray<Action.Action>) =>
  Effect.gen(function* () {
    const memory = yield* MemorySource.make
    yield* memory.control.put({ id: "a", state: "failed" })
    const file = yield* makeFile
    const context = yield* Layer.build(
      layerHouse(file, [service(memory), service(memory, { id: "print", type: "printer" })], {
        actions: [...standard, ...actions]
      })
    )
    return { context, file, ...memory }
  })

describe("an action of an embedder's", () => {
  it.scoped("gets its params decoded, and the audit has them as they were sent", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const move = Action.make({
        actionType: "move-job",
        params: Schema.Struct({
          to: Schema.String,
          not_before: Schema.propertySignature(Schema.DateTimeUtc),
          tries: Schema.optionalWith(Schema.NumberFromString, { default: () => 3 })
        }),
        snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
        execute: ({ key, params, service, target }) =>
          Effect.sync(() => {
            seen.push([service, target, params.to, DateTime.formatIso(params.not_before), params.tries + 1, key])
            return `moved to ${params.to}`
          })
      })
      const { context, file } = yield* withActions(move)
      const params = { to: "bulk", not_before: "2026-01-31T12:00:00.000Z" }
      const statuses = yield* Effect.provide(run(order("move-job", params)), context)
      assert.deepStrictEqual(seen, [["mail", "a", "bulk", "2026-01-31T12:00:00.000Z", 4, "one"]])
      const last = statuses.at(-1)
      assert.strictEqual(last?.phase, "success")
      assert.include(last?.logs ?? [], "moved to bulk")
      const [row] = query<Record<string, string>>(file, "SELECT * FROM command_audit")
      assert.deepStrictEqual(JSON.parse(row?.command_params_json ?? ""), params)
      assert.deepInclude(JSON.parse(row?.before_state_json ?? ""), { id: "a", state: "failed" })
    })
  )

  it.scoped("is refused params that do not fit by their path, and none of their values is quoted", () =>
    Effect.gen(function* () {
      const move = Action.make({
        actionType: "move-job",
        params: Schema.Struct({ to: Schema.Struct({ queue: Schema.Int }), pin: Action.Secret }),
        snapshot: () => Effect.succeed(null),
        execute: () => Effect.succeed("moved")
      })
      const bare = Action.make({
        actionType: "bare",
        snapshot: () => Effect.succeed(null),
        execute: () => Effect.succeed("done")
      })
      const { context, file } = yield* withActions(move, bare)
      const commands = yield* Effect.provide(Commands, context)
      const unfit = "is not what is expected there"
      const unknown = "is not known to this action; leave it out"
      const refusals = [
        ["move-job", undefined, "params.to", "is missing"],
        ["move-job", { to: { queue: "hush" }, pin: "p" }, "params.to.queue", unfit],
        ["move-job", { to: { queue: 1 }, pin: ["hush"] }, "params.pin", unfit],
        ["move-job", { to: { queue: 1 }, pin: "" }, "params.pin", unfit],
        ["move-job", { to: { queue: 1 }, pin: "p", more: "hush" }, "params.more", unknown],
        ["move-job", { to: { queue: 1, more: "hush" }, pin: "p" }, "params.to.more", unknown],
        ["bare", { more: "hush" }, "params.more", unknown]
      ] as const
      for (const [actionType, params, path, problem] of refusals) {
        const doors: ReadonlyArray<Effect.Effect<unknown, SubmitError | ReadError>> = [
          commands.submit(order(actionType, params), "tester"),
          commands.preview(order(actionType, params))
        ]
        for (const door of doors) {
          const error = yield* Effect.flip(door)
          assert.deepInclude(error, { _tag: "CommandInvalid", path, problem }, actionType)
          assert.notInclude(JSON.stringify(error), "hush")
        }
      }
      assert.deepStrictEqual(query(file, "SELECT * FROM command"), [])
    })
  )

  it.scoped("may be for one service, or one kind of service", () =>
    Effect.gen(function* () {
      const only = (actionType: string, isSupported: NonNullable<Action.Definition["isSupported"]>) =>
        Action.make({
          actionType,
          isSupported,
          snapshot: () => Effect.succeed(null),
          execute: () => Effect.succeed("done")
        })
      const { context } = yield* withActions(
        only("for-mail", ({ id }) => id === "mail"),
        only("for-printers", ({ type }) => type === "printer")
      )
      const commands = yield* Effect.provide(Commands, context)
      const refused = yield* Effect.flip(commands.submit(order("for-printers"), "tester"))
      assert.deepInclude(refused, { _tag: "ActionNotSupported", service: "mail" })
      assert.notInclude(refused.message, "supports: for-printers")
      assert.include(refused.message, "for-mail")
      const done = yield* Effect.provide(run({ ...order("for-printers"), service: "print" }), context)
      assert.strictEqual(done.at(-1)?.phase, "success")
    })
  )

  it.scoped("that says only how to look and how to act proves nothing, explains nothing, and is never repeated", () =>
    Effect.gen(function* () {
      const { context, control, file } = yield* withActions(
        Action.make({
          actionType: "vanish",
          snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
          execute: () => Effect.succeed("gone")
        }),
        Action.make({
          actionType: "unsure",
          snapshot: () => Effect.succeed(1),
          execute: () => new SourceUnavailable({ reason: "reset" })
        }),
        Action.make({
          actionType: "refused",
          snapshot: () => Effect.succeed(1),
          execute: () => new ActionRejected({ problem: "not on a Friday" })
        })
      )
      const reconciler = yield* Effect.provide(Reconciler, context)
      yield* control.put({ id: "a" })
      yield* reconciler.run({})
      yield* control.hook("find", control.remove("a"))
      const vanished = (yield* Effect.provide(run(order("vanish")), context)).at(-1)
      assert.strictEqual(vanished?.phase, "success")
      assert.isFalse(vanished !== undefined && "verified" in vanished)
      const [row] = query<Record<string, string>>(file, "SELECT after_state_json AS after FROM command_audit")
      assert.isNull(row?.after ?? null)
      assert.deepStrictEqual((yield* reconciler.run({ service: "mail" }))[0]?.discrepancyDetails?.missingJobIds, ["a"])

      const unsure = (yield* Effect.provide(run(order("unsure", undefined, "two")), context)).at(-1)
      assert.strictEqual(unsure?.phase, "timeout")
      const refused = (yield* Effect.provide(run(order("refused", undefined, "three")), context)).at(-1)
      assert.strictEqual(refused?.phase, "error")
      assert.include(refused?.logs.at(-1) ?? "", "not on a Friday")
    })
  )

  it.scoped("that throws anywhere ends the command, and nothing else", () =>
    Effect.gen(function* () {
      const fail = (): never => {
        throw new Error("a mistake")
      }
      const fine = { snapshot: () => Effect.succeed(1), execute: () => Effect.succeed("done") }
      const { context } = yield* withActions(
        Action.make({ ...fine, actionType: "snapshot", snapshot: fail }),
        Action.make({ ...fine, actionType: "refusal", refusal: fail }),
        Action.make({ ...fine, actionType: "execute", execute: fail }),
        Action.make({ ...fine, actionType: "verify", verify: fail })
      )
      const phases = yield* Effect.forEach(["snapshot", "refusal", "execute", "verify"], (actionType) =>
        Effect.map(run(order(actionType, undefined, actionType)), (statuses) => statuses.at(-1)?.phase)
      ).pipe(Effect.provide(context))
      assert.deepStrictEqual(phases, ["error", "error", "timeout", "success"])
      yield* Effect.provide(ended("execute"), context)
    })
  )
})
