/** The server as a process, killed in the middle of commands: every one of them comes to one end, and to the right one. */
import { spawn, spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it, vi } from "vitest"
import { modes } from "../src/Plan.ts"
import { torture } from "../src/Torture.ts"

const program = fileURLToPath(new URL("../dist/Main.js", import.meta.url))
const isLong = process.env["MITHRANDIR_TEST_LONG"] === "1"
const cycles = isLong ? 40 : 5

describe.concurrent("a server that is killed at any moment, and begun again", () => {
  for (const mode of modes) {
    it(`leaves no command half done, beside an upstream that is ${mode}`, { timeout: 600_000 }, async () => {
      const { directories, kills, violations } = await torture({
        mode,
        seed: isLong ? 1_000 : 1,
        cycles,
        lanes: isLong ? 2 : 1
      })
      const replays = violations.map(({ problem, seed }) => `${problem} (--mode ${mode} --cycles 1 --seed ${seed})`)
      expect(replays, directories.join()).toEqual([])
      // Nothing is shown by a server that goes on.
      expect(Object.values(kills).reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(cycles / 2)
    })
  }
})

/** What `ps` says of the processes that it is asked for; nothing where there are none. */
const ps = (...args: ReadonlyArray<string>): ReadonlyArray<string> =>
  spawnSync("ps", args, { encoding: "utf8" })
    .stdout.split(/\s+/)
    .filter((word) => word !== "")

const childrenOf = (pid: number) => ps("-o", "pid=", "--ppid", String(pid))

/** One that has ended may be listed for as long as nobody has asked how. */
const isThere = (pid: string) => ps("-o", "stat=", "-p", pid).some((state) => !state.startsWith("Z"))

describe("a proof that is killed itself", { timeout: 60_000 }, () => {
  const patience = { timeout: 20_000 }

  it.each([["torture", "--lanes", "1"], ["soak"]])("leaves no process behind (%s)", async (...args) => {
    const directory = await mkdtemp(join(tmpdir(), "mithrandir-proof-"))
    const proof = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env["PATH"], TMPDIR: directory },
      stdio: "ignore"
    })
    const { pid = -1 } = proof
    try {
      // A server and an upstream.
      await vi.waitFor(() => expect(childrenOf(pid)).toHaveLength(2), patience)
      proof.kill("SIGSTOP")
      const children = childrenOf(pid)
      proof.kill("SIGKILL")
      await vi.waitFor(() => expect(children.filter(isThere)).toEqual([]), patience)
    } finally {
      proof.kill("SIGKILL")
      await rm(directory, { recursive: true, force: true })
    }
  })
})
