import { readFileSync } from "node:fs"
import { join } from "node:path"
import { EventSource } from "eventsource"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { fetch } from "../../../packages/http/test/support/fetch.ts"
import { programHere } from "../support/compile.ts"
import { Page, root } from "../support/Page.ts"
import { type Background, Shell } from "../support/Shell.ts"

const recipe = "docs/recipes/http-client.md"
const page = new Page(recipe)
page.take("ts")
const types = page.take("sh")
const browser = page.take("js")
const curl = page.take("sh")

it("http-client: no snippet is left over", () => page.end())

const shell = new Shell({
  replace: [["npx openapi-typescript", join(root, "examples/dashboard/node_modules/.bin/openapi-typescript")]]
})
let server: Background
let palantir: string
let url: string

beforeAll(async () => {
  server = shell.start("mithrandir serve --sandbox --fault none --port 0")
  url = (await server.line(/listens on (\S+)$/))[1] ?? ""
  palantir = (await server.line(/palantir at (\S+),/))[1] ?? ""
  await server.line(/palantir: verified/)
})
afterAll(() => shell.close())

interface Listing {
  readonly data: ReadonlyArray<{ readonly id: string; readonly state: string }>
}

/** A job that has failed. One that was retried has not; of those that live in the sandbox some will. */
const failedJob = async (): Promise<string> => {
  while (true) {
    const answer = await fetch(`${palantir}/api/v1/jobs`)
    const { data } = (await answer.json()) as Listing
    const job = data.find(({ state }) => state === "failed")
    if (job !== undefined) return job.id
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

describe("http-client: with Effect", () => {
  it("previews, runs, reads the record, and follows the stream", async () => {
    const job = await failedJob()
    const program = programHere(recipe, 1, [
      ["http://127.0.0.1:4410", url],
      ["mail:4711", job],
      ['"mail"', '"palantir"']
    ])
    const client = shell.start(`node ${program}`)
    await client.line(/^from here on/)
    await client.line(/^palantir verified$/)
    const { code, output } = await client.stop()
    expect(code).toBe(0)
    expect(output).toMatch(/^queued\nrunning\nsuccess\nsuccess true\n/)
    expect(output).toMatch(new RegExp(`target: '${job}'`))
  })
})

describe("http-client: in any language", () => {
  it("the types that are made of the document are those of the example", async () => {
    const { code, output } = await shell.run(types.text)
    expect(output).toContain("src/mithrandir.d.ts")
    expect(code).toBe(0)
    // Each says in another comment where it is from.
    const typesOf = (file: string) => readFileSync(file, "utf8").replace(/^(\/\*\*[\s\S]*?\*\/|\/\/.*)\s*/, "")
    expect(typesOf(join(shell.directory, "src/mithrandir.d.ts"))).toBe(
      typesOf(join(root, "examples/dashboard/src/mithrandir.d.ts"))
    )
  })
})

describe("http-client: in a browser", () => {
  const opened: Array<EventSource> = []
  afterAll(() => {
    for (const source of opened) source.close()
  })

  it("shows what happens, and clears where there may be a gap", async () => {
    /** The browser's: paths are the page's, and it comes back by the last id, here one of another database. */
    class OfThePage extends EventSource {
      constructor(path: string) {
        super(new URL(path.replace("=mail", "=palantir"), url), {
          fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, "last-event-id": "another-1" } })
        })
        opened.push(this)
      }
    }
    const told: Array<string> = []
    const shown = new Promise<unknown>((resolve) => {
      const run = new Function("EventSource", "show", "clear", browser.text)
      const show = (data: unknown) => {
        told.push("shown")
        resolve(data)
      }
      run(OfThePage, show, () => told.push("cleared"))
    })
    expect(await shown).toMatchObject({ service: "palantir", status: "verified" })
    expect(told.slice(0, 2)).toEqual(["cleared", "shown"])
  })
})

describe("http-client: with curl", () => {
  it("asks for what was disputed, runs a command, and looks before another", async () => {
    const vanish = () =>
      fetch(`${palantir}/faults`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"now":"vanish"}'
      })
    // It answers 409 as long as no job has been there for long enough.
    while (!(await vanish()).ok) await new Promise((resolve) => setTimeout(resolve, 250))
    await server.line(/palantir: DISCREPANCY/)
    const job = await failedJob()
    const { code, stdout } = await shell.run(
      // An answer has no end of line.
      curl.text
        .replaceAll("curl -s", "curl -s -w '\\n'")
        .replaceAll("http://127.0.0.1:4410", url)
        .replaceAll('"service":"mail"', '"service":"palantir"')
        .replace("mail:4711", job)
        .replace("retry-4711", "retry-by-curl")
    )
    expect(code).toBe(0)
    const [disputed, ran, looked] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(disputed).toMatchObject({ data: [{ service: "palantir", status: "discrepancy" }], meta: { total: 1 } })
    expect(ran).toMatchObject({ commandId: "retry-by-curl", phase: "success", outcome: "success", verified: true })
    expect(looked).toMatchObject({ commandId: "look", dryRun: true, precondition: { met: true } })
    // Looking used no id up.
    expect((await fetch(`${url}/commands/look`)).status).toBe(404)
  })
})
