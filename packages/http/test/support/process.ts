/** An example as a process of its own, as a user runs it. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"

export interface Running {
  /** Everything on stdout and stderr so far. */
  readonly output: () => string
  /** The first match in the output, as soon as there is one. Dies if the process ends before. */
  readonly until: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  /** Sends SIGTERM. */
  readonly terminate: Effect.Effect<void>
  /** The exit code, once it has ended. */
  readonly exitCode: Effect.Effect<number | null>
}

/** Runs a script below the root of the checkout; kills it when the scope ends. What is compiled must be built. */
export const run = (script: string, ...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const file = fileURLToPath(new URL(`../../../../${script}`, import.meta.url))
        if (!existsSync(file)) throw new Error(`${file} is not there: npm run build`)
        return spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] })
      }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child): Running => {
      let text = ""
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk
        })
      }
      const until = (pattern: RegExp) =>
        Effect.async<RegExpExecArray>((resume) => {
          const look = () => {
            const match = pattern.exec(text)
            if (match !== null) resume(Effect.succeed(match))
          }
          look()
          child.stdout.on("data", look)
          child.stderr.on("data", look)
          onClose(child, () => resume(Effect.dieMessage(`it ended without ${pattern}: ${text}`)))
        })
      return {
        output: () => text,
        until,
        terminate: Effect.sync(() => void child.kill("SIGTERM")),
        exitCode: Effect.async((resume) => onClose(child, () => resume(Effect.succeed(child.exitCode))))
      }
    }
  )

/** `close`, not `exit`: all output has been read by then. */
const onClose = (child: ChildProcess, tell: () => void): void => {
  const isOver = child.exitCode !== null || child.signalCode !== null
  if (isOver && child.stdout?.destroyed === true && child.stderr?.destroyed === true) tell()
  else child.once("close", tell)
}
