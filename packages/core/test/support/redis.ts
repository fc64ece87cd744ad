/**
 * A Redis for tests: the one named by `MITHRANDIR_TEST_REDIS`, else one on the standard local port, else an own
 * `redis-server` from PATH. Where none can be had, tests are skipped by name, or fail if `MITHRANDIR_TEST_REQUIRE`
 * names `redis`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, it } from "vitest"

/** Long enough for a busy machine to fork a server. */
const startTimeout = 10_000

/** Whether something that speaks Redis answers there. */
export const answers = (port: number, host = "127.0.0.1"): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => socket.write("PING\r\n"))
    socket.once("data", (data) => end(data.toString().startsWith("+PONG")))
    socket.once("error", () => end(false))
    socket.once("timeout", () => end(false))
    socket.once("close", () => end(false))
  })

/** A port nobody listens on at this moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(address)))
    })
  })

export interface OwnRedis {
  readonly port: number
  readonly url: string
  readonly pid: number | undefined
  readonly stop: () => Promise<void>
}

/** Starts a `redis-server` of our own that keeps nothing; undefined where there is none on PATH. */
export const startRedis = async (port: number, extra: ReadonlyArray<string> = []): Promise<OwnRedis | undefined> => {
  const dir = mkdtempSync(join(tmpdir(), "mithrandir-redis-"))
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir, ...extra],
    { stdio: "ignore" }
  )
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve())
    child.once("error", () => resolve())
  })
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  const stop = async () => {
    process.off("exit", kill)
    if (running(child)) {
      kill()
      await ended
    }
    rmSync(dir, { recursive: true, force: true })
  }
  const giveUp = Date.now() + startTimeout
  while (running(child) && Date.now() < giveUp) {
    if (await answersOrDenies(port)) return { port, url: `redis://127.0.0.1:${port}`, pid: child.pid, stop }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await stop()
  return undefined
}

/** A `redis-server` of our own, for the scope. */
export const ownRedis = (port: number, ...extra: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const started = await startRedis(port, extra)
      if (started === undefined) throw new Error("no Redis could be started")
      return started
    }),
    ({ stop }) => Effect.promise(stop)
  )

/** Says one thing to a Redis, and gives what it answers at first. */
export const say = (port: number, command: string) =>
  Effect.async<string>((resume) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => socket.write(`${command}\r\n`))
    socket.once("data", (data) => {
      socket.destroy()
      resume(Effect.succeed(data.toString()))
    })
  })

const running = (child: ChildProcess) => child.pid !== undefined && child.exitCode === null && child.signalCode === null

// A server with a password answers as well: it says that it wants one.
const answersOrDenies = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1000 })
    socket.once("connect", () => socket.write("PING\r\n"))
    for (const [event, answer] of [
      ["data", true],
      ["error", false],
      ["timeout", false]
    ] as const) {
      socket.once(event, () => {
        socket.destroy()
        resolve(answer)
      })
    }
  })

const find = async (): Promise<string | undefined> => {
  const named = process.env["MITHRANDIR_TEST_REDIS"]
  if (named !== undefined && named !== "") return named
  if (await answers(6379)) return "redis://127.0.0.1:6379"
  return (await startRedis(await freePort()))?.url
}

/** Where the tests' Redis is. */
export const redisUrl: string | undefined = await find()

const required = (process.env["MITHRANDIR_TEST_REQUIRE"] ?? "").split(/[\s,]+/).includes("redis")

const skipOrFail = (name: string, why: string, tests: () => void): void => {
  if (required) {
    it(name, () => {
      throw new Error(`${why}, and MITHRANDIR_TEST_REQUIRE says that these tests must run`)
    })
  } else describe.skip(`${name} (${why})`, tests)
}

/** Tests that need a Redis. Names and prefixes of keys are up to them, and so is leaving nothing behind. */
export const describeWithRedis = (name: string, tests: (url: string) => void): void => {
  if (redisUrl !== undefined) describe(name, () => tests(redisUrl))
  else skipOrFail(name, "no Redis to be had", () => tests("redis://127.0.0.1:6379"))
}

/** Tests that start and stop servers of their own with `startRedis`. */
export const describeWithRedisServer = (name: string, tests: () => void): void => {
  if (spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0) describe(name, tests)
  else skipOrFail(name, "no redis-server on PATH", tests)
}
