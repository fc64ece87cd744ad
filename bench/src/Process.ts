/** Programs of the benchmark, each a process of its own that is told over IPC. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"

/** Starts one, and waits for the first that it says. */
export const start = async (program: string, ...args: ReadonlyArray<string>) => {
  // Under more than it can bear a peer would fill the terminal with warnings of its own.
  const child = spawn(process.execPath, ["--expose-gc", "--no-warnings", program, ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  const [said] = (await once(child, "message")) as [unknown]
  return { child, said }
}

/** Tells one something, and waits for its answer. */
export const ask = async <A>(child: ChildProcess, told: object): Promise<A> => {
  const answered = once(child, "message")
  child.send(told)
  return (await answered)[0] as A
}

/** Lets go of one, and waits for its end. */
export const end = async (child: ChildProcess): Promise<void> => {
  const exited = once(child, "exit")
  child.disconnect()
  await exited
}
