import { assert, describe } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { Commands } from "../../src/commands/Commands.ts"
import * as SqliteNode from "../../src/drivers/SqliteNode.ts"
import { AuditQuery } from "../../src/model/AuditQuery.ts"
import type { CommandRequest } from "../../src/model/Command.ts"
import type { CommandStatus } from "../../src/model/Event.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import { ActionRejected, SourceInvalid, SourceUnavailable } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as Database from "../../src/storage/Database.ts"
import { kill } from "../support/commands.ts"
import { layerHouse, makeFile, query, service } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"
import { accept, client, refuse } from "../support/security.ts"

const build = (file: string, memory: MemorySource.MemorySource, scope: Scope.Scope) =>
  Effect.gen(function* () {
    const context = yield* Layer.buildWithScope(layerHouse(file, [service(memory)]), scope)
    const commands = Context.get(context, Commands)
    const reconciler = Context.get(context, Reconciler)
    const audit = Effect.flatMap(
      Effect.succeed(AuditQuery.make({ page: 1, limit: 50, sortBy: "timestamp", sortOrder: "asc" })),
      Context.get(context, AuditLog).page
    )
    /** Submits and follows to the end; moves the clock for as long as it takes. */
    const run = (request: CommandRequest) =>
      Effect.gen(function* () {
        yield* commands.submit(request, "tester")
        return yield* ended(request.commandId)
      })
    const ended = (commandId: string) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Stream.runCollect(commands.follow(commandId)))
        for (let seconds = 0; seconds < 60 && fiber.unsafePoll() === null; seconds++)
          yield* TestClock.adjust("1 seconds")
        return Chunk.toReadonlyArray(yield* Fiber.join(fiber))
      })
    return { commands, reconciler, audit, run, ended, pass: Effect.map(reconciler.run({}), ([update]) => update) }
  })

const begun = Effect.gen(function* () {
  const memory = yield* MemorySource.make
  const file = yield* makeFile
  yield* memory.control.put(
    { id: "failed", state: "failed", attempts: 3 },
    { id: "waiting", queue: "bulk" },
    { id: "delayed", queue: "bulk", state: "delayed" },
    { id: "active", queue: "bulk", state: "active" },
    { id: "done", state: "completed" }
  )
  yield* memory.control.setWorker("mailer", "instance-1")
  const house = yield* build(file, memory, yield* Effect.scope)
  yield* house.pass
  return { ...memory, ...house, file, memory }
})

let ids = 0
const order = (actionType: string, target: string, more: Partial<CommandRequest> = {}): CommandRequest => ({
  commandId: `c-${++ids}`,
  service: "mail",
  actionType,
  target,
  ...more
})

const phases = (statuses: ReadonlyArray<CommandStatus>) => statuses.map(({ phase }) => phase)
const last = (statuses: ReadonlyArray<CommandStatus>) => statuses.at(-1)

describe("a command", () => {
  it.scoped("goes from queued over running to success, verified, with before and after in the audit", () =>
    Effect.gen(function* () {
      const { audit, run } = yield* begun
      const statuses = yield* run(order("retry-job", "failed", { commandId: "first", reason: "page 3" }))
      assert.deepStrictEqual(phases(statuses), ["queued", "running", "success"])
      assert.strictEqual(last(statuses)?.verified, true)
      const { data } = yield* audit
      assert.strictEqual(data.length, 1)
      const [entry] = data
      assert.deepInclude(entry, {
        id: "first",
        actor: "tester",
        actionType: "retry-job",
        target: "failed",
        outcome: "success",
        commandParams: {}
      })
      assert.deepInclude(entry?.beforeState, { id: "failed", state: "failed", attempts: 3 })
      assert.deepInclude(entry?.afterState, { id: "failed", state: "waiting" })
      assert.deepStrictEqual(entry?.logs, last(statuses)?.logs)
    })
  )

  it.scoped("is previewed without a trace: what it would find, and its id stays free", () =>
    Effect.gen(function* () {
      const { commands, control, file, run } = yield* begun
      const request = order("retry-job", "failed", { commandId: "free" })
      const preview = yield* commands.preview(request)
      assert.deepInclude(preview, { commandId: "free", dryRun: true, precondition: { met: true } })
      assert.deepInclude(preview.beforeState, { id: "failed", state: "failed" })
      const unfit = yield* commands.preview(order("retry-job", "waiting"))
      assert.deepStrictEqual(unfit.precondition, { met: false, problem: 'job "waiting" has not failed: it is waiting' })
      assert.strictEqual((yield* commands.preview(order("delete-job", "gone"))).note, "the job was gone already")
      assert.strictEqual((yield* Effect.flip(commands.preview(order("explode", "it"))))._tag, "ActionNotFound")
      assert.deepStrictEqual(query(file, "SELECT * FROM command"), [])
      assert.strictEqual(yield* control.calls, 0)
      assert.deepStrictEqual(phases(yield* run(request)), ["queued", "running", "success"])
    })
  )

  it.scoped("of each action does what it says, and no pass takes it for a discrepancy", () =>
    Effect.gen(function* () {
      const { control, pass, run } = yield* begun
      const steps = [
        order("delete-job", "waiting"),
        order("purge-queue", "bulk"),
        order("restart-service", "mailer"),
        order("retry-job", "failed")
      ]
      for (const step of steps) {
        assert.deepInclude(last(yield* run(step)), { phase: "success", verified: true }, step.actionType)
        assert.strictEqual((yield* pass)?.status, "verified", step.actionType)
      }
      const left = yield* control.jobs
      assert.deepStrictEqual(left.map(({ id, state }) => `${id} ${state}`).sort(), [
        "active active",
        "done completed",
        "failed waiting"
      ])
    })
  )

  it.scoped("with an id that is known gives the stored state and sends nothing, also when twenty come at once", () =>
    Effect.gen(function* () {
      const { audit, commands, control, ended } = yield* begun
      const request = order("retry-job", "failed")
      const all = yield* Effect.forEach(Array.from({ length: 20 }), () => commands.submit(request, "tester"), {
        concurrency: "unbounded"
      })
      assert.strictEqual(all.filter(({ replayed }) => !replayed).length, 1)
      yield* ended(request.commandId)
      const again = yield* commands.submit({ ...request, reason: "another reason" }, "somebody else")
      assert.isTrue(again.replayed)
      assert.deepInclude(again.state, { phase: "success", outcome: "success", verified: true })
      assert.strictEqual(yield* control.calls, 1)
      assert.strictEqual((yield* audit).data.length, 1)
    })
  )

  it.scoped("with an id that is taken by other content is refused", () =>
    Effect.gen(function* () {
      const { commands, run } = yield* begun
      const request = order("retry-job", "failed")
      yield* run(request)
      const others = [{ target: "other" }, { actionType: "delete-job" }]
      for (const other of others) {
        const error = yield* Effect.flip(commands.submit({ ...request, ...other }, "tester"))
        assert.strictEqual(error._tag, "CommandIdTaken")
      }
    })
  )

  it.scoped("that nobody could run is refused before anything is written", () =>
    Effect.gen(function* () {
      const { commands, file, memory } = yield* begun
      const refusals = [
        [order("retry-job", "failed", { service: "nowhere" }), "ServiceNotFound"],
        [order("explode", "failed"), "ActionNotFound"],
        [order("retry-job", "failed", { params: { force: true } }), "CommandInvalid"],
        [order("retry-job", ".."), "CommandInvalid"],
        [order("retry-job", "failed", { commandId: "no good" }), "CommandInvalid"]
      ] as const
      for (const [request, tag] of refusals) {
        assert.strictEqual((yield* Effect.flip(commands.submit(request, "tester")))._tag, tag)
      }
      const { actions: _, ...source } = memory.source
      const bare = { ...memory, source: { ...source, actions: {} } }
      const other = yield* build(yield* makeFile, bare, yield* Effect.scope)
      const error = yield* Effect.flip(other.commands.submit(order("retry-job", "failed"), "tester"))
      assert.strictEqual(error._tag, "ActionNotSupported")
      assert.deepStrictEqual(query(file, "SELECT * FROM command"), [])
    })
  )

  it.scoped("whose precondition does not hold ends as failure, audited, and never reaches upstream", () =>
    Effect.gen(function* () {
      const { audit, control, run } = yield* begun
      const refused = [
        order("retry-job", "done"),
        order("retry-job", "nothing"),
        order("delete-job", "active"),
        order("purge-queue", "nothing"),
        order("restart-service", "nothing")
      ]
      for (const request of refused) {
        assert.deepStrictEqual(phases(yield* run(request)), ["queued", "running", "error"], request.actionType)
      }
      assert.deepStrictEqual(
        (yield* audit).data.map(({ outcome }) => outcome),
        refused.map(() => "failure")
      )
      assert.strictEqual(yield* control.calls, 0)
    })
  )

  it.scoped("to delete what is gone already succeeds, and says so", () =>
    Effect.gen(function* () {
      const { control, run } = yield* begun
      const end = last(yield* run(order("delete-job", "nothing")))
      assert.deepInclude(end, { phase: "success", verified: true })
      assert.match(end?.logs.at(-1) ?? "", /gone already/)
      assert.strictEqual(yield* control.calls, 0)
    })
  )

  it.scoped("explains what it did, and nothing that vanished before it", () =>
    Effect.gen(function* () {
      const { control, pass, run } = yield* begun
      yield* control.put({ id: "known", queue: "bulk" }, { id: "unseen", queue: "bulk" })
      yield* pass
      yield* control.remove("known")
      assert.deepStrictEqual((yield* pass)?.discrepancyDetails?.missingJobIds, ["known"])
      // This one vanishes between the last pass and the purge, which writes down what was still there.
      yield* control.remove("unseen")
      assert.strictEqual(last(yield* run(order("purge-queue", "bulk")))?.phase, "success")
      assert.deepStrictEqual((yield* pass)?.discrepancyDetails?.missingJobIds, ["known", "unseen"])
      // To delete a job that vanished says that it is meant to be gone.
      yield* run(order("delete-job", "known"))
      const left = yield* pass
      assert.deepStrictEqual(left?.discrepancyDetails?.missingJobIds, ["unseen"])
      assert.deepStrictEqual(
        left?.discrepancyDetails?.ended?.map(({ by, id }) => [id, by]),
        [["known", "command"]]
      )
    })
  )

  it.scoped("that upstream certainly did not apply is a failure", () =>
    Effect.gen(function* () {
      const { control, run } = yield* begun
      const errors = [
        new SourceUnavailable({ reason: "connect" }),
        new SourceUnavailable({ reason: "address" }),
        new ActionRejected({ status: 429, problem: "slow down" })
      ]
      for (const error of errors) {
        yield* control.failActions(error, "before")
        assert.strictEqual(last(yield* run(order("retry-job", "failed")))?.phase, "error")
      }
    })
  )

  it.scoped("whose effect is unknown is a timeout, unless looking again proves it", () =>
    Effect.gen(function* () {
      const { audit, control, run } = yield* begun
      const errors = [
        new SourceUnavailable({ reason: "reset" }),
        new SourceUnavailable({ reason: "status", status: 500 }),
        new SourceInvalid({ problem: "not a job" })
      ]
      for (const error of errors) {
        yield* control.failActions(error, "before")
        const end = last(yield* run(order("retry-job", "failed")))
        assert.strictEqual(end?.phase, "timeout")
        assert.isFalse(end !== undefined && "verified" in end)
      }
      yield* control.failActions(new SourceUnavailable({ reason: "reset" }), "after")
      assert.deepInclude(last(yield* run(order("retry-job", "failed"))), { phase: "success", verified: true })
      assert.deepStrictEqual(
        (yield* audit).data.map(({ outcome }) => outcome),
        ["timeout", "timeout", "timeout", "success"]
      )
    })
  )

  it.scoped("whose effect comes late accuses nobody", () =>
    Effect.gen(function* () {
      const { control, pass, run } = yield* begun
      yield* control.failActions(new SourceUnavailable({ reason: "timeout" }), "before")
      assert.strictEqual(last(yield* run(order("delete-job", "waiting")))?.phase, "timeout")
      assert.strictEqual((yield* pass)?.status, "verified")
      yield* control.remove("waiting")
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )

  it.scoped("to delete a job that no pass has seen yet accuses nobody, however late it comes", () =>
    Effect.gen(function* () {
      const { control, pass, run } = yield* begun
      yield* control.put({ id: "new" })
      yield* control.failActions(new SourceUnavailable({ reason: "timeout" }), "before")
      assert.strictEqual(last(yield* run(order("delete-job", "new")))?.phase, "timeout")
      assert.strictEqual((yield* pass)?.status, "verified")
      yield* control.remove("new")
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )

  it.scoped("to purge jobs that no pass has seen yet accuses nobody, however late it comes", () =>
    Effect.gen(function* () {
      const { control, pass, run } = yield* begun
      yield* control.put({ id: "new", queue: "bulk" }, { id: "newer", queue: "bulk", state: "delayed" })
      yield* control.failActions(new SourceUnavailable({ reason: "timeout" }), "before")
      assert.strictEqual(last(yield* run(order("purge-queue", "bulk")))?.phase, "timeout")
      assert.strictEqual((yield* pass)?.status, "verified")
      yield* control.remove("new", "newer", "waiting", "delayed")
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )

  it.scoped("whose effect comes late accuses nobody, also where no pass was made before it", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "a" }, { id: "b", queue: "bulk" })
      yield* memory.control.failActions(new SourceUnavailable({ reason: "timeout" }), "before")
      const { pass, run } = yield* build(yield* makeFile, memory, yield* Effect.scope)
      for (const request of [order("delete-job", "a"), order("purge-queue", "bulk")]) {
        assert.strictEqual(last(yield* run(request))?.phase, "timeout")
      }
      assert.strictEqual((yield* pass)?.status, "verified")
      yield* memory.control.remove("a", "b")
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )

  it.scoped("to purge is not proven by workers who took the jobs", () =>
    Effect.gen(function* () {
      const { control, run } = yield* begun
      yield* control.failActions(new SourceUnavailable({ reason: "timeout" }), "before")
      yield* control.hook("action", control.put({ id: "waiting", queue: "bulk", state: "active" }))
      yield* control.remove("delayed")
      const end = last(yield* run(order("purge-queue", "bulk")))
      assert.strictEqual(end?.phase, "timeout")
    })
  )

  it.scoped("explains a job that fell back to waiting since the last pass, and was purged", () =>
    Effect.gen(function* () {
      const { control, pass, run } = yield* begun
      yield* control.put({ id: "active", queue: "bulk", state: "delayed" })
      assert.strictEqual(last(yield* run(order("purge-queue", "bulk")))?.phase, "success")
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )

  it.scoped("leaves alone, in a purge, what the source spares, and is verified all the same", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "next", queue: "bulk", state: "delayed" }, { id: "b", queue: "bulk" })
      const { jobs = Stream.empty } = memory.source
      const source = {
        ...memory.source,
        jobs: Stream.map(jobs, (job) => (job.id === "next" ? { ...job, spared: true } : job)),
        actions: { purgeQueue: () => Effect.as(memory.control.remove("b"), 1) }
      }
      const house = yield* build(yield* makeFile, { ...memory, source }, yield* Effect.scope)
      yield* house.pass
      const end = last(yield* house.run(order("purge-queue", "bulk")))
      assert.deepInclude(end, { phase: "success", verified: true })
      assert.strictEqual((yield* house.pass)?.status, "verified")
    })
  )

  it.scoped("whose action throws ends all the same", () =>
    Effect.gen(function* () {
      const { control, run } = yield* begun
      yield* control.hook("find", Effect.die("a mistake"))
      assert.strictEqual(last(yield* run(order("retry-job", "failed")))?.phase, "error")
      yield* control.hook("find", Effect.void)
      yield* control.hook("action", Effect.die("a mistake"))
      assert.strictEqual(last(yield* run(order("retry-job", "failed")))?.phase, "timeout")
    })
  )

  it.scoped("is in the journal whatever transaction its caller has open", () =>
    Effect.gen(function* () {
      const { commands, control, ended, file } = yield* begun
      const request = order("retry-job", "failed")
      const embedder = yield* Effect.flatMap(Database.SqliteDriver, (driver) =>
        driver.open({ filename: `${file}.other`, readonly: false, disableWAL: false })
      ).pipe(Effect.provide(SqliteNode.layer))
      yield* embedder
        .withTransaction(Effect.zipRight(commands.submit(request, "tester"), Effect.fail("rolled back")))
        .pipe(Effect.flip)
      yield* ended(request.commandId)
      assert.isTrue((yield* commands.submit(request, "tester")).replayed)
      assert.strictEqual(yield* control.calls, 1)
    })
  )

  it.scoped("that upstream never answers ends when its deadline passes", () =>
    Effect.gen(function* () {
      const { control, run } = yield* begun
      yield* control.hook("action", Effect.never)
      const end = last(yield* run(order("retry-job", "failed")))
      assert.strictEqual(end?.phase, "timeout")
      assert.match(end?.logs.join() ?? "", /deadline/)
    })
  )

  it.scoped("is a failure if its target cannot even be looked at", () =>
    Effect.gen(function* () {
      const { control, run } = yield* begun
      yield* control.failWith(new SourceUnavailable({ reason: "timeout" }))
      assert.deepStrictEqual(phases(yield* run(order("retry-job", "failed"))), ["queued", "running", "error"])
    })
  )

  it.scoped("waits for another on the same target, and for none on another", () =>
    Effect.gen(function* () {
      const { commands, control, ended } = yield* begun
      const gate = yield* Deferred.make<void>()
      let inside = 0
      let most = 0
      yield* control.hook(
        "action",
        Effect.suspend(() => {
          most = Math.max(most, ++inside)
          return Deferred.await(gate)
        })
      )
      yield* control.hook(
        "applied",
        Effect.sync(() => void inside--)
      )
      const same = [order("retry-job", "failed"), order("delete-job", "failed")]
      for (const request of same) yield* commands.submit(request, "tester")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(inside, 1)
      const other = order("delete-job", "waiting")
      yield* commands.submit(other, "tester")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(inside, 2)
      yield* Deferred.succeed(gate, undefined)
      for (const { commandId } of [...same, other]) yield* ended(commandId)
      assert.strictEqual(most, 2)
    })
  )

  it.scoped("is left out of the passes that see it half done", () =>
    Effect.gen(function* () {
      const { commands, control, ended, pass } = yield* begun
      const applied = yield* Deferred.make<void>()
      const answer = yield* Deferred.make<void>()
      yield* control.hook("applied", Effect.zipRight(Deferred.succeed(applied, undefined), Deferred.await(answer)))
      const request = order("purge-queue", "bulk")
      yield* commands.submit(request, "tester")
      yield* Deferred.await(applied)
      assert.strictEqual((yield* pass)?.status, "verified")
      yield* Deferred.succeed(answer, undefined)
      yield* ended(request.commandId)
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )

  it.scoped("is not contradicted by a listing that began before its effect was recorded", () =>
    Effect.gen(function* () {
      const { control, pass, reconciler, run } = yield* begun
      const listing = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      // The listing has read the job, and is held up before it is judged.
      let calls = 0
      yield* control.hook(
        "counts",
        Effect.suspend(() =>
          ++calls === 2 ? Effect.zipRight(Deferred.succeed(listing, undefined), Deferred.await(go)) : Effect.void
        )
      )
      const passing = yield* Effect.fork(reconciler.run({}))
      yield* Deferred.await(listing)
      yield* run(order("delete-job", "waiting"))
      yield* Deferred.succeed(go, undefined)
      assert.strictEqual((yield* Fiber.join(passing))[0]?.status, "verified")
      assert.strictEqual((yield* pass)?.status, "verified")
    })
  )
})

describe("recovery", () => {
  /** Stops a house at a point of a command, as a killed process would, and opens the file again. */
  const crashed = (request: CommandRequest, point: "action" | "applied" | "find") =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const file = yield* makeFile
      yield* memory.control.put({ id: "failed", state: "failed" }, { id: "waiting" })
      const scope = yield* Scope.make()
      const first = yield* build(file, memory, scope)
      yield* first.pass
      const reached = yield* Deferred.make<void>()
      yield* memory.control.hook(point, Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never))
      yield* first.commands.submit(request, "tester")
      yield* Deferred.await(reached)
      yield* kill(scope)
      yield* memory.control.hook(point, Effect.void)
      return { ...memory, file, again: yield* build(file, memory, yield* Effect.scope) }
    })

  it.scoped("runs what was queued, if its deadline holds", () =>
    Effect.gen(function* () {
      const request = order("retry-job", "failed")
      const { again, control } = yield* crashed(request, "find")
      assert.strictEqual((yield* again.commands.get(request.commandId)).phase, "queued")
      yield* again.commands.recover
      assert.strictEqual(last(yield* again.ended(request.commandId))?.phase, "success")
      assert.strictEqual(yield* control.applied(request.commandId), 1)
    })
  )

  it.scoped("has not come yet, and a pass does not accuse what the journal says is running", () =>
    Effect.gen(function* () {
      const request = order("delete-job", "waiting")
      const { again } = yield* crashed(request, "applied")
      assert.strictEqual((yield* again.pass)?.status, "verified")
      yield* again.commands.recover
      assert.strictEqual(last(yield* again.ended(request.commandId))?.phase, "success")
      assert.strictEqual((yield* again.pass)?.status, "verified")
    })
  )

  it.scoped("gives up what was queued and is too late", () =>
    Effect.gen(function* () {
      const request = order("retry-job", "failed")
      const { again, control } = yield* crashed(request, "find")
      yield* TestClock.adjust("1 minute")
      yield* again.commands.recover
      assert.strictEqual(last(yield* again.ended(request.commandId))?.phase, "error")
      assert.strictEqual(yield* control.calls, 0)
    })
  )

  it.scoped("repeats what was running where the upstream honours keys", () =>
    Effect.gen(function* () {
      const request = order("retry-job", "failed")
      const { again, control } = yield* crashed(request, "applied")
      yield* again.commands.recover
      assert.deepInclude(last(yield* again.ended(request.commandId)), { phase: "success", verified: true })
      assert.strictEqual(yield* control.applied(request.commandId), 1)
    })
  )

  it.scoped("goes first where another command of its target comes before it is taken up", () =>
    Effect.gen(function* () {
      const left = order("retry-job", "failed")
      // It never came to upstream.
      const { again, control } = yield* crashed(left, "action")
      yield* control.setHonoursKeys(false)
      const next = order("retry-job", "failed")
      yield* again.commands.submit(next, "tester")
      yield* again.commands.recover
      const [first, second] = [last(yield* again.ended(left.commandId)), last(yield* again.ended(next.commandId))]
      // What the other did is not taken for its effect.
      assert.deepInclude(first, { phase: "timeout" })
      assert.deepInclude(second, { phase: "success", verified: true })
      assert.strictEqual(yield* control.applied(left.commandId), 0)
    })
  )

  /** Stops a house that knew how a command ends, and could not write it down. */
  const unwritten = (request: CommandRequest) =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      const file = yield* makeFile
      yield* memory.control.put({ id: "waiting" })
      const scope = yield* Scope.make()
      const first = yield* build(file, memory, scope)
      const db = yield* client(file)
      refuse(db, "INSERT", "command_audit")
      yield* first.commands.submit(request, "tester")
      yield* Effect.repeat(TestClock.adjust("10 millis").pipe(Effect.zipRight(first.commands.get(request.commandId))), {
        until: ({ phase }) => phase === "running"
      })
      yield* kill(scope)
      accept(db)
      return { ...memory, again: yield* build(file, memory, yield* Effect.scope) }
    })

  it.scoped("says again of what was refused that it was not applied, and sends nothing", () =>
    Effect.gen(function* () {
      const request = order("retry-job", "waiting")
      const { again, control } = yield* unwritten(request)
      yield* again.commands.recover
      const end = last(yield* again.ended(request.commandId))
      assert.strictEqual(end?.phase, "error")
      assert.match(end?.logs.at(-1) ?? "", /^not applied: job "waiting" has not failed/)
      assert.strictEqual(yield* control.calls, 0)
    })
  )

  it.scoped("does not take a job that was not there for one that could not be looked at", () =>
    Effect.gen(function* () {
      const [deletion, retry] = [order("delete-job", "nowhere"), order("retry-job", "nowhere")]
      const one = yield* unwritten(deletion)
      yield* one.again.commands.recover
      const end = last(yield* one.again.ended(deletion.commandId))
      assert.deepInclude(end, { phase: "success", verified: true })
      assert.include(end?.logs.at(-1) ?? "", "the job was gone already")

      const two = yield* unwritten(retry)
      yield* two.again.commands.recover
      const refused = last(yield* two.again.ended(retry.commandId))
      assert.deepInclude(refused, { phase: "error" })
      assert.strictEqual(refused?.logs.at(-1), 'not applied: job "nowhere" does not exist')
    })
  )

  it.scoped("looks, and never repeats, where it does not", () =>
    Effect.gen(function* () {
      const proven = order("retry-job", "failed")
      const one = yield* crashed(proven, "applied")
      yield* one.control.setHonoursKeys(false)
      const calls = yield* one.control.calls
      yield* one.again.commands.recover
      assert.deepInclude(last(yield* one.again.ended(proven.commandId)), { phase: "success", verified: true })
      assert.strictEqual(yield* one.control.calls, calls)

      const unproven = order("retry-job", "failed")
      const two = yield* crashed(unproven, "action")
      yield* two.control.setHonoursKeys(false)
      const before = yield* two.control.calls
      yield* two.again.commands.recover
      assert.strictEqual(last(yield* two.again.ended(unproven.commandId))?.phase, "timeout")
      assert.strictEqual(yield* two.control.calls, before)
    })
  )

  it.scoped("repeats a delete anywhere, and nothing once the deadline has passed", () =>
    Effect.gen(function* () {
      const request = order("delete-job", "waiting")
      const one = yield* crashed(request, "action")
      yield* one.control.setHonoursKeys(false)
      yield* one.again.commands.recover
      assert.deepInclude(last(yield* one.again.ended(request.commandId)), { phase: "success", verified: true })

      const late = order("delete-job", "waiting")
      const two = yield* crashed(late, "action")
      yield* TestClock.adjust("1 minute")
      yield* two.again.commands.recover
      assert.strictEqual(last(yield* two.again.ended(late.commandId))?.phase, "timeout")
      assert.strictEqual((yield* two.again.audit).data.length, 1)
    })
  )
})
