import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

export default defineConfig({
  // Most tests wait for a socket, a process or a disk. One worker a core less one, the default, would queue them up.
  test: { projects, maxWorkers: 3, minWorkers: 1 }
})
