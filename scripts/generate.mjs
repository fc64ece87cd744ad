// Writes what is made from the code and kept beside it: the API's document, the types of its clients, the config's
// schema, the pages of docs/reference. Tests fail where one of them is not as the code is.
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

for (const script of [
  "scripts/prepare.mjs",
  "packages/http/scripts/openapi.mjs",
  "examples/dashboard/scripts/types.mjs",
  "packages/cli/scripts/config-schema.mjs"
]) {
  execFileSync(process.execPath, [`${root}${script}`], { cwd: root, stdio: ["ignore", 2, 2] })
}

const { pages } = await import("./reference.mjs")
for (const [page, text] of Object.entries(pages())) {
  mkdirSync(dirname(`${root}${page}`), { recursive: true })
  writeFileSync(`${root}${page}`, text)
}
