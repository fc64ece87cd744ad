/**
 * Every way in which a Palantir fails, and what is made of it: by each call, by a pass, and by a command, whose action
 * it was that failed, or that failed although it was done. A real server, on a real socket, and the whole house.
 */
import type { RequestListener } from "node:http"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Commands } from "../../src/commands/Commands.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import { JobSource, maxAnswerBytes, SourceUnavailable } from "../../src/sources/JobSource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import { actions, notSupported, reads, told } from "../support/calls.ts"
import * as certificates from "../support/certificates.ts"
import * as Front from "../support/front.ts"
import { layerHouse, makeFile } from "../support/house.ts"
import { endOf, statuses } from "../support/record.ts"
import { type Row, rows, short, type Trouble } from "../support/troubles.ts"

/** Few, so that a listing that never ends is seen to be one soon. */
const maxPages = 10

const sourceAt = (url: string, { requestTimeout = "10 seconds" }: Pick<Row, "requestTimeout"> = {}) =>
  Layer.orDie(Palantir.layer({ url, requestTimeout, maxPages })).pipe(
    Layer.provide(Layer.fresh(NodeHttpClient.layerWithoutAgent)),
    Layer.provide(
      NodeHttpClient.makeAgentLayer({ ca: Object.values(certificates).filter((pem) => pem.includes("CERT")) })
    )
  )

/** The house, a Palantir, and a pass behind both. */
const begun = (
  options: Pick<Row, "requestTimeout"> & {
    readonly trouble?: Trouble
    readonly commandTimeout?: Duration.DurationInput
  } = {}
) =>
  Effect.gen(function* () {
    const front = yield* Front.make(options.trouble)
    yield* front.control.put({ id: "e", state: "failed", attempts: 1 })
    const file = yield* makeFile
    const { commandTimeout = "30 seconds" } = options
    const definition = {
      id: "palantir",
      type: "palantir",
      source: sourceAt(front.url, options),
      settle: 0,
      commandTimeout
    }
    const context = yield* Layer.build(layerHouse(file, [definition]))
    const reconciler = Context.get(context, Reconciler)
    const commands = Context.get(context, Commands)
    const pass = Effect.flatMap(reconciler.run({}), ([update]) => Effect.fromNullable(update))
    let sent = 0
    /** Sends a command, waits for its end, and gives what is on the record of it. */
    const command = (actionType: string, target: string, path?: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const commandId = `${actionType}-${++sent}`
        yield* commands.submit({ commandId, service: "palantir", actionType, target }, "tester")
        yield* Stream.runDrain(commands.follow(commandId))
        const applied = yield* front.control.applied(commandId)
        const { outcomes, phase, phases, outcome, ...end } = endOf(file, commandId)
        // One row, one end, and both say the same.
        assert.deepStrictEqual(outcomes, [outcome])
        assert.deepStrictEqual(phases, path ?? ["queued", "running", outcome === "failure" ? "error" : outcome])
        assert.strictEqual(phase, phases.at(-1))
        return { ...end, outcome, applied }
      })
    assert.strictEqual((yield* pass).status, "verified")
    return { command, file, front, pass }
  })

type House = Effect.Effect.Success<ReturnType<typeof begun>>

/** Commands meet it after their target was looked at. */
const actsIn = ({ command, file, front, pass }: House, { outcome, trouble }: Row) =>
  Effect.gen(function* () {
    if (trouble.ofActions === undefined) return
    yield* trouble.ofActions(front, "unheard")
    // A purge that may have come cannot be proven, and so is not waited for.
    const ended = yield* outcome === "failure" ? command("retry-job", "d") : command("purge-queue", "default")
    assert.deepInclude(ended, { outcome, verified: undefined, applied: 0 })
    yield* trouble.over(front)
    assert.strictEqual((yield* pass).status, "verified")

    if (outcome === "failure") return
    yield* trouble.ofActions(front, "heard")
    const commands = [command("retry-job", "d"), command("delete-job", "a"), command("restart-service", "worker")]
    for (const ended of yield* Effect.all(commands, { concurrency: "unbounded" })) {
      assert.deepInclude(ended, { outcome: "success", verified: true, applied: 1 })
      assert.strictEqual(ended.logs.at(-1), "looked again: the effect is there")
    }
    yield* trouble.over(front)
    assert.strictEqual((yield* pass).status, "verified")
    assert.deepStrictEqual(statuses(file), [])
  })

/** How many actions it was asked for, taken or not. */
const sentTo = ({ heard }: Front.Front) => heard.filter((asked) => !asked.startsWith("GET ")).length

/** Passes meet it, and a command that cannot look at its target. */
const looksIn = ({ command, file, front, pass }: House, { message, trouble }: Row) =>
  Effect.gen(function* () {
    const { checksum, counts } = yield* pass
    yield* trouble.everywhere(front)
    for (const onRecord of [[], ["stale"], ["stale"]]) {
      const update = yield* pass
      assert.deepInclude(update, { status: "stale", message, counts, checksum })
      assert.isUndefined(update.discrepancyDetails)
      assert.deepStrictEqual(statuses(file), onRecord)
    }
    const sent = sentTo(front)
    const ended = yield* trouble.ofActions === undefined ? command("purge-queue", "default") : command("retry-job", "e")
    assert.deepInclude(ended, { outcome: "failure", applied: 0 })
    assert.strictEqual(sentTo(front), sent)

    yield* trouble.over(front)
    const after = yield* pass
    assert.deepInclude(after, { status: "verified", counts })
    assert.isUndefined(after.rebaselined)
    assert.deepStrictEqual(statuses(file), ["stale", "verified"])
  })

/** Calls meet it. */
const failsIn = (row: Row) =>
  Effect.gen(function* () {
    const { acting, reading, status, trouble } = row
    if (reading === undefined) return
    const front = yield* Front.make(trouble)
    yield* trouble.everywhere(front)
    const source = Context.get(yield* Layer.build(sourceAt(front.url, row)), JobSource)
    const all = { concurrency: "unbounded" } as const
    const readings = reading.tag === "SourceInvalid" ? reads(source) : [...reads(source), source.ping]
    const stuck = source.stuck?.("") ?? notSupported
    const [read, acted, passedOn] = yield* Effect.all(
      [Effect.forEach(readings, told, all), Effect.forEach(actions(source), told, all), Effect.either(stuck)],
      all
    )
    assert.deepStrictEqual(read, Array(read.length).fill(reading))
    assert.deepStrictEqual(acted, Array(acted.length).fill(acting ?? reading))
    // Of each answer it took as much as it may, and sockets hold some.
    assert.isBelow(front.sent(), 2 * maxAnswerBytes * (read.length + acted.length + 1))
    // An answer is passed on, whatever it says.
    if (status !== undefined) assert.strictEqual((yield* passedOn).status, status)
    else if (reading.tag !== "SourceInvalid") assert.deepStrictEqual(yield* told(passedOn), reading)
  })

/** In short, every other trouble is met by calls alone. */
const isLong = process.env["MITHRANDIR_TEST_LONG"] === "1"

describe("where", () => {
  for (const [at, [name, row]] of Object.entries(rows).entries()) {
    if (row.reading !== undefined) {
      it.scopedLive(`${name}, every call says so`, () => failsIn(row))
    }
    if (row.isOneOfMany || (!isLong && at % 2 === 1)) continue
    const command =
      row.trouble.ofActions === undefined ? "is not sent" : `ends as "${row.outcome}", unless it is proven`
    it.scopedLive(`${name}, passes are stale, and a command ${command}`, () =>
      Effect.gen(function* () {
        const house = yield* begun(row)
        yield* actsIn(house, row)
        yield* looksIn(house, row)
      })
    )
  }
})

/** Takes the action when whoever asked for it has given up. */
const late = (front: Front.Front) =>
  Effect.async<Effect.Effect<void>>((resume) => {
    const taken = new Promise<void>((resolve) => {
      const answer: RequestListener = (request) =>
        request.socket.on("close", () => void front.pass(request).then(() => resolve()))
      resume(
        Effect.as(
          front.misbehave({ answer, when: Front.isAction }),
          Effect.promise(() => taken)
        )
      )
    })
  })

describe("an action that is taken after whoever asked for it has given up", () => {
  it.scopedLive("is found, if it is taken while it is looked for", () =>
    Effect.gen(function* () {
      const { command, front, pass } = yield* begun(short)
      yield* late(front)
      assert.deepInclude(yield* command("retry-job", "d"), { outcome: "success", verified: true, applied: 1 })
      assert.strictEqual((yield* pass).status, "verified")
    })
  )

  for (const [name, options, why] of [
    ["for an answer", short, "it did not answer in time"],
    ["until its deadline", { commandTimeout: "500 millis" }, "upstream had not answered when the deadline passed"]
  ] as const) {
    it.scopedLive(`and waited ${name}, stays "timeout", and what vanishes by it accuses nobody`, () =>
      Effect.gen(function* () {
        const { command, file, front, pass } = yield* begun(options)
        const taken = yield* late(front)
        const { logs, outcome } = yield* command("purge-queue", "default")
        assert.strictEqual(outcome, "timeout")
        assert.include(logs, why)
        yield* taken
        yield* front.misbehave(undefined)
        const { counts, status } = yield* pass
        assert.deepInclude(counts, { waiting: 0 })
        assert.strictEqual(status, "verified")
        assert.deepStrictEqual(statuses(file), [])
        assert.deepStrictEqual(endOf(file, "purge-queue-1").outcomes, ["timeout"])
      })
    )
  }
})

describe("a command whose deadline passes while its target is looked at", () => {
  it.scopedLive('ends as "failure", without having been started or sent', () =>
    Effect.gen(function* () {
      const { command, front } = yield* begun({ commandTimeout: "500 millis" })
      yield* front.misbehave({ answer: () => {} })
      const { logs, outcome } = yield* command("retry-job", "d", ["queued", "error"])
      assert.strictEqual(outcome, "failure")
      assert.strictEqual(logs.at(-1), "not applied: its deadline passed before it was started")
      assert.strictEqual(sentTo(front), 0)
    })
  )
})

describe("Retry-After", () => {
  for (const [name, header, least, most] of [
    ["in seconds", () => "30", 30_000, 30_000],
    // Without its milliseconds.
    ["as a date", () => new Date(Date.now() + 31_000).toUTCString(), 25_000, 31_000],
    ["as a date that is past", () => new Date(0).toUTCString(), 0, 0],
    ["in more seconds than there are", () => "9".repeat(400), 86_400_000, 86_400_000]
  ] as const) {
    it.scopedLive(`${name} is told by every read, of a 429 and a 503`, () =>
      Effect.gen(function* () {
        const front = yield* Front.make()
        const source = Context.get(yield* Layer.build(sourceAt(front.url)), JobSource)
        for (const status of [429, 503]) {
          yield* front.misbehave({ answer: (_, to) => to.writeHead(status, { "retry-after": header() }).end() })
          for (const error of yield* Effect.forEach(reads(source), Effect.flip)) {
            const asked = error instanceof SourceUnavailable ? error.retryAfterMs : undefined
            assert.isAtLeast(asked ?? -1, least)
            assert.isAtMost(asked ?? -1, most)
          }
        }
      })
    )
  }

  it.scopedLive("that says nothing is left out", () =>
    Effect.gen(function* () {
      const front = yield* Front.make()
      const source = Context.get(yield* Layer.build(sourceAt(front.url)), JobSource)
      for (const header of ["", "soon", "-1", "1.5", "1e3", "Sun GMT", "0x10"]) {
        yield* front.misbehave({ answer: (_, to) => to.writeHead(429, { "retry-after": header }).end() })
        const error = yield* Effect.flip(source.counts)
        assert.deepInclude(error, { reason: "limited" })
        assert.notProperty(error, "retryAfterMs", header)
      }
    })
  )
})
