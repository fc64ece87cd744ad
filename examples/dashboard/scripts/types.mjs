// Makes src/mithrandir.d.ts from the OpenAPI document that @mithrandir/http publishes. With --check it writes nothing,
// and fails where the file is stale.
import { readFileSync, writeFileSync } from "node:fs"
import openapiTS, { astToString } from "openapi-typescript"

const document = new URL(import.meta.resolve("@mithrandir/http/openapi.json"))
const file = new URL("../src/mithrandir.d.ts", import.meta.url)
const types = `// Made from @mithrandir/http/openapi.json by scripts/types.mjs.\n${astToString(await openapiTS(document, { silent: true }))}`

if (!process.argv.includes("--check")) writeFileSync(file, types)
else if (readFileSync(file, "utf8") !== types) {
  console.error("src/mithrandir.d.ts is stale: npm run generate")
  process.exit(1)
}
