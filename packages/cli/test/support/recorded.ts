/** A record that a server has signed: made once for each file of tests, and copied for each test. */
import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect } from "vitest"
import { type House, urlOf } from "./house.ts"
import { start } from "./process.ts"

/** The jobs that a command each was for, under their names. */
export const jobs = ["job-0", "job-1", "job-2"]

/** A server that has signed that there is nothing yet, and then ran a command for each of these, under its name. */
export const serving = async (house: House, targets: ReadonlyArray<string>) => {
  const server = start(["serve"], { cwd: house.directory })
  const url = await urlOf(server)
  await server.line(/"checkpoint of the record"/)
  for (const job of targets) {
    const line = ["run", "delete-job", job, "--service", "palantir", "--command-id", job, "--url", url]
    expect(await house.here(...line, "--reason", "INC-7")).toMatchObject({ code: 0 })
  }
  return server
}

const files = ["mithrandir.db", "mithrandir.db.checkpoints", "mithrandir.db.audit-key"]

/** Puts a record of all jobs where a house has its own. What was signed last is of all of them. */
export const recordOnce = (): ((house: House) => Promise<void>) => {
  let kept: string | undefined
  afterAll(async () => {
    if (kept !== undefined) await rm(kept, { recursive: true, force: true })
  })
  return async (house) => {
    if (kept === undefined) {
      const server = await serving(house, jobs)
      expect(await server.stop()).toMatchObject({ code: 0 })
      kept = await mkdtemp(join(tmpdir(), "mithrandir-recorded-"))
      for (const file of files) await cp(join(house.directory, file), join(kept, file))
    } else for (const file of files) await cp(join(kept, file), join(house.directory, file))
  }
}
