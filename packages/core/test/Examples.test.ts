import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeFile, query } from "./support/house.ts"

const embedded = fileURLToPath(new URL("../../../examples/embedded/dist/main.js", import.meta.url))

/** Runs a program to its end, as anybody would. */
const runNode = (...args: ReadonlyArray<string>) =>
  Effect.async<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => {
      stdout += chunk
    })
    child.stderr.on("data", (chunk) => {
      stderr += chunk
    })
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("the example of an embedding application", () => {
  it.scopedLive(
    "finds what was lost, runs its own command, keeps its PIN to itself, and ends",
    () =>
      Effect.gen(function* () {
        const file = yield* makeFile
        const { code, stderr, stdout } = yield* runNode(embedded, file)
        assert.strictEqual(stderr, "")
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(stdout.trimEnd().split("\n"), [
          "print: verified",
          "print: discrepancy, missing: flyer-1",
          "print: verified",
          'release-job: queued (release-job of "poster-3" on print accepted from example)',
          'release-job: running (release-job of "poster-3" on print accepted from example)',
          "release-job: error (upstream refused: the PIN is wrong)",
          'on the record: failure, {"pin":"[redacted]","copies":2}',
          'release-job: queued (release-job of "poster-3" on print accepted from example)',
          'release-job: running (release-job of "poster-3" on print accepted from example)',
          'release-job: success ("poster-3" is released, to be printed 2 times)',
          'on the record: success, {"pin":"[redacted]","copies":2}'
        ])
        const audit = query<Record<string, string>>(file, "SELECT * FROM command_audit ORDER BY timestamp")
        assert.deepStrictEqual(
          audit.map(({ action_type, actor, outcome, target }) => [action_type, actor, outcome, target]),
          [
            ["release-job", "example", "failure", "poster-3"],
            ["release-job", "example", "success", "poster-3"]
          ]
        )
        assert.deepInclude(JSON.parse(audit[1]?.before_state_json ?? ""), { id: "poster-3", state: "delayed" })
        assert.deepInclude(JSON.parse(audit[1]?.after_state_json ?? ""), { id: "poster-3", state: "waiting" })
        assert.deepStrictEqual(
          query(file, "SELECT status FROM discrepancy_event ORDER BY timestamp, id").map(({ status }) => status),
          ["discrepancy", "verified"]
        )
        for (const name of readdirSync(dirname(file))) {
          for (const pin of ["1234", "2580"]) {
            assert.isFalse(readFileSync(join(dirname(file), name)).includes(`"${pin}"`), name)
          }
        }
      }),
    60_000
  )
})
