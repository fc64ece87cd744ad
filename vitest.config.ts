import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

/** Most tests wait for a socket, a process or a disk. One worker a core less one, the default, would queue them up. */
const workers = 4

export default defineConfig({
  test: {
    projects,
    // A worker that loads the libraries once, and not for each file, takes a third off the whole. Fewer workers to begin
    // with than there may be would be ended before their time.
    poolOptions: { forks: { isolate: false } },
    minWorkers: workers,
    maxWorkers: workers
  }
})
