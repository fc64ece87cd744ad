import { fileURLToPath } from "node:url"
import type { TestProjectConfiguration } from "vitest/config"

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Tests of one package see the sources of the others, not their last build. */
const alias = [
  { find: /^@mithrandir\/core\/BullMq$/, replacement: source("packages/core/src/sources/BullMq.ts") },
  { find: /^@mithrandir\/(core|http)$/, replacement: source("packages/$1/src/index.ts") }
]

/** What hangs ends; at full length, on a machine that is busy, what does not hang may take a while. */
const testTimeout = process.env.MITHRANDIR_TEST_LONG === "1" ? 180_000 : 30_000

const projects: Array<TestProjectConfiguration> = ["core", "http", "cli"].map((name) => ({
  resolve: { alias },
  test: {
    name,
    root: source(`packages/${name}`),
    include: ["test/**/*.test.ts"],
    // What tests start as a process is what the sources say now.
    ...(name === "cli" ? { globalSetup: source("scripts/bundle.mjs") } : {}),
    testTimeout,
    hookTimeout: 60_000
  }
}))

export default [
  ...projects,
  {
    resolve: { alias },
    test: {
      name: "docs",
      root: source("docs"),
      include: ["test/**/*.test.ts"],
      globalSetup: source("docs/test/support/compile.ts"),
      testTimeout: 2 * testTimeout,
      hookTimeout: 60_000
    }
  }
] satisfies Array<TestProjectConfiguration>
