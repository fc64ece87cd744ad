/** Writes the JSON Schema of `mithrandir.json`, which is published with the package. Build first: it asks the program. */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { document } from "../dist/ConfigSchema.js"

const file = fileURLToPath(new URL("../config.schema.json", import.meta.url))
writeFileSync(file, JSON.stringify(document, null, 2))
// In the form that the whole repository has.
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome")
execFileSync(process.execPath, [biome, "format", "--write", file], { stdio: ["ignore", "ignore", "inherit"] })
