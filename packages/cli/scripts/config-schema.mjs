/** Writes the JSON Schema of `mithrandir.json`, which is published with the package, from the sources of the program. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"
import { sources } from "../../../scripts/bundle.mjs"

const cli = fileURLToPath(new URL("..", import.meta.url))
const file = join(cli, "config.schema.json")

const directory = mkdtempSync(join(tmpdir(), "mithrandir-schema-"))
try {
  const outfile = join(directory, "ConfigSchema.mjs")
  await build({
    absWorkingDir: cli,
    entryPoints: ["src/config/ConfigSchema.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    alias: sources,
    // For what is CommonJS within.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning"
  })
  const { document } = await import(pathToFileURL(outfile))
  writeFileSync(file, JSON.stringify(document, null, 2))
} finally {
  rmSync(directory, { recursive: true })
}
// In the form that the whole repository has.
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome")
execFileSync(process.execPath, [biome, "format", "--write", file], { stdio: ["ignore", "ignore", "inherit"] })
