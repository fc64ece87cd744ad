/** Every line that help tells people to type: it is typed, in a shell, and does what help says. */
import { type ChildProcess, spawn } from "node:child_process"
import { copyFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { root } from "../src/Cli.ts"
import { type Example, members } from "../src/line/Program.ts"
import * as Palantir from "./support/palantir.ts"
import { bin, run, start, stopAll } from "./support/process.ts"

/** Those that go on until they are stopped: what they print when they do what they should, and how they end then. */
const lasting: ReadonlyArray<{ readonly command: RegExp; readonly ready: RegExp; readonly code: number }> = [
  { command: /^mithrandir serve\b/, ready: /^mithrandir \S+ listens on http/m, code: 0 },
  { command: /^mithrandir sandbox\b/, ready: /^sandbox: a Palantir listens on http/m, code: 0 },
  { command: /^mithrandir watch [^|]*-o ndjson[^|]*$/, ready: /^\{"id":"[^"]+","event":"stream\.ready"/m, code: 130 },
  { command: /^mithrandir watch [^|]*$/, ready: /palantir: verified/, code: 130 }
]
const lastingOf = (line: string) => lasting.find(({ command }) => command.test(line))

/** The server that the examples name is the one of this test, and no example takes a port that may be in use. */
const here = (line: string) => line.replaceAll("http://127.0.0.1:4410", served.url).replace(/--port \d+/, "--port 0")

let path: string
/** A database that has something on the record. */
let record: string
/** What a server has put beside it, and how it is called where it waits. */
const signed = { ".checkpoints": "kept.txt", ".audit-key": "signing.key" }
let served: { readonly palantir: Palantir.FakePalantir; readonly directory: string; readonly url: string }

/** A directory where the examples work: a config, and a Palantir with the jobs that they name. */
const house = async () => {
  const palantir = await Palantir.start()
  const job = (id: string, queue: string, state: Palantir.FakeJob["state"]) =>
    palantir.jobs.set(id, { id, queue, state, attempts: 1 })
  job("mail-000013", "mail", "failed")
  job("mail-000014", "mail", "failed")
  job("mail-000021", "mail", "delayed")
  const directory = await mkdtemp(join(tmpdir(), "mithrandir-examples-"))
  const pace = { settle: "20 millis", pollInterval: "200 millis" }
  const config = { services: [{ id: "palantir", type: "palantir", url: palantir.url, ...pace }] }
  for (const name of ["mithrandir.json", "staging.json"]) await writeFile(join(directory, name), JSON.stringify(config))
  return { directory, palantir }
}

const leave = async ({ directory, palantir }: Awaited<ReturnType<typeof house>>) => {
  await palantir.close()
  await rm(directory, { recursive: true, force: true })
}

beforeAll(async () => {
  const inside = await house()
  path = await mkdtemp(join(tmpdir(), "mithrandir-bin-"))
  await symlink(bin, join(path, "mithrandir"))
  expect(await run(["reconcile"], { cwd: inside.directory })).toMatchObject({ code: 0 })
  const done = ["run", "delete-job", "job-9", "-s", "palantir", "--command-id", "inc-7-0"]
  expect(await run(done, { cwd: inside.directory })).toMatchObject({ code: 0 })
  record = join(path, "record.db")
  await copyFile(join(inside.directory, "mithrandir.db"), record)
  const db = new Sqlite(record)
  db.prepare(
    "INSERT INTO token VALUES ('0123456789abcdef','oncall','viewer','x','2026-01-31 12:00:00.000','x',NULL,NULL)"
  ).run()
  db.close()
  const server = start(["serve", "--port", "0"], { cwd: inside.directory })
  const [, url = ""] = await server.line(/listens on (http\S+)/)
  await server.line(/palantir: verified/)
  // What somebody has kept of the record, elsewhere.
  const [, publicKey = ""] = await server.line(/"publicKey":"([^"]+)"/)
  for (const [ending, kept] of Object.entries(signed))
    await copyFile(join(inside.directory, `mithrandir.db${ending}`), join(path, kept))
  await writeFile(join(path, "kept.key"), publicKey)
  const proof = ["audit", "prove", "inc-7-0", "--file", join(path, "inc-7-0.tlog-proof")]
  expect(await run(proof, { cwd: inside.directory })).toMatchObject({ code: 0 })
  served = { ...inside, url }
})
afterAll(async () => {
  await stopAll()
  await leave(served)
  await rm(path, { recursive: true, force: true })
})

/** Types a line into a shell, and stops what goes on once it is there. */
const type = (line: string, cwd: string) =>
  new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resolve, reject) => {
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("MITHRANDIR_"))
    )
    const ready = lastingOf(line)?.ready
    // Without `exec` a signal would end the shell alone.
    const child: ChildProcess = spawn("sh", ["-c", ready === undefined ? line : `exec ${line}`], {
      cwd,
      env: { ...inherited, PATH: `${path}${delimiter}${process.env.PATH}`, MITHRANDIR_PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const printed = { stdout: "", stderr: "" }
    let isStopped = false
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (text: string) => {
        printed[stream] += text
        if (isStopped || !ready?.test(`${printed.stderr}\n${printed.stdout}`)) return
        // Twice would be less polite than it says.
        isStopped = true
        child.kill("SIGTERM")
      })
    }
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, ...printed }))
  })

const works = async ({ line }: Example) => {
  const inside = await house()
  await copyFile(record, join(inside.directory, "mithrandir.db"))
  // What a server has signed of it is beside it.
  for (const [ending, kept] of Object.entries(signed))
    await copyFile(join(path, kept), join(inside.directory, `mithrandir.db${ending}`))
  for (const kept of ["kept.txt", "kept.key", "inc-7-0.tlog-proof"])
    await copyFile(join(path, kept), join(inside.directory, kept))
  try {
    const ended = await type(here(line), inside.directory)
    expect(ended.stderr).not.toMatch(/^mithrandir: /m)
    expect(ended).toMatchObject({ code: lastingOf(line)?.code ?? 0 })
  } finally {
    await leave(inside)
  }
}

const programs = members(root).flatMap((member) =>
  member._tag === "program"
    ? [{ name: member.name, program: member }]
    : member.members.map((program) => ({ name: `${member.name} ${program.name}`, program }))
)

/** All of them take a minute. */
const some = (examples: ReadonlyArray<Example>) =>
  process.env.MITHRANDIR_TEST_LONG ? examples : examples.filter((_, index) => index % 5 === 0)

describe("the help on mithrandir", () => {
  it.each(some(root.examples))("$line", works)
})

describe.each(programs)("the help on $name", ({ name, program }) => {
  it("has from 2 to 5 examples, all of this command", () => {
    expect(program.examples.length).toBeGreaterThanOrEqual(2)
    expect(program.examples.length).toBeLessThanOrEqual(5)
    for (const { line } of program.examples) expect(line).toMatch(new RegExp(`\\bmithrandir ${name}\\b`))
  })

  it("says with which codes it can end: done, misused, and others", () => {
    expect(Object.keys(program.exits)).toEqual(expect.arrayContaining(["0", "2"]))
  })

  it.each(some(program.examples))("$line", works)
})
