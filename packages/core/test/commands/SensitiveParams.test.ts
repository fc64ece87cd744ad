import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Action from "../../src/commands/Action.ts"
import * as CommandCatalog from "../../src/commands/CommandCatalog.ts"
import * as CommandDispatcher from "../../src/commands/CommandDispatcher.ts"
import * as CommandJournal from "../../src/commands/CommandJournal.ts"
import * as CommandRunner from "../../src/commands/CommandRunner.ts"
import * as CommandsModule from "../../src/commands/Commands.ts"
import * as InFlight from "../../src/commands/InFlight.ts"
import * as EventLogModule from "../../src/events/EventLog.ts"
import * as Ledger from "../../src/ledger/Ledger.ts"
import * as ServiceRegistry from "../../src/services/ServiceRegistry.ts"
import { ActionRejected, SourceUnavailable } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as Store from "../../src/storage/Store.ts"
import { ended, kill, run } from "../support/commands.ts"
import { layerDatabase, layerHouse, makeFile, query, service } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"

const { Commands } = CommandsModule
const { EventLog } = EventLogModule

/**
 * A low-entropy secret, and one that JSON has to escape. No part of either is hexadecimal digits alone, which a hash
 * in the database would spell sooner or later.
 */
const pin = "hush-quietly"
const quoted = 'hush-"\\\n'

type Answer = (pins: ReadonlyArray<string>) => Effect.Effect<string, ActionRejected | SourceUnavailable>

/** An action that needs a pin, and what it was called with. */
const makeUnlock = () => {
  const given: Array<ReadonlyArray<string>> = []
  let answer: Answer = () => Effect.succeed("it is unlocked")
  const action = Action.make({
    actionType: "unlock",
    params: Schema.Struct({
      door: Schema.String,
      pin: Schema.optionalWith(Action.Secret, { exact: true }),
      more: Schema.optionalWith(Schema.Array(Action.Secret), { exact: true })
    }),
    isRepeatable: true,
    touches: "job",
    snapshot: ({ source, target }) => Effect.map(source.find(target), Option.getOrNull),
    execute: ({ params }) =>
      Effect.suspend(() => {
        const all = [...(params.pin === undefined ? [] : [params.pin]), ...(params.more ?? [])].map(Redacted.value)
        given.push(all)
        return answer(all)
      })
  })
  return { action, given, setAnswer: (other: Answer) => (answer = other) }
}

const order = (commandId: string, params: Record<string, unknown>) => ({
  commandId,
  service: "mail",
  actionType: "unlock",
  target: "a",
  params
})
const full = { door: "front", pin, more: [quoted] }
const written = { door: "front", pin: "[redacted]", more: ["[redacted]"] }

const begun = Effect.gen(function* () {
  const memory = yield* MemorySource.make
  yield* memory.control.put({ id: "a" })
  const file = yield* makeFile
  const logged: Array<unknown> = []
  const logger = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ cause, message }) => void logged.push(message, cause))
  )
  const unlock = makeUnlock()
  const house = Layer.provideMerge(layerHouse(file, [service(memory)], { actions: [unlock.action] }), logger)
  return { file, house, logged, ...unlock }
})

/** Every byte of the database, its journals included. */
const bytesOf = (file: string) =>
  readdirSync(dirname(file)).map((name) => ({ name, bytes: readFileSync(join(dirname(file), name)) }))

const assertNoSecret = (file: string) => {
  const files = bytesOf(file)
  assert.includeMembers(
    files.map(({ name }) => name),
    ["test.db", "test.db-wal", "test.db-shm"]
  )
  for (const { bytes, name } of files)
    for (const part of ["hush", "quietly"]) assert.isFalse(bytes.includes(part), name)
}

const paramsOf = (file: string, table: "command" | "command_audit") =>
  query<{ params: string }>(
    file,
    `SELECT ${table === "command" ? "params_json" : "command_params_json"} AS params FROM ${table}`
  ).map(({ params }) => JSON.parse(params))

describe("a sensitive param", () => {
  it.scoped("reaches the action, and no file, event, log or answer, however the command ends", () =>
    Effect.gen(function* () {
      const { file, given, house, logged, setAnswer } = yield* begun
      const context = yield* Layer.build(house)
      yield* Effect.gen(function* () {
        const commands = yield* Commands
        const preview = yield* commands.preview(order("p", full))
        assert.deepStrictEqual(preview.precondition, { met: true })
        assert.notInclude(JSON.stringify(preview), "hush")

        const answers: ReadonlyArray<readonly [string, Answer]> = [
          ["success", () => Effect.succeed("it is unlocked")],
          ["error", () => new ActionRejected({ problem: "wrong" })],
          ["timeout", () => new SourceUnavailable({ reason: "reset" })],
          ["timeout", () => Effect.die(new Error("a mistake"))]
        ]
        for (const [index, [phase, answer]] of answers.entries()) {
          setAnswer(answer)
          const statuses = yield* run(order(`c-${index}`, full))
          assert.strictEqual(statuses.at(-1)?.phase, phase)
          assert.notInclude(JSON.stringify(statuses), "hush")
          assert.deepStrictEqual(given.at(-1), [pin, quoted])
          assertNoSecret(file)
        }
        assert.deepStrictEqual(
          paramsOf(file, "command"),
          answers.map(() => written)
        )
        assert.deepStrictEqual(
          paramsOf(file, "command_audit"),
          answers.map(() => written)
        )

        const events = yield* Effect.map(EventLog, (log) => log.tail(0, {}))
        const all = yield* Stream.runCollect(Stream.take(events, answers.length * 3))
        assert.notInclude(JSON.stringify(all), "hush")
        assert.notInclude(JSON.stringify(logged), "hush")
      }).pipe(Effect.provide(context))
    })
  )

  it.scoped("tells the same content, which is answered again, from other content, which is refused", () =>
    Effect.gen(function* () {
      const { file, given, house } = yield* begun
      yield* Effect.gen(function* () {
        const commands = yield* Commands
        yield* run(order("one", full))
        const again = yield* commands.submit(order("one", { ...full }), "tester")
        assert.isTrue(again.replayed)
        assert.strictEqual(again.state.phase, "success")
        for (const other of [{ ...full, pin: "hush-quietlz" }, { ...full, more: [] }, { door: "front" }]) {
          const error = yield* Effect.flip(commands.submit(order("one", other), "tester"))
          assert.strictEqual(error._tag, "CommandIdTaken")
        }
        assert.strictEqual(given.length, 1)
        assertNoSecret(file)
      }).pipe(Effect.provide(house))
    })
  )

  it.scoped("that was copied from a record is refused, and runs nothing", () =>
    Effect.gen(function* () {
      const { file, house } = yield* begun
      yield* Effect.gen(function* () {
        const commands = yield* Commands
        const error = yield* Effect.flip(commands.submit(order("one", written), "tester"))
        assert.deepInclude(error, { _tag: "CommandInvalid", path: "params" })
        assert.deepStrictEqual(query(file, "SELECT * FROM command"), [])
      }).pipe(Effect.provide(house))
    })
  )

  it.scoped("that is not sent leaves a command as it would be without such params, over a crash as well", () =>
    Effect.gen(function* () {
      const { file, given, house, setAnswer } = yield* begun
      const scope = yield* Scope.make()
      const first = yield* Layer.buildWithScope(house, scope)
      const reached = yield* Deferred.make<void>()
      setAnswer(() => Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never))
      yield* Context.get(first, Commands).submit(order("one", { door: "front" }), "tester")
      yield* Deferred.await(reached)
      yield* kill(scope)
      setAnswer(() => Effect.succeed("it is unlocked"))
      yield* Effect.gen(function* () {
        yield* Effect.flatMap(Commands, ({ recover }) => recover)
        assert.strictEqual((yield* ended("one")).at(-1)?.phase, "success")
        assert.deepStrictEqual(given, [[], []])
        assert.deepStrictEqual(paramsOf(file, "command"), [{ door: "front" }])
      }).pipe(Effect.provide(house))
    })
  )
})

describe("after a crash, a command with sensitive params", () => {
  it.scoped("that was queued is certainly not applied, and says what to do", () =>
    Effect.gen(function* () {
      const { file, given, house, setAnswer } = yield* begun
      const scope = yield* Scope.make()
      const first = yield* Layer.buildWithScope(house, scope)
      const reached = yield* Deferred.make<void>()
      setAnswer(() => Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never))
      // The second waits for its turn at the target.
      yield* Context.get(first, Commands).submit(order("running", full), "tester")
      yield* Deferred.await(reached)
      yield* Context.get(first, Commands).submit(order("queued", full), "tester")
      assertNoSecret(file)
      yield* kill(scope)
      assert.deepStrictEqual(query(file, "SELECT id, phase FROM command ORDER BY id"), [
        { id: "queued", phase: "queued" },
        { id: "running", phase: "running" }
      ])

      yield* Effect.gen(function* () {
        yield* Effect.flatMap(Commands, ({ recover }) => recover)
        const queued = (yield* ended("queued")).at(-1)
        assert.strictEqual(queued?.phase, "error")
        assert.match(queued?.logs.at(-1) ?? "", /not kept over a restart; send it again under a new id/)
        const running = (yield* ended("running")).at(-1)
        assert.strictEqual(running?.phase, "timeout")
        assert.match(running?.logs.at(-1) ?? "", /not kept over a restart.*it may still come/)
        // Neither was sent again, though it would have been safe to repeat.
        assert.strictEqual(given.length, 1)
        assert.deepStrictEqual(paramsOf(file, "command_audit"), [written, written])
        assertNoSecret(file)
      }).pipe(Effect.provide(house))
    })
  )

  it.scoped("runs when the client sends it again before anybody has taken it up", () =>
    Effect.gen(function* () {
      const { file, given, house, setAnswer } = yield* begun
      const scope = yield* Scope.make()
      const first = yield* Layer.buildWithScope(house, scope)
      const reached = yield* Deferred.make<void>()
      setAnswer(() => Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never))
      yield* Context.get(first, Commands).submit(order("running", { door: "other" }), "tester")
      yield* Deferred.await(reached)
      yield* Context.get(first, Commands).submit(order("queued", full), "tester")
      yield* kill(scope)
      setAnswer(() => Effect.succeed("it is unlocked"))
      yield* Effect.gen(function* () {
        const commands = yield* Commands
        const again = yield* commands.submit(order("queued", full), "tester")
        assert.isTrue(again.replayed)
        yield* commands.recover
        assert.strictEqual((yield* ended("queued")).at(-1)?.phase, "success")
        assert.deepInclude(given, [pin, quoted])
        assertNoSecret(file)
      }).pipe(Effect.provide(house))
    })
  )
})

describe("a recovery beside a command that is just being accepted", () => {
  it.scoped("does not take its params for lost", () =>
    Effect.gen(function* () {
      const memory = yield* MemorySource.make
      yield* memory.control.put({ id: "a" })
      const { action, given } = makeUnlock()
      const accepted = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      // In the journal, and not dispatched yet.
      const journal = Layer.map(CommandJournal.layer, (context) => {
        const real = Context.get(context, CommandJournal.CommandJournal)
        const hold = Effect.zipRight(Deferred.succeed(accepted, undefined), Deferred.await(goOn))
        return Context.make(CommandJournal.CommandJournal, {
          ...real,
          accept: (command) => Effect.tap(real.accept(command), hold)
        })
      })
      const commands = CommandsModule.layer.pipe(
        Layer.provide(CommandDispatcher.layerInProcess),
        Layer.provide(CommandRunner.layer),
        Layer.provide(InFlight.layer),
        Layer.provide([journal, CommandCatalog.layer([action]), ServiceRegistry.layer([service(memory)])]),
        Layer.provide([Ledger.layer, EventLogModule.layer]),
        Layer.provide(Store.layer),
        Layer.provide(layerDatabase(yield* makeFile))
      )
      yield* Effect.gen(function* () {
        const { recover, submit } = yield* Commands
        const submitting = yield* Effect.fork(submit(order("one", full), "tester"))
        yield* Deferred.await(accepted)
        yield* recover
        assert.strictEqual((yield* ended("one")).at(-1)?.phase, "success")
        yield* Deferred.succeed(goOn, undefined)
        yield* Fiber.join(submitting)
        assert.deepStrictEqual(given, [[pin, quoted]])
      }).pipe(Effect.provide(commands))
    })
  )
})
