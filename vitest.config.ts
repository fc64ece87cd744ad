import { statSync } from "node:fs"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import projects from "./vitest.workspace.ts"

/** Most tests wait for a socket, a process or a disk. One worker a core less one, the default, would queue them up. */
const workers = process.argv.some((word) => /^(packages|docs)\//.test(word)) ? 2 : 4

/**
 * The tests that start programs, and wait for them, first; among equals the larger file. What only computes fills in, but
 * for those that take longest: nothing is left to run beside them in the end.
 */
const floors = [
  "reliability/",
  "docs/",
  "core/test/commands/CommandModel",
  "core/test/sources/PalantirMatrix",
  "core/test/audit/",
  "core/test/storage/Store",
  "packages/cli/",
  "packages/http/",
  "packages/core/"
]

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const floor = ({ moduleId }: TestSpecification) => floors.findIndex((folder) => moduleId.includes(`/${folder}`))
    const size = ({ moduleId }: TestSpecification) => statSync(moduleId).size
    return [...files].sort((a, b) => floor(a) - floor(b) || size(b) - size(a))
  }
}

export default defineConfig({
  test: {
    projects,
    sequence: { sequencer: LongestFirst },
    // A worker that loads the libraries once, and not for each file, takes a third off the whole. Fewer workers to begin
    // with than there may be would be ended before their time.
    poolOptions: { forks: { isolate: false, execArgv: ["--max-semi-space-size=64"] } },
    minWorkers: workers,
    maxWorkers: workers
  }
})
