/** The program as its users start it: a process of its own, watched line by line, and never left behind. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** The program as it is bundled, anew with every start of the tests. */
export const bin = fileURLToPath(new URL("../../dist/bin.js", import.meta.url))

/** How long a line or an end is waited for, unless told otherwise. Only a test that fails waits that long. */
const usualPatienceMs = 20_000

/** What was not asked to stop, and is still there when the tests end, is ended by force. */
const living = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL")
})

/** Ends, by force, whatever is still there: for `afterEach`. */
export const stopAll = async (): Promise<void> => {
  await Promise.all(
    Array.from(living, (child) => {
      const gone = new Promise((resolve) => child.once("close", resolve))
      child.kill("SIGKILL")
      return gone
    })
  )
}

export interface Options {
  readonly cwd?: string
  /** Beside what is inherited; `MITHRANDIR_*` is never inherited. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Runs as this user; only root may say so. */
  readonly uid?: number
  /** What `ulimit` is told first, as `-f 64`. */
  readonly limit?: string
  /** Which rights new files do not get, as `022`; else what is inherited. */
  readonly umask?: string
}

export interface Ended {
  /** The exit code; null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  /** The first line, printed already or yet to come, on stdout or stderr, that matches; its match. */
  readonly line: (pattern: RegExp, patienceMs?: number) => Promise<RegExpMatchArray>
  /** Waits for its end. */
  readonly end: (patienceMs?: number) => Promise<Ended>
  /** Sends it a signal (SIGTERM) and waits for its end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Ended>
  /** What was printed so far. */
  readonly output: () => { readonly stdout: string; readonly stderr: string }
}

/** Starts the program with these arguments. */
export const start = (args: ReadonlyArray<string>, options: Options = {}): Running => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(MITHRANDIR_|NO_COLOR|FORCE_COLOR|CI$)/.test(name)
  )
  const first = [
    ...(options.limit === undefined ? [] : [`ulimit ${options.limit}`]),
    ...(options.umask === undefined ? [] : [`umask ${options.umask}`])
  ]
  const [command, ...before] =
    first.length === 0
      ? [process.execPath]
      : ["bash", "-c", [...first, 'exec "$0" "$@"'].join(" && "), process.execPath]
  const child = spawn(command ?? process.execPath, [...before, bin, ...args], {
    cwd: options.cwd,
    env: { ...Object.fromEntries(inherited), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid })
  })
  living.add(child)
  const text = { stdout: "", stderr: "" }
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const watcher of watchers) watcher()
  }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk
      changed()
    })
  }
  const words = `mithrandir ${args.join(" ")}`

  // `close`, not `exit`: by then everything that it printed has arrived.
  let end: Ended | undefined
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code, signal) => {
      living.delete(child)
      end = { code, signal, ...text }
      changed()
      resolve(end)
    })
  })

  const within = <A>(what: string, promise: Promise<A>, patienceMs = usualPatienceMs): Promise<A> => {
    const { promise: late, timer } = deadline(
      patienceMs,
      () => `${words}: ${what} did not come.\n${text.stdout}${text.stderr}`
    )
    return Promise.race([promise, late]).finally(() => clearTimeout(timer))
  }

  const line = (pattern: RegExp, patienceMs?: number) => {
    let watcher = (): void => undefined
    const found = new Promise<RegExpMatchArray>((resolve, reject) => {
      watcher = () => {
        const match = find(text, pattern)
        if (match !== undefined) resolve(match)
        else if (end !== undefined)
          reject(new Error(`${words} ended with ${end.code} before ${pattern}.\n${end.stdout}${end.stderr}`))
      }
      watchers.add(watcher)
      watcher()
    })
    return within(`a line like ${pattern}`, found, patienceMs).finally(() => watchers.delete(watcher))
  }

  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    if (end === undefined) child.kill(signal)
    return within("its end", ended)
  }

  const awaitEnd = (patienceMs?: number) => within("its end", ended, patienceMs)

  return { pid: child.pid ?? -1, line, end: awaitEnd, stop, output: () => ({ ...text }) }
}

/** Runs the program to its end. */
export const run = (args: ReadonlyArray<string>, options: Options = {}): Promise<Ended> => start(args, options).end()

const find = (
  text: { readonly stdout: string; readonly stderr: string },
  pattern: RegExp
): RegExpMatchArray | undefined => {
  for (const stream of [text.stdout, text.stderr]) {
    // A line without its end may be half a line.
    for (const line of stream.split("\n").slice(0, -1)) {
      const match = line.match(pattern)
      if (match !== null) return match
    }
  }
  return undefined
}

const deadline = (patienceMs: number, problem: () => string) => {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(problem())), patienceMs)
  })
  return { promise, timer }
}
