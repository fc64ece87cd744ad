#!/usr/bin/env node
import * as Brief from "./Brief.ts"
import * as Terminal from "./output/Terminal.ts"

const answer = Brief.answer(process.argv.slice(2))

if (answer === undefined) {
  // Reading the maps takes time, and only whoever asked for stack traces sees them.
  if (process.env.MITHRANDIR_DEBUG) process.setSourceMapsEnabled(true)
  import("./Main.ts").then(
    ({ main }) => main(process.argv),
    (error: unknown) => {
      const said = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)
      const problem = said.replace(/\p{Cc}/gu, " ")
      const isShort = error instanceof Error && "code" in error && error.code === "EMFILE"
      const remedy = isShort ? "let it open more files (ulimit -n)" : "install it again"
      process.stderr.write(`mithrandir: it cannot start: ${problem}; ${remedy}\n`, () => process.exit(1))
    }
  )
} else {
  Terminal.guard()
  process.stdout.write(answer)
  Terminal.leave(0)
}
