/** A terminal as a page's reader has one: a directory of one's own, and commands typed into it. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { root } from "./Page.ts"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Both, in the order they came. */
  readonly output: string
}

export interface Background {
  /** Waits until its output has a line that matches. */
  readonly line: (pattern: RegExp) => Promise<RegExpMatchArray>
  /** SIGINT, as Ctrl-C sends it, and its end. */
  readonly stop: () => Promise<Ended>
  readonly output: () => string
}

/** Only a test that fails waits that long. */
const patienceMs = 90_000

export interface Options {
  /** What stands in for words of the page: ports that are free, a Redis that is there. */
  readonly replace?: ReadonlyArray<readonly [from: string, to: string]>
  readonly env?: Readonly<Record<string, string>>
}

/** The program, as a checkout has it. */
const program = `${process.execPath} ${join(root, "packages/cli/dist/bin.js")}`

export class Shell {
  /** Where commands run. It has the checkout's packages at hand, as the checkout itself has. */
  readonly directory: string
  private readonly options: Options
  private readonly living = new Set<ChildProcess>()

  constructor(options: Options = {}) {
    this.directory = mkdtempSync(join(tmpdir(), "mithrandir-docs-"))
    this.options = options
    symlinkSync(join(root, "docs/node_modules"), join(this.directory, "node_modules"))
    mkdirSync(join(this.directory, "bin"))
    writeFileSync(join(this.directory, "bin/mithrandir"), `#!/bin/sh\nexec ${program} "$@"\n`, { mode: 0o755 })
    writeFileSync(join(this.directory, "package.json"), '{ "type": "module" }\n')
  }

  /** What the page says, with what stands in for it here. */
  adapt(text: string): string {
    const replace = [...(this.options.replace ?? []), ["npm run -s mithrandir --", program] as const]
    return replace.reduce((adapted, [from, to]) => adapted.replaceAll(from, to), text)
  }

  /** Writes a file that the page shows. */
  write(name: string, text: string): void {
    const file = join(this.directory, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${this.adapt(text)}\n`)
  }

  /** Runs commands to their end, one after the other, until one fails. */
  run(script: string): Promise<Ended> {
    return this.spawn(`set -e\n${script}`).ended
  }

  /** Starts a command that goes on. */
  start(script: string): Background {
    const { child, ended, output, watch } = this.spawn(`exec ${script}`)
    const stop = () => {
      child.kill("SIGINT")
      return ended
    }
    const line = (pattern: RegExp) =>
      new Promise<RegExpMatchArray>((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why} before ${pattern}:\n${script}\n${output()}`))
        const timer = setTimeout(() => fail("nothing came"), patienceMs)
        const look = () => {
          const match = output()
            .split("\n")
            .map((text) => text.match(pattern))
            .find((found) => found !== null)
          if (!match) return
          clearTimeout(timer)
          resolve(match)
        }
        watch(look)
        look()
        ended.then(() => fail("it ended"), reject)
      })
    return { line, output, stop }
  }

  /** Ends what was started, and removes the directory. */
  async close(): Promise<void> {
    await Promise.all(
      Array.from(this.living, (child) => {
        const gone = new Promise((resolve) => child.once("close", resolve))
        child.kill("SIGKILL")
        return gone
      })
    )
    rmSync(this.directory, { recursive: true, force: true })
  }

  private spawn(script: string) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(MITHRANDIR_|FORCE_COLOR)/.test(name))
    const child = spawn("bash", ["-c", this.adapt(script)], {
      cwd: this.directory,
      env: {
        ...Object.fromEntries(inherited),
        PATH: `${join(this.directory, "bin")}:${process.env.PATH}`,
        ...this.options.env
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.living.add(child)
    const text = { stdout: "", stderr: "", output: "" }
    const watchers: Array<() => void> = []
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        text[name] += chunk
        text.output += chunk
        for (const watcher of watchers) watcher()
      })
    }
    const ended = new Promise<Ended>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no end of:\n${script}\n${text.output}`)), patienceMs * 2)
      child.once("error", reject)
      child.once("close", (code) => {
        clearTimeout(timer)
        this.living.delete(child)
        resolve({ code, ...text })
      })
    })
    return { child, ended, output: () => text.output, watch: (watcher: () => void) => watchers.push(watcher) }
  }
}
