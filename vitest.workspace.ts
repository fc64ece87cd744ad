import { fileURLToPath } from "node:url"
import type { TestProjectConfiguration } from "vitest/config"

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** What hangs ends; at full length, on a machine that is busy, what does not hang may take a while. */
const testTimeout = process.env.MITHRANDIR_TEST_LONG === "1" ? 180_000 : 30_000

/** One for all packages: between projects every worker waits for the slowest file of the one before. */
export default [
  {
    resolve: {
      // Tests of one package see the sources of the others, not their last build.
      alias: [
        { find: /^@mithrandir\/core\/BullMq$/, replacement: source("packages/core/src/sources/BullMq.ts") },
        { find: /^@mithrandir\/core\/SqliteNode$/, replacement: source("packages/core/src/drivers/SqliteNode.ts") },
        { find: /^@mithrandir\/core\/(Event|Timestamp)$/, replacement: source("packages/core/src/model/$1.ts") },
        { find: /^@mithrandir\/http\/Subscribe$/, replacement: source("packages/http/src/Subscribe.ts") },
        { find: /^@mithrandir\/(core|http)$/, replacement: source("packages/$1/src/index.ts") }
      ]
    },
    test: {
      name: "mithrandir",
      root: source("."),
      include: ["packages/*/test/**/*.test.ts", "docs/test/**/*.test.ts", "reliability/test/**/*.test.ts"],
      // What tests start as a process is what the sources and the pages say now.
      globalSetup: [source("scripts/bundle.mjs"), source("docs/test/support/compile.ts")],
      // The bundle, of which the first needs a part, is loaded as it is.
      server: { deps: { external: [/\/packages\/cli\/dist\//] } },
      testTimeout,
      hookTimeout: 60_000
    }
  }
] satisfies Array<TestProjectConfiguration>
