/** What runs beside us: the programs as they are bundled, and the upstream. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { type ActionType, ordersOf, type Plan } from "./Plan.ts"
import type { Said, Told } from "./Upstream.ts"

/** The program that is tried, as its users have it. */
export const bin = fileURLToPath(new URL("../../packages/cli/dist/bin.js", import.meta.url))

const upstreamProgram = fileURLToPath(new URL("../dist/Upstream.js", import.meta.url))

/** Succeeds when a process has ended. */
export const exited = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, "exit")

/** A port that nobody listens on now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

/** How long the upstream keeps finished jobs, many passes long; servers are told the same. */
export const finishedKept = "30 seconds"
const finishedKeptMs = 30_000

/** What an upstream is to have before the commands of a plan come, and what is to go wrong with them. */
export const beginning = (plan: Plan): Told => {
  const orders = ordersOf(plan)
  const targets = (actionType: ActionType) =>
    Array.from(new Set(orders.filter((order) => order.actionType === actionType).map(({ target }) => target)))
  return {
    tell: "begin",
    finishedKeptMs,
    honoursKeys: plan.mode !== "unkeyed",
    failed: targets("retry-job"),
    waiting: targets("delete-job"),
    queues: targets("purge-queue"),
    workers: targets("restart-service"),
    faults: Object.fromEntries(orders.map(({ commandId, fault, lateMs }) => [commandId, { fault, lateMs }]))
  }
}

/** An upstream, and what it answers to what it is told. */
export const startUpstream = async () => {
  const child = spawn(process.execPath, [upstreamProgram], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const heard = async () => ((await once(child, "message")) as [Said])[0]
  let last = heard()
  const { port } = await last
  return {
    port,
    /** One after the other: an answer is that to what was told last. */
    tell: (told: Told) => {
      last = last.then(() => {
        child.send(told)
        return heard()
      })
      return last
    },
    close: async () => {
      child.disconnect()
      await exited(child)
    }
  }
}
