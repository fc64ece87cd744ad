/**
 * Every way in which a Redis fails, and what is made of it by a pass and by a command: real servers, which are stopped,
 * started, filled and turned read-only, and the whole house.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Commands } from "../../src/commands/Commands.ts"
import { Reconciler } from "../../src/reconciliation/Reconciler.ts"
import * as BullMq from "../../src/sources/BullMq.ts"
import { testQueue } from "../support/bullmq.ts"
import { layerHouse, makeFile } from "../support/house.ts"
import { endOf, statuses } from "../support/record.ts"
import { describeWithRedisServer, freePort, type OwnRedis, ownRedis, say } from "../support/redis.ts"

/** A directory of its own, gone with the scope. */
const makeDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "mithrandir-redis-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

/** A Redis with the jobs 1 and 2 (failed), 3 and 4 (waiting) in the queue mail. */
const seeded = (...extra: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const redis = yield* ownRedis(yield* Effect.promise(freePort), ...extra)
    const queue = testQueue(redis.url, "mail", "bull", { keep: true })
    const seed = Effect.flatMap(queue, ({ seed }) =>
      Effect.promise(async () => {
        for (const state of ["failed", "failed", "waiting", "waiting"] as const) await seed(state)
      })
    )
    yield* Effect.scoped(seed)
    return redis
  })

interface Options {
  readonly requestTimeout?: Duration.DurationInput
  readonly commandTimeout?: Duration.DurationInput
}

/** The house over a Redis, and a pass behind it. */
const begun = (url: string, { commandTimeout = "30 seconds", requestTimeout = "10 seconds" }: Options = {}) =>
  Effect.gen(function* () {
    const file = yield* makeFile
    const source = Layer.orDie(BullMq.layer({ url, queues: ["mail"], requestTimeout }))
    const definition = { id: "mail", type: "bullmq", source, settle: 0, commandTimeout }
    const context = yield* Layer.build(layerHouse(file, [definition]))
    const commands = Context.get(context, Commands)
    const pass = Effect.flatMap(Context.get(context, Reconciler).run({}), ([update]) => Effect.fromNullable(update))
    let sent = 0
    /** Sends a command, waits for its end, and gives what is on the record of it. */
    const command = (actionType: string, target: string) =>
      Effect.gen(function* () {
        const commandId = `${actionType}-${++sent}`
        yield* commands.submit({ commandId, service: "mail", actionType, target }, "tester")
        yield* Stream.runDrain(commands.follow(commandId))
        const { outcome, outcomes, ...end } = endOf(file, commandId)
        assert.deepStrictEqual(outcomes, [outcome])
        return { ...end, outcome }
      })
    /** Every action, at something that it could be done to. */
    const each = Effect.forEach(
      [
        ["retry-job", "mail:1"],
        ["delete-job", "mail:2"],
        ["purge-queue", "mail"]
      ] as const,
      ([actionType, target]) => command(actionType, target)
    )
    assert.strictEqual((yield* pass).status, "verified")
    return { command, each, file, pass }
  })

type House = Effect.Effect.Success<ReturnType<typeof begun>>

/** Passes are stale while something is wrong, on the record after two, and commands are not sent. */
const isDown = ({ command, file, pass }: House, message: string) =>
  Effect.gen(function* () {
    for (const onRecord of [[], ["stale"], ["stale"]]) {
      const update = yield* pass
      assert.deepInclude(update, { status: "stale", message })
      assert.deepInclude(update.counts, { waiting: 2, failed: 2 })
      assert.isUndefined(update.discrepancyDetails)
      assert.deepStrictEqual(statuses(file), onRecord)
    }
    const { logs, outcome } = yield* command("retry-job", "mail:1")
    assert.strictEqual(outcome, "failure")
    assert.strictEqual(logs.at(-1), `not applied: the target could not be looked at: ${message}`)
  })

/** It is as it was before. */
const isBack = ({ file, pass }: House) =>
  Effect.gen(function* () {
    const update = yield* pass
    assert.deepInclude(update, { status: "verified" })
    assert.deepInclude(update.counts, { waiting: 2, failed: 2 })
    assert.isUndefined(update.rebaselined)
    assert.deepStrictEqual(statuses(file), ["stale", "verified"])
  })

/** Commands are done, and no pass finds anything amiss. */
const isWell = ({ each, pass }: House) =>
  Effect.gen(function* () {
    for (const ended of yield* each) assert.deepInclude(ended, { outcome: "success", verified: true })
    assert.deepInclude(yield* pass, { status: "verified" })
  })

/** Between the house and a Redis: breaks the connection over the next thing that is to be done. */
const breaker = (redisPort: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const sockets = new Set<Socket>()
      let next: "heard" | "unheard" | "frozen" | undefined
      const server = createServer((asker) => {
        const redis = connect(redisPort, "127.0.0.1")
        let over: typeof next
        for (const [socket, other] of [
          [asker, redis],
          [redis, asker]
        ] as const) {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => other.destroy())
        }
        asker.on("data", (said) => {
          // Nothing that is only read has keys of these names.
          if (next !== undefined && /:(marker|repeat)\r\n/.test(said.toString())) over = next
          if (over === "unheard") {
            next = undefined
            asker.destroy()
          } else redis.write(said)
        })
        redis.on("data", (answer) => {
          // A script that it has to be told first is not done yet, and asking how many schedulers there are does nothing.
          if (over === undefined || /^(-NOSCRIPT|:0\r\n$)/.test(answer.toString())) return void asker.write(answer)
          next = undefined
          if (over === "heard") asker.destroy()
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const stop = () => {
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      return {
        url: `redis://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
        /** What becomes of it: it is heard, and the answer lost; or lost itself; or nothing is answered any more. */
        over: (how: "heard" | "unheard" | "frozen") => {
          next = how
        },
        stop
      }
    }),
    ({ stop }) => Effect.sync(stop)
  )

const kill = ({ pid }: OwnRedis, signal: NodeJS.Signals) => Effect.sync(() => process.kill(pid ?? 0, signal))

describeWithRedisServer("a Redis", () => {
  it.scopedLive("that goes and comes back with its jobs: stale, and then as if nothing had been", () =>
    Effect.gen(function* () {
      const kept = ["--appendonly", "yes", "--dir", yield* makeDirectory]
      const redis = yield* seeded(...kept)
      const house = yield* begun(redis.url)
      yield* Effect.promise(redis.stop)
      yield* isDown(house, "no connection could be made")
      yield* ownRedis(redis.port, ...kept)
      yield* isBack(house)
      yield* isWell(house)
    })
  )

  it.scopedLive("that is started anew between two passes: nobody notices", () =>
    Effect.gen(function* () {
      const kept = ["--appendonly", "yes", "--dir", yield* makeDirectory]
      const redis = yield* seeded(...kept)
      const house = yield* begun(redis.url)
      yield* Effect.promise(redis.stop)
      yield* ownRedis(redis.port, ...kept)
      // The connection that there was may be found broken once.
      yield* Effect.repeat(house.pass, { until: ({ status }) => status === "verified", times: 1 })
      assert.deepStrictEqual(statuses(house.file), [])
      yield* isWell(house)
    })
  )

  it.scopedLive("that comes back without its jobs: they are missing, and commands find nothing to do", () =>
    Effect.gen(function* () {
      const redis = yield* seeded()
      const house = yield* begun(redis.url)
      yield* Effect.promise(redis.stop)
      for (let time = 0; time < 2; time += 1) assert.strictEqual((yield* house.pass).status, "stale")
      yield* ownRedis(redis.port)
      const update = yield* house.pass
      assert.strictEqual(update.status, "discrepancy")
      // What had finished may have left.
      assert.deepStrictEqual(update.discrepancyDetails?.missingJobIds, ["mail:3", "mail:4"])
      assert.deepStrictEqual(statuses(house.file), ["stale", "discrepancy"])
      const retried = yield* house.command("retry-job", "mail:1")
      assert.strictEqual(retried.outcome, "failure")
      assert.strictEqual(retried.logs.at(-1), 'not applied: job "mail:1" does not exist')
      assert.strictEqual((yield* house.command("delete-job", "mail:3")).outcome, "success")
    })
  )

  it.scopedLive("that hangs: stale, commands are not sent, and it goes on", () =>
    Effect.gen(function* () {
      const redis = yield* seeded()
      const house = yield* begun(redis.url, { requestTimeout: "500 millis" })
      yield* kill(redis, "SIGSTOP")
      for (const onRecord of [[], ["stale"]]) {
        assert.strictEqual((yield* house.pass).status, "stale")
        assert.deepStrictEqual(statuses(house.file), onRecord)
      }
      assert.strictEqual((yield* house.command("retry-job", "mail:1")).outcome, "failure")
      yield* kill(redis, "SIGCONT")
      yield* Effect.retry(
        Effect.filterOrFail(house.pass, ({ status }) => status === "verified"),
        { times: 20 }
      )
      yield* isBack(house)
      yield* isWell(house)
    })
  )

  it.scopedLive(
    "that is a replica which lost its main, and serves nothing meanwhile: stale, and commands are not sent",
    () =>
      Effect.gen(function* () {
        const { port, url } = yield* seeded()
        const house = yield* begun(url)
        yield* say(port, "CONFIG SET replica-serve-stale-data no")
        yield* say(port, "REPLICAOF 127.0.0.1 1")
        yield* isDown(house, "it answered with an error")
        yield* say(port, "REPLICAOF NO ONE")
        yield* isBack(house)
        yield* isWell(house)
      })
  )

  for (const [name, turn, back] of [
    ["has become a replica", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"],
    ["has too few replicas", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"]
  ] as const) {
    it.scopedLive(`that ${name}, and may only be read: verified, and commands are refused for certain`, () =>
      Effect.gen(function* () {
        const { port, url } = yield* seeded()
        const house = yield* begun(url)
        yield* say(port, turn)
        assert.strictEqual((yield* house.pass).status, "verified")
        for (const { logs, outcome } of yield* house.each) {
          assert.strictEqual(outcome, "failure")
          assert.strictEqual(logs.at(-1), "upstream refused: it takes no writes now")
        }
        assert.deepInclude((yield* house.pass).counts, { waiting: 2, failed: 2 })
        yield* say(port, back)
        yield* isWell(house)
        assert.deepStrictEqual(statuses(house.file), [])
      })
    )
  }

  it.scopedLive("that cannot save, and takes no writes: verified, and commands are refused for certain", () =>
    Effect.gen(function* () {
      const directory = yield* makeDirectory
      const { port, url } = yield* seeded("--dir", directory, "--save", "3600 1000000")
      const house = yield* begun(url)
      yield* Effect.promise(() => rm(directory, { recursive: true }))
      yield* say(port, "BGSAVE")
      yield* Effect.repeat(say(port, "INFO persistence"), { until: (info) => info.includes("bgsave_status:err") })
      assert.strictEqual((yield* house.pass).status, "verified")
      for (const { outcome } of yield* house.each) assert.strictEqual(outcome, "failure")
      yield* say(port, "CONFIG SET stop-writes-on-bgsave-error no")
      yield* isWell(house)
      assert.deepStrictEqual(statuses(house.file), [])
    })
  )

  it.scopedLive("that is full: verified, what needs no room is done, and what does is refused for certain", () =>
    Effect.gen(function* () {
      const { port, url } = yield* seeded("--maxmemory-policy", "noeviction")
      const house = yield* begun(url)
      yield* say(port, "CONFIG SET maxmemory 1")
      assert.strictEqual((yield* house.pass).status, "verified")
      const [retried, deleted, purged] = yield* house.each
      assert.deepInclude(retried, { outcome: "success", verified: true })
      assert.deepInclude(deleted, { outcome: "success", verified: true })
      // BullMQ marks what it takes off a list before it removes it.
      assert.strictEqual(purged?.outcome, "failure")
      assert.strictEqual(purged?.logs.at(-1), "upstream refused: it takes no writes now")
      const full = yield* house.pass
      assert.deepInclude(full, { status: "verified" })
      assert.deepInclude(full.counts, { waiting: 3, failed: 0 })
      yield* say(port, "CONFIG SET maxmemory 0")
      assert.deepInclude(yield* house.command("purge-queue", "mail"), { outcome: "success", verified: true })
      assert.strictEqual((yield* house.pass).status, "verified")
      assert.deepStrictEqual(statuses(house.file), [])
    })
  )

  it.scopedLive("that denies a script one of its commands: what came before it was done, so nothing is certain", () =>
    Effect.gen(function* () {
      const { port, url } = yield* seeded()
      const house = yield* begun(url)
      yield* say(port, "ACL SETUSER default -del -xadd")
      const ended = yield* house.command("purge-queue", "mail")
      assert.strictEqual(ended.outcome, "timeout")
      yield* say(port, "ACL SETUSER default +@all")
      assert.strictEqual((yield* house.pass).status, "verified")
    })
  )

  it.scopedLive("whose connection breaks over an action that it has heard: what can be proven is a success", () =>
    Effect.gen(function* () {
      const { port } = yield* seeded()
      const { over, url } = yield* breaker(port)
      const { command, file, pass } = yield* begun(url)
      for (const [actionType, target] of [
        ["retry-job", "mail:1"],
        ["delete-job", "mail:2"]
      ] as const) {
        over("heard")
        const ended = yield* command(actionType, target)
        assert.deepInclude(ended, { outcome: "success", verified: true })
        assert.include(ended.logs, "the connection broke")
      }
      over("heard")
      assert.strictEqual((yield* command("purge-queue", "mail")).outcome, "timeout")
      const update = yield* pass
      // The jobs that were purged are gone, and accuse nobody.
      assert.deepInclude(update.counts, { waiting: 0, failed: 0 })
      assert.strictEqual(update.status, "verified")
      assert.deepStrictEqual(statuses(file), [])
    })
  )

  it.scopedLive("whose connection breaks before it has heard of an action: nobody knows, and nothing is repeated", () =>
    Effect.gen(function* () {
      const { port } = yield* seeded()
      const { over, url } = yield* breaker(port)
      const { command, file, pass } = yield* begun(url)
      over("unheard")
      const ended = yield* command("purge-queue", "mail")
      assert.strictEqual(ended.outcome, "timeout")
      assert.include(ended.logs, "the connection broke")
      assert.deepInclude(yield* pass, { status: "verified" })
      assert.deepInclude((yield* pass).counts, { waiting: 2, failed: 2 })
      assert.deepStrictEqual(statuses(file), [])
    })
  )

  it.scopedLive("that does what it is asked for and answers no more: found on another connection", () =>
    Effect.gen(function* () {
      const { port } = yield* seeded()
      const { over, url } = yield* breaker(port)
      const { command, pass } = yield* begun(url, { requestTimeout: "500 millis" })
      over("frozen")
      const ended = yield* command("retry-job", "mail:1")
      assert.deepInclude(ended, { outcome: "success", verified: true })
      assert.include(ended.logs, "it did not answer in time")
      assert.strictEqual((yield* pass).status, "verified")
    })
  )

  it.scopedLive("that does what it is asked for after the deadline: stays timeout, and accuses nobody", () =>
    Effect.gen(function* () {
      const redis = yield* seeded()
      const { over, url } = yield* breaker(redis.port)
      const { command, file, pass } = yield* begun(url, { commandTimeout: "500 millis", requestTimeout: "800 millis" })
      over("frozen")
      const ended = yield* command("purge-queue", "mail")
      assert.strictEqual(ended.outcome, "timeout")
      assert.include(ended.logs, "upstream had not answered when the deadline passed")
      yield* Effect.retry(
        Effect.filterOrFail(pass, ({ status }) => status === "verified"),
        { times: 5 }
      )
      assert.deepStrictEqual(statuses(file), [])
      assert.strictEqual(endOf(file, "purge-queue-1").outcome, "timeout")
    })
  )
})
