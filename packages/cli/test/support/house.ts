/** A Palantir, and a directory with a config for it, where one-off runs and a server find their database. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach } from "vitest"
import { run as runInside } from "./inside.ts"
import * as Palantir from "./palantir.ts"
import { run, start, stopAll } from "./process.ts"

export const make = async () => {
  const directory = await mkdtemp(join(tmpdir(), "mithrandir-cli-"))
  const palantir = await Palantir.start()
  const service = {
    id: "palantir",
    type: "palantir",
    url: palantir.url,
    pollInterval: "200 millis",
    settle: "20 millis",
    requestTimeout: "25 seconds"
  }
  const config = join(directory, "mithrandir.json")
  const database = join(directory, "mithrandir.db")
  await writeFile(config, JSON.stringify({ services: [service], port: 0 }))
  return {
    directory,
    palantir,
    database,
    /** A one-off run inside this process. */
    here: (...args: ReadonlyArray<string>) => runInside([...args, "--config", config, "--database", database]),
    /** The same as a process of its own. */
    apart: (...args: ReadonlyArray<string>) => run(args, { cwd: directory }),
    start: (...args: ReadonlyArray<string>) => start(args, { cwd: directory }),
    leave: async () => {
      await palantir.close()
      await rm(directory, { recursive: true, force: true })
    }
  }
}
export type House = Awaited<ReturnType<typeof make>>

/** A house for each test of a file; what it started has gone when the next one begins. */
export const forEachTest = (move: (house: House) => void): void => {
  let house: House
  beforeEach(async () => {
    house = await make()
    move(house)
  })
  afterEach(async () => {
    await stopAll()
    await house.leave()
  })
}

/** The url that a server says it listens on. */
export const urlOf = async (server: { readonly line: (pattern: RegExp) => Promise<RegExpMatchArray> }) =>
  (await server.line(/listens on (http\S+)/))[1] ?? ""
