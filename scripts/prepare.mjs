// Makes a fresh clone ready: installs when the lockfile or Node changed since the last install, then builds and bundles.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const stampFile = `${root}node_modules/.mithrandir-stamp`
const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, "utf8"))

const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] })
  if (status !== 0) process.exit(status ?? 1)
}

const stamp = createHash("sha256")
  .update(readFileSync(`${root}pnpm-lock.yaml`))
  .update(`${process.version} ${process.platform} ${process.arch}`)
  .digest("hex")

if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  // Linked by the install, and made by the build after it: what is there, if only empty, is linked without a warning.
  mkdirSync(`${root}packages/cli/dist`, { recursive: true })
  writeFileSync(`${root}packages/cli/dist/bin.js`, "", { flag: "a" })
  console.error("mithrandir: installing (the first time takes a few minutes: SQLite may have to be compiled)")
  run("npx", ["--yes", packageManager, "install", "--frozen-lockfile", "--loglevel=warn"])
  writeFileSync(stampFile, stamp)
}
run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-b"])
run(process.execPath, [`${root}scripts/bundle.mjs`])
