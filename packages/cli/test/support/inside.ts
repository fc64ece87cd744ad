/** The program inside this process: for what needs no process of its own, which takes a second to start. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Cli from "../../src/Cli.ts"
import { drivers } from "../../src/Main.ts"

/** Runs a command line to its end. */
export const run = (args: ReadonlyArray<string>) =>
  Console.consoleWith((console) => {
    const printed = { stdout: "", stderr: "" }
    const print = (stream: keyof typeof printed) => (text: unknown) =>
      Effect.sync(() => {
        printed[stream] += `${text}\n`
      })
    return Cli.run(["node", "mithrandir", ...args]).pipe(
      Effect.withConsole({ ...console, log: print("stdout"), error: print("stderr") }),
      Effect.map((code) => ({ code, ...printed }))
    )
  }).pipe(Effect.provide(drivers), Effect.runPromise)
