/** Which version this is, as its package says. */
import { readFileSync } from "node:fs"

const manifest: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8")
)

/** As `0.1.0`. */
export const version = manifest.version
