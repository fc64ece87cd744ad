/** What the BullMQ source makes of a Redis that is down, comes and goes, hangs, or refuses. */
import { connect, createServer, type Socket } from "node:net"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BullMq from "../../src/sources/BullMq.ts"
import * as BullMqConnection from "../../src/sources/BullMqConnection.ts"
import { type ActionError, JobSource, type Shape, SourceUnavailable } from "../../src/sources/JobSource.ts"
import { testQueue } from "../support/bullmq.ts"
import { namesOf } from "../support/names.ts"
import { describeWithRedisServer, freePort, ownRedis as redis, say } from "../support/redis.ts"
import { listed } from "./JobSourceSuite.ts"

const sourceAt = (options: Omit<BullMq.Options, "queues">) =>
  Effect.map(Layer.build(BullMq.layer({ queues: ["mail", "media"], ...options })), Context.get(JobSource))

const noAction = Effect.die("the source does not support it")
const actions = ({ actions }: Shape): ReadonlyArray<Effect.Effect<unknown, ActionError>> => [
  actions.retryJob?.("mail:1", "k") ?? noAction,
  actions.deleteJob?.("mail:2", "k") ?? noAction,
  actions.purgeQueue?.("mail", "k") ?? noAction
]
const every = (source: Shape): ReadonlyArray<Effect.Effect<unknown, ActionError>> => [
  source.counts,
  listed(source),
  source.find("mail:1"),
  source.queue?.("mail") ?? noAction,
  source.ping,
  ...actions(source)
]

const reason = (call: Effect.Effect<unknown, ActionError>) =>
  Effect.map(Effect.flip(call), (error) => (error instanceof SourceUnavailable ? error.reason : error._tag))

/** Stands before a Redis that is busy: it hears what it is told, and answers nothing before it is released. */
const lateGreeter = (redisPort: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const sockets = new Set<Socket>()
      let held: Array<() => void> | undefined = []
      const server = createServer((asker) => {
        const redis = connect(redisPort, "127.0.0.1")
        for (const [socket, other] of [
          [asker, redis],
          [redis, asker]
        ] as const) {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => other.destroy())
        }
        asker.on("data", (said) => redis.write(said))
        redis.on("data", (answer) => {
          if (held === undefined) asker.write(answer)
          else held.push(() => asker.write(answer))
        })
      })
      const port = await freePort()
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
      const release = () => {
        for (const answer of held ?? []) answer()
        held = undefined
      }
      const stop = () => {
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      return { url: `redis://127.0.0.1:${port}`, release, stop }
    }),
    ({ stop }) => Effect.sync(stop)
  )

describeWithRedisServer("BullMq, misbehaving", () => {
  it.scopedLive("a Redis that is down at the start is no connection; it is used as soon as it is up, and again", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const source = yield* sourceAt({ url: `redis://127.0.0.1:${port}` })
      for (const call of every(source)) assert.strictEqual(yield* reason(call), "connect")
      for (let time = 0; time < 2; time += 1) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* redis(port)
            yield* source.ping
            assert.strictEqual((yield* source.counts).waiting, 0)
          })
        )
        for (const call of every(source)) assert.strictEqual(yield* reason(call), "connect")
      }
    })
  )

  it.scopedLive("calls at the same moment share one connection", () =>
    Effect.gen(function* () {
      const { port, url } = yield* redis(yield* Effect.promise(freePort))
      const source = yield* sourceAt({ url })
      yield* Effect.all(
        Array.from({ length: 50 }, () => source.counts),
        { concurrency: "unbounded" }
      )
      // One is the asker's own.
      assert.include(yield* say(port, "INFO clients"), "connected_clients:2")
    })
  )

  it.scopedLive("the connection is closed with the scope, whether Redis is up or not", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      yield* Effect.scoped(
        Effect.flatMap(sourceAt({ url: `redis://127.0.0.1:${port}` }), ({ ping }) => Effect.exit(ping))
      )
      yield* Effect.scoped(sourceAt({ url: `redis://127.0.0.1:${port}` }))
      const { url } = yield* redis(port)
      yield* Effect.scoped(Effect.flatMap(sourceAt({ url }), ({ ping }) => ping))
      // The other side notices a moment later.
      const clients = say(port, "INFO clients")
      yield* Effect.repeat(clients, { until: (info) => info.includes("connected_clients:1\r") })
    })
  )

  it.scopedLive("a Redis that hangs ends each call at its deadline, and is used again when it goes on", () =>
    Effect.gen(function* () {
      const { pid, url } = yield* redis(yield* Effect.promise(freePort))
      const source = yield* sourceAt({ url, requestTimeout: "100 millis" })
      yield* source.ping
      if (pid === undefined) return assert.fail("no process")
      process.kill(pid, "SIGSTOP")
      assert.strictEqual(yield* reason(source.counts), "timeout")
      // In between it is connected to anew, in vain.
      for (const call of every(source)) assert.include(["timeout", "connect"], yield* reason(call))
      process.kill(pid, "SIGCONT")
      yield* Effect.retry(source.ping, { times: 100 })
    })
  )

  it.scopedLive("a connection that breaks before the answer is not mistaken for none", () =>
    Effect.gen(function* () {
      const { pid, stop, url } = yield* redis(yield* Effect.promise(freePort))
      const source = yield* sourceAt({ url })
      yield* source.ping
      if (pid === undefined) return assert.fail("no process")
      process.kill(pid, "SIGSTOP")
      const [counted] = yield* Effect.all([reason(source.counts), Effect.delay(Effect.promise(stop), "50 millis")], {
        concurrency: "unbounded"
      })
      assert.strictEqual(counted, "reset")
    })
  )

  it.scopedLive("a call that was given up while connecting is not made once it is connected", () =>
    Effect.gen(function* () {
      const own = yield* redis(yield* Effect.promise(freePort))
      const { release, url } = yield* lateGreeter(own.port)
      const connection = yield* BullMqConnection.make({
        url,
        requestTimeout: Duration.millis(200),
        prepare: () => {}
      })
      const made: Array<string> = []
      const call = (name: string) => connection.call(async () => made.push(name))
      assert.strictEqual(yield* reason(call("given up")), "connect")
      const interrupted = yield* Effect.fork(call("interrupted"))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(interrupted)
      release()
      yield* Effect.retry(call("later"), { times: 100 })
      assert.deepStrictEqual(made, ["later"])
    })
  )

  it.scopedLive("an action that was given up while connecting is not taken later", () =>
    Effect.gen(function* () {
      const own = yield* redis(yield* Effect.promise(freePort))
      const mail = yield* testQueue(own.url, "mail", "bull")
      yield* Effect.promise(async () => {
        await mail.seed("failed")
        await mail.seed("waiting")
      })
      const { release, url } = yield* lateGreeter(own.port)
      const source = yield* sourceAt({ url, requestTimeout: "200 millis" })
      const given = yield* Effect.all(actions(source).map(reason), { concurrency: "unbounded" })
      assert.deepStrictEqual(given, ["connect", "connect", "connect"])
      release()
      // What is asked now comes after whatever was left to be said.
      yield* Effect.retry(source.ping, { times: 100 })
      assert.deepStrictEqual(
        (yield* listed(source)).map(({ id, state }) => [id, state] as const),
        [
          ["mail:2", "waiting"],
          ["mail:1", "failed"]
        ]
      )
    })
  )

  it.scopedLive("a name is connected to where it was checked to lead, and each connection is checked anew", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const own = yield* redis(port)
      const names = namesOf({
        turned: [["127.0.0.1"], ["169.254.169.254"]],
        mixed: [["127.0.0.1", "::ffff:169.254.169.254"]],
        two: [["::1", "127.0.0.1"]]
      })
      const connectionTo = (url: string) =>
        BullMqConnection.make({ url, requestTimeout: Duration.seconds(3), lookup: names.lookup, prepare: () => {} })
      const ping = (connection: BullMqConnection.Connection) => connection.call((client) => client.llen("mithrandir"))

      const turned = yield* connectionTo(`redis://turned:${port}`)
      yield* ping(turned)
      yield* ping(turned)
      assert.deepStrictEqual(names.asked, ["turned"])
      yield* ping(yield* connectionTo(`redis://two:${port}`))

      const greeted = yield* say(port, "INFO stats")
      for (const url of [`redis://mixed:${port}`, `rediss://mixed:${port}`, `redis://0xA9FEA9FE:${port}`]) {
        const refused = yield* connectionTo(url)
        for (let time = 0; time < 2; time += 1) assert.strictEqual(yield* reason(ping(refused)), "address", url)
      }
      const connections = (info: string) => Number(/total_connections_received:(\d+)/.exec(info)?.[1])
      // The one that asks.
      assert.strictEqual(connections(yield* say(port, "INFO stats")), connections(greeted) + 1)

      yield* Effect.promise(own.stop)
      yield* redis(port)
      yield* Effect.retry(Effect.flip(ping(turned)), { times: 10 })
      assert.strictEqual(yield* reason(ping(turned)), "address")
    })
  )

  it.scopedLive("speaks TLS where the url asks for it, and not otherwise", () =>
    Effect.gen(function* () {
      const heard: Array<number | undefined> = []
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", (said) => {
          heard.push(said[0])
          socket.destroy()
        })
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => void server.close()))
      const port = yield* Effect.promise(freePort)
      yield* Effect.async<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void)))
      for (const scheme of ["rediss", "redis"]) {
        yield* Effect.flip((yield* sourceAt({ url: `${scheme}://localhost:${port}` })).ping)
      }
      // A TLS handshake, and an array of Redis.
      assert.deepStrictEqual(heard, [0x16, "*".charCodeAt(0)])
    })
  )

  it.scopedLive("a name that is nobody's is no connection", () =>
    Effect.gen(function* () {
      const source = yield* sourceAt({ url: "redis://redis.invalid" })
      for (const call of every(source)) assert.strictEqual(yield* reason(call), "connect")
    })
  )

  it.scopedLive("an address that is never asked is refused at the start", () =>
    Effect.gen(function* () {
      for (const host of ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "metadata.google.internal"]) {
        const refused = yield* Effect.flip(sourceAt({ url: `redis://:s3cret@${host}:6379` }))
        assert.strictEqual(refused._tag, "UrlRefused")
        assert.notInclude(JSON.stringify(refused), "s3cret")
      }
    })
  )

  it.scopedLive("a password that is missing or wrong is denied; the right one is not", () =>
    Effect.gen(function* () {
      const { url } = yield* redis(yield* Effect.promise(freePort), "--requirepass", "s3cret")
      const missing = yield* sourceAt({ url })
      const wrong = yield* sourceAt({ url, password: Redacted.make("wr0ng") })
      for (const source of [missing, wrong]) {
        const reasons = yield* Effect.forEach(every(source), reason)
        assert.deepStrictEqual(reasons, [...Array(5).fill("denied"), ...Array(3).fill("ActionRejected")])
        for (const call of every(source)) {
          const error = yield* Effect.flip(call)
          assert.notMatch(`${JSON.stringify(error)} ${error.stack}`, /s3cret|wr0ng/)
        }
      }
      const right = yield* sourceAt({ url, password: Redacted.make("s3cret") })
      assert.deepStrictEqual(yield* listed(right), [])
      yield* (yield* sourceAt({ url: url.replace("//", "//:s3cret@") })).ping
    })
  )

  it.scopedLive("what a script was denied in the middle of it is not refused for certain", () =>
    Effect.gen(function* () {
      const { url } = yield* redis(yield* Effect.promise(freePort))
      const says = (text: string) =>
        Effect.gen(function* () {
          const connection = yield* BullMqConnection.make({
            url,
            requestTimeout: Duration.seconds(3),
            prepare: (client) =>
              client.defineCommand("say", { numberOfKeys: 0, lua: `return redis.error_reply("${text}")` })
          })
          return yield* reason(connection.call((client) => client.runCommand("say", [])))
        })
      const user = "can't run this command or subcommand"
      assert.strictEqual(yield* says("NOPERM this user has no permissions to run the 'del' command"), "denied")
      // As Redis 7.2 says it, and as 7.0 does.
      assert.strictEqual(yield* says("NOPERM ACL failure in script: User u has no permissions"), "status")
      assert.strictEqual(
        yield* says(`ERR The user executing the script ${user} script: 1, on @user_script:1.`),
        "status"
      )
    })
  )

  it.scopedLive("keys that are not BullMQ's are invalid", () =>
    Effect.gen(function* () {
      const { port, url } = yield* redis(yield* Effect.promise(freePort))
      yield* say(port, "SET bull:mail:wait text")
      const source = yield* sourceAt({ url })
      for (const call of [source.counts, listed(source)]) assert.strictEqual(yield* reason(call), "SourceInvalid")
    })
  )
})
